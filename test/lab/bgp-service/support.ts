/** A lab with Herald, nginx on every node, and a router that learns routes by BGP: the client reaches Services through it alone. */
import { HeraldInLab } from "../../../lab/herald";
import { NGINX_IMAGE } from "../../../lab/images";
import { Lab } from "../../../lab/lab";
import type { LearntRoute, Router } from "../../../lab/routers/router";
import { poll } from "../../../lab/run";

export const NAMESPACE = "metallb-system";
export const OUR_AS = 64512;
export const ROUTER_AS = 64513;
/** Not on the LAN: without a route by BGP nobody finds an address of it. */
export const POOL = "198.51.100.0/24";

export class BgpLab {
  private constructor(
    readonly lab: Lab,
    readonly herald: HeraldInLab,
  ) {}

  /** Three nodes with an nginx each, Herald without any configuration, and a client whose way to the pool is the router `r1`. */
  static async up(name: string): Promise<BgpLab> {
    const lab = await Lab.up({ name, nodes: 3 });
    try {
      const herald = await HeraldInLab.start(lab);
      await lab.apply([nginx("web", {})]);
      await lab.exec("client", ["ip", "route", "add", POOL, "via", lab.host("r1").ipv4]);
      for (const host of ["r1", "r2"]) {
        // Shares by flow, not by pair of addresses, so that one client sees all next hops.
        const sysctls = ["net.ipv4.ip_forward=1", "net.ipv4.fib_multipath_hash_policy=1"];
        await lab.exec(host, ["sysctl", "-q", "-w", ...sysctls]);
      }
      return new BgpLab(lab, herald);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** A Service whose address the controller gives; resolves with it. */
  async createService(name: string, spec: object = {}): Promise<string> {
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
    const jsonPath = "jsonpath={.status.loadBalancer.ingress[0].ip}";
    return poll(
      async () => {
        const { stdout } = await this.lab.kubectl(["get", "service", name, "-o", jsonPath]);
        return stdout === "" ? undefined : stdout;
      },
      { timeoutMs: 20_000, describe: () => `${name} gets no address` },
    );
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
      ...["curl", "-s", "-m", "2", "http://127.0.0.1:9120/metrics"],
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

export function metallb(kind: string, name: string, spec: object): object {
  const version = kind === "BGPPeer" ? "v1beta2" : "v1beta1";
  return {
    apiVersion: `metallb.io/${version}`,
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}

/** A DaemonSet of nginx on the nodes with these labels. */
export function nginx(app: string, nodeSelector: Readonly<Record<string, string>>): object {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: app, namespace: "default" },
    spec: {
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
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
