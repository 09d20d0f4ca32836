/** Nodes that speak BFD in network namespaces, each a process of its own with a packet thread. */
import type { BfdSessionCountersReport, BfdStateReport } from "../../../node/bfd-protocol";
import type {
  BfdRequest,
  BfdRequests,
  BfdSettings,
  BfdStateMessage,
} from "../../../node/bgp-protocol";
import type { PacketReport } from "../../../node/packet-protocol";
import { bundlePrograms, type NodeBundles } from "../../support/bundles";
import { eventually } from "../../support/netns";
import { NodeProcess, type NodeProcessOptions } from "../../support/node-process";

export type BfdNodeOrder =
  | { readonly type: "requests"; readonly message: BfdRequests }
  | { readonly type: "stall"; readonly busyMs: number; readonly periodMs: number }
  | { readonly type: "stop" };

/** Times are milliseconds since the epoch. */
export type BfdNodeMessage =
  | { readonly type: "path"; readonly atMs: number; readonly message: BfdStateMessage }
  | { readonly type: "report"; readonly atMs: number; readonly report: PacketReport };

/** 300 ms × 3, as a BFDProfile without values has it. */
export const DEFAULT_SETTINGS: BfdSettings = {
  transmitIntervalMs: 300,
  receiveIntervalMs: 300,
  detectMultiplier: 3,
  isPassive: false,
};

/** The same interval both ways, × 3. */
export function settingsOf(intervalMs: number, more: Partial<BfdSettings> = {}): BfdSettings {
  const intervals = { transmitIntervalMs: intervalMs, receiveIntervalMs: intervalMs };
  return { ...DEFAULT_SETTINGS, ...intervals, ...more };
}

export type BfdBundles = NodeBundles;

export async function bundleBfdPrograms(): Promise<BfdBundles> {
  return bundlePrograms("bfd", {
    thread: "node/packet-thread.ts",
    program: "test/lab/bfd/bfd-node-program.ts",
  });
}

export interface TimedPath {
  readonly atMs: number;
  readonly message: BfdStateMessage;
}

export class BfdNode {
  readonly paths: TimedPath[] = [];
  readonly states: (BfdStateReport & { readonly atMs: number })[] = [];
  readonly logs: string[] = [];
  counters: readonly BfdSessionCountersReport[] = [];
  dropped: Readonly<Record<string, number>> = {};
  /** How late the packet thread woke at worst. */
  worstDelayMs = 0;
  readonly #process: NodeProcess<BfdNodeOrder, BfdNodeMessage>;

  private constructor(options: NodeProcessOptions) {
    this.#process = new NodeProcess(options);
  }

  /** Starts the process in the namespace; `wrapper` goes before node, for instance to drop capabilities. */
  static async start(
    namespace: string,
    bundles: BfdBundles,
    wrapper: readonly string[] = [],
  ): Promise<BfdNode> {
    const program = [bundles.program, bundles.thread];
    const node = new BfdNode({ namespace, program, wrapper });
    await node.#process.start(`BFD in ${namespace}`, message => node.#receive(message));
    return node;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Replaces the set of sessions. */
  request(requests: readonly BfdRequest[]): void {
    this.#process.order({ type: "requests", message: { type: "bfdRequests", requests } });
  }

  /** Keeps the main thread of the process busy. */
  stall(busyMs: number, periodMs: number): void {
    this.#process.order({ type: "stall", busyMs, periodMs });
  }

  /** What was last said about the path of the session. */
  path(session: string): BfdStateMessage["state"] | undefined {
    return this.paths.findLast(({ message }) => message.session === session)?.message.state;
  }

  countersOf(session: string): BfdSessionCountersReport | undefined {
    return this.counters.find(({ sessions }) => sessions.includes(session));
  }

  async whenPath(
    session: string,
    state: BfdStateMessage["state"],
    withinMs: number,
  ): Promise<TimedPath> {
    const what = `${session} is ${state} (${this.paths.map(each => each.message.state).join(" ")})`;
    return eventually(what, withinMs, () => {
      const last = this.paths.findLast(each => each.message.session === session);
      return last?.message.state === state ? last : undefined;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.signal(name);
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Stops in order; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#process.stop({ type: "stop" });
  }

  #receive(message: BfdNodeMessage): void {
    if (message.type === "path") this.paths.push(message);
    else this.#note(message.report, message.atMs);
  }

  #note(report: PacketReport, atMs: number): void {
    if (report.type === "bfdState") this.states.push({ ...report, atMs });
    if (report.type === "log") this.logs.push(`${report.msg} ${JSON.stringify(report.fields)}`);
    if (report.type === "counters") {
      this.worstDelayMs = Math.max(this.worstDelayMs, report.totals.worstWakeDelayMs);
    }
    if (report.type !== "bfdCounters") return;
    this.counters = report.isFirst ? report.perSession : [...this.counters, ...report.perSession];
    this.dropped = report.dropped;
  }
}
