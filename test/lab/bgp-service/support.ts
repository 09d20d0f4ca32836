/**
 * A lab with speakers, nginx on every node, and a router that learns routes by BGP: the client reaches Services through it alone.
 * Services get their addresses by hand; each speaker has the rights of its Pod and no other.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiUrl } from "../../../lab/cluster-parts";
import type { LabProcess } from "../../../lab/host-process";
import { NGINX_IMAGE } from "../../../lab/images";
import { install } from "../../../lab/install";
import type { Lab } from "../../../lab/lab";
import type { LearntRoute, Router, RouterPeer, RouterSettings } from "../../../lab/routers/router";
import { poll } from "../../../lab/run";
import { assignAddress, LabSpeakers, NAMESPACE, preparedLab } from "../../support/lab-speakers";

export const OUR_AS = 64512;
export const ROUTER_AS = 64513;
/** Not on the LAN: without a route by BGP nobody finds an address of it. */
export const POOL = "198.51.100.0/24";

const METRICS_PORT = 9120;

export class BgpLab {
  readonly #speakers: LabSpeakers;

  private constructor(readonly lab: Lab) {
    this.#speakers = new LabSpeakers(lab, {
      arguments: [`--port=${METRICS_PORT}`],
      env: { KUBECONFIG: this.#kubeconfig },
    });
  }

  /** Three nodes with a speaker and an nginx each, no configuration, and a client whose way to the pool is the router `r1`. */
  static async up(name: string): Promise<BgpLab> {
    return preparedLab(name, async lab => {
      const world = new BgpLab(lab);
      await world.#prepare();
      return world;
    });
  }

  async #prepare(): Promise<void> {
    const { lab } = this;
    await install({
      kubectl: (argv, options = {}) =>
        lab.exec("cp", [join(lab.binDir, "kubectl"), ...argv], options),
    });
    // Nobody admits anything here.
    const webhooks = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
    await lab.kubectl(["delete", webhooks, "--all"]);
    await this.#writeKubeconfig();
    await lab.apply([nginx("web", {})]);
    await lab.exec("client", ["ip", "route", "add", POOL, "via", lab.host("r1").ipv4]);
    // Shares by flow, not by pair of addresses, so that one client sees all next hops.
    await lab.exec("r1", ["sysctl", "-q", "-w", "net.ipv4.fib_multipath_hash_policy=1"]);
    await this.#speakers.startAll();
  }

  /** The speaker's own account: what its roles do not grant fails here too. */
  async #writeKubeconfig(): Promise<void> {
    const { lab } = this;
    const { stdout: token } = await lab.kubectl([
      ...["create", "token", "speaker", `--namespace=${NAMESPACE}`, "--duration=24h"],
    ]);
    const authority = readFileSync(lab.pki.path("ca.crt")).toString("base64");
    const cluster = { server: apiUrl(lab.host("cp")), "certificate-authority-data": authority };
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "lab", cluster }],
      users: [{ name: "speaker", user: { token: token.trim() } }],
      contexts: [{ name: "lab", context: { cluster: "lab", user: "speaker" } }],
      "current-context": "lab",
    };
    writeFileSync(this.#kubeconfig, JSON.stringify(kubeconfig), { mode: 0o600 });
  }

  get #kubeconfig(): string {
    return join(this.lab.directory, "speaker.kubeconfig");
  }

  /** The speaker started last on each node, by node. */
  get speakers(): ReadonlyMap<string, LabProcess> {
    return this.#speakers.processes;
  }

  startSpeaker(node: string): void {
    this.#speakers.start(node);
  }

  /** Resolves when every speaker says that it is ready. */
  async whenReady(): Promise<void> {
    await this.#speakers.whenReady();
  }

  /** A router on the host with a session to each speaker; `peer` adds to what it is told of each. */
  routerSettings(host: string, peer: Partial<RouterPeer> = {}): RouterSettings {
    const { ipv4 } = this.lab.host(host);
    return {
      as: ROUTER_AS,
      routerId: ipv4,
      addresses: [ipv4],
      peers: this.lab.nodes.map(node => ({
        target: { address: this.lab.host(node).ipv4 },
        as: OUR_AS,
        families: ["ipv4"],
        ...peer,
      })),
    };
  }

  /** A Service with this address. */
  async createService(name: string, address: string, spec: object = {}): Promise<void> {
    await this.lab.apply([
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "default" },
        spec: {
          type: "LoadBalancer",
          selector: { app: "web" },
          ports: [{ port: 80, targetPort: 80 }],
          ...spec,
        },
      },
    ]);
    await assignAddress(this.lab, name, address);
  }

  /** Resolves when every Pod of the DaemonSets is ready. */
  async whenPodsReady(): Promise<void> {
    await this.lab.kubectl(["rollout", "status", "daemonset", "--timeout=60s"], {
      timeoutMs: 70_000,
    });
  }

  /** The nodes that are next hops of a prefix at the router, by name, sorted. */
  async nextHops(router: Router, prefix: string): Promise<readonly string[]> {
    const routes = await routesTo(router, prefix);
    return routes.map(({ nextHop }) => this.#nodeOf(nextHop)).sort();
  }

  async untilNextHops(
    router: Router,
    prefix: string,
    wanted: readonly string[],
    timeoutMs = 15_000,
  ): Promise<void> {
    let last: readonly string[] = [];
    await poll(
      async () => {
        last = await this.nextHops(router, prefix);
        return last.join() === wanted.join() ? true : undefined;
      },
      {
        timeoutMs,
        everyMs: 50,
        describe: () => `next hops of ${prefix} are ${last.join()} instead of ${wanted.join()}`,
      },
    );
  }

  /** The next hops in the kernel of a router, sorted. */
  async kernelHops(host: string, address: string): Promise<readonly string[]> {
    const { stdout } = await this.lab.exec(host, ["ip", "route", "show", address]);
    const hops = [...stdout.matchAll(/via (\S+)/g)].map(match => match[1] ?? "");
    return hops.map(hop => this.#nodeOf(hop)).sort();
  }

  /** Resolves when the address answers twenty times in a row: every next hop forwards to a Pod. */
  async untilAnswered(address: string): Promise<void> {
    const script = `for n in $(seq 20); do curl -sf -m 1 -o /dev/null http://${address}/ || exit 1; done; echo answered`;
    await poll(
      async () => {
        const { stdout } = await this.lab.exec("client", ["bash", "-c", `(${script}) || true`]);
        return stdout.includes("answered") ? true : undefined;
      },
      { timeoutMs: 20_000, describe: () => `${address} does not answer twenty times in a row` },
    );
  }

  /** Fetches the page of an address again and again for as long as `work` takes; resolves with the number of tries and failures. */
  async whileFetching(
    address: string,
    work: () => Promise<void>,
  ): Promise<{ readonly tries: number; readonly failures: number }> {
    const loop = `n=0; f=0; trap 'echo $n $f; exit' TERM
      while :; do curl -sf -m 1 -o /dev/null http://${address}/ || f=$((f+1)); n=$((n+1)); sleep 0.01; done`;
    const log = `fetch-${address}-${performance.now().toFixed(0)}`;
    const fetcher = this.lab.spawn("client", ["bash", "-c", loop], { log });
    try {
      await work();
    } finally {
      await fetcher.stop();
    }
    const { stdout } = await this.lab.exec("client", ["cat", this.lab.logPath(log)]);
    const [tries = 0, failures = 0] = (stdout.trim().split("\n").at(-1) ?? "")
      .split(" ")
      .map(Number);
    return { tries, failures };
  }

  /** Metrics of a node's speaker as text. */
  async metrics(node: string): Promise<string> {
    const { stdout } = await this.lab.exec(node, [
      ...["curl", "-s", "-m", "2", `http://127.0.0.1:${METRICS_PORT}/metrics`],
    ]);
    return stdout;
  }

  /** Messages of the events about an object, in no particular order. */
  async events(namespace: string, kind: string, name: string): Promise<readonly string[]> {
    const selector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
    const { stdout } = await this.lab.kubectl([
      ...["get", "events", "-n", namespace, "--field-selector", selector],
      ...["-o", `jsonpath={range .items[*]}{.message}{"\\n"}{end}`],
    ]);
    return stdout.split("\n").filter(line => line !== "");
  }

  #nodeOf(ipv4: string): string {
    return this.lab.hosts.find(host => host.ipv4 === ipv4)?.name ?? ipv4;
  }
}

export async function routesTo(router: Router, prefix: string): Promise<readonly LearntRoute[]> {
  return (await router.routes()).filter(route => route.prefix === prefix);
}

/** A DaemonSet of nginx on the nodes with these labels; Services select its Pods by the label `app`. */
export function nginx(
  name: string,
  nodeSelector: Readonly<Record<string, string>>,
  app = name,
): object {
  const labels = { app, set: name };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace: "default" },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector,
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "nginx",
              image: NGINX_IMAGE,
              imagePullPolicy: "IfNotPresent",
              ports: [{ containerPort: 80 }],
              readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  };
}
