/**
 * The lab of the failover bench: three nodes (or two), nginx behind one address, and the speakers of one contender at a time. No
 * controller takes part: the address is written by hand.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ArpWatch, type ArpFrame } from "../../lab/arp-watch";
import { firstPool, nginx } from "../../lab/demo-manifests";
import type { LabProcess } from "../../lab/host-process";
import { PAUSE_IMAGE } from "../../lab/images";
import { Lab } from "../../lab/lab";
import { REPOSITORY } from "../../lab/paths";
import { consoleProgress } from "../../lab/progress";
import { poll } from "../../lab/run";
import { rankCandidates } from "../../lib/announcement/election";

export const ADDRESS = "192.168.1.240";
const NAMESPACE = "metallb-system";
const READY_LIMIT_MS = 90_000;

/** Who announces: Herald or the peer. */
export interface Contender {
  readonly name: string;
  argv(node: string): readonly string[];
}

export class Stage {
  readonly speakers = new Map<string, LabProcess>();
  readonly #pods = new Map<string, string>();

  private constructor(
    readonly lab: Lab,
    private readonly contender: () => Contender,
  ) {}

  static async up(name: string, nodes: number, contender: () => Contender): Promise<Stage> {
    const lab = await Lab.up({ name, nodes, progress: consoleProgress() });
    try {
      const stage = new Stage(lab, contender);
      await stage.#prepare();
      return stage;
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** The nodes in election order: the same for both contenders. */
  get order(): readonly string[] {
    const candidates = this.lab.nodes.map(nodeName => ({ nodeName, score: 0 }));
    return rankCandidates(candidates, ADDRESS).map(({ nodeName }) => nodeName);
  }

  get first(): string {
    return this.order[0] ?? "";
  }

  start(node: string): void {
    const argv = this.contender().argv(node);
    const env = {
      KUBECONFIG: this.lab.kubeconfig,
      METALLB_NODE_NAME: node,
      METALLB_POD_NAME: this.#pods.get(node) ?? "",
      METALLB_NAMESPACE: NAMESPACE,
      METALLB_ML_BIND_ADDR: this.lab.host(node).ipv4,
      METALLB_ML_LABELS: "app=metallb,component=speaker",
    };
    this.speakers.set(node, this.lab.spawn(node, argv, { env, log: `${node}-speaker` }));
  }

  /** Starts what does not run and resolves when the natural winner alone answers, and has for a while. */
  async settle(): Promise<void> {
    for (const node of this.lab.nodes)
      if (this.speakers.get(node)?.isRunning() !== true) this.start(node);
    await this.untilOwner(this.first, READY_LIMIT_MS);
    await pause(3_000);
    await this.untilOwner(this.first, READY_LIMIT_MS);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.speakers.values()].map(speaker => speaker.stop()));
    this.speakers.clear();
  }

  /** Resolves when exactly this node answered five requests in a row. */
  async untilOwner(node: string, timeoutMs: number): Promise<void> {
    let inARow = 0;
    await poll(
      async () => {
        const owners = await this.owners();
        inARow = owners.length === 1 && owners[0] === node ? inARow + 1 : 0;
        return inARow >= 5 ? true : undefined;
      },
      { timeoutMs, everyMs: 50, describe: () => `${node} is not the only one to answer.` },
    );
  }

  /** The nodes that answer the client's next request. */
  async owners(): Promise<readonly string[]> {
    const argv = ["arping", "-c", "1", "-W", "0.1", "-i", "eth0", ADDRESS];
    const { stdout } = await this.lab.exec("client", argv, { check: false, timeoutMs: 5_000 });
    const macs = stdout.toLowerCase().match(/([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/g) ?? [];
    return [...new Set(macs.map(mac => this.#nodeOf(mac)))];
  }

  /** Asks for the address every 10 ms while something happens; what was answered, by node. */
  async watch(happen: () => Promise<void>): Promise<readonly Answer[]> {
    const watch = await ArpWatch.start(this.lab, ADDRESS);
    const asking = ["arping", "-q", "-W", "0.01", "-c", "1000000", "-i", "eth0", ADDRESS];
    const asker = this.lab.spawn("client", asking);
    try {
      await happen();
    } finally {
      await asker.stop();
    }
    return (await watch.stop()).flatMap(frame => this.#toAnswer(frame));
  }

  #toAnswer({ atMs, isReplyOf }: ArpFrame): readonly Answer[] {
    return isReplyOf === undefined ? [] : [{ atMs, node: this.#nodeOf(isReplyOf) }];
  }

  #nodeOf(mac: string): string {
    const canonical = (text: string): string =>
      text
        .split(":")
        .map(octet => octet.padStart(2, "0"))
        .join(":");
    return this.lab.hosts.find(host => host.mac === canonical(mac))?.name ?? mac;
  }

  async #prepare(): Promise<void> {
    const { lab } = this;
    const folder = join(REPOSITORY, "crds");
    const files = readdirSync(folder).filter(file => file.endsWith(".yaml"));
    const crds = files.map(file => readFileSync(join(folder, file), "utf8")).join("\n---\n");
    await lab.kubectl(["apply", "--server-side", "-f", "-"], { input: crds });
    await lab.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]);
    await lab.kubectl(["create", "namespace", NAMESPACE]);
    await lab.apply(firstPool);
    await lab.apply(nginx);
    await lab.apply(SPEAKER_PODS);
    const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } } });
    const patch = ["--subresource=status", "--type=merge", "-p", status];
    await lab.kubectl(["patch", "service", "nginx", ...patch]);
    await lab.kubectl(["rollout", "status", "deployment/nginx", "--timeout=60s"]);
    const rollout = ["rollout", "status", "daemonset/speaker", "-n", NAMESPACE, "--timeout=60s"];
    await lab.kubectl(rollout);
    const path = 'jsonpath={range .items[*]}{.spec.nodeName} {.metadata.name}{"\\n"}{end}';
    const list = ["get", "pods", "-n", NAMESPACE, "-l", "component=speaker", "-o", path];
    for (const line of (await lab.kubectl(list)).stdout.trim().split("\n")) {
      const [node = "", pod = ""] = line.split(" ");
      this.#pods.set(node, pod);
    }
  }
}

/** A claim of the address that the client saw: when (ms since the epoch) and whose MAC address it named. */
export interface Answer {
  readonly atMs: number;
  readonly node: string;
}

export function pause(forMs: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, forMs);
  });
}

/** MetalLB's speakers find each other by the addresses of their Pods; these are there for that alone. */
const SPEAKER_PODS = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: speaker, namespace: ${NAMESPACE}}
spec:
  selector: {matchLabels: {app: metallb, component: speaker}}
  template:
    metadata: {labels: {app: metallb, component: speaker}}
    spec:
      hostNetwork: true
      terminationGracePeriodSeconds: 0
      containers: [{name: speaker, image: ${PAUSE_IMAGE}, imagePullPolicy: IfNotPresent}]
`;
