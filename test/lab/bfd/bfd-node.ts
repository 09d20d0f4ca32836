/** Nodes that speak BFD in network namespaces, each a process of its own with a packet thread. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { BfdSessionCountersReport, BfdStateReport } from "../../../node/bfd-protocol";
import type {
  BfdRequest,
  BfdRequests,
  BfdSettings,
  BfdStateMessage,
} from "../../../node/bgp-protocol";
import type { PacketReport } from "../../../node/packet-protocol";
import { eventually } from "../../support/netns";

export type BfdNodeOrder =
  | { readonly type: "requests"; readonly message: BfdRequests }
  | { readonly type: "stall"; readonly busyMs: number; readonly periodMs: number }
  | { readonly type: "stop" };

/** Times are milliseconds since the epoch. */
export type BfdNodeMessage =
  | { readonly type: "ready" }
  | { readonly type: "cannotStart"; readonly error: string }
  | { readonly type: "path"; readonly atMs: number; readonly message: BfdStateMessage }
  | { readonly type: "report"; readonly atMs: number; readonly report: PacketReport };

const ROOT = join(__dirname, "..", "..", "..");

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

export interface BfdBundles {
  readonly thread: string;
  readonly program: string;
  remove(): void;
}

/** Bundles into a directory of this process below node_modules, from where koffi can be resolved. */
export async function bundleBfdPrograms(): Promise<BfdBundles> {
  const outdir = join(ROOT, "node_modules", ".cache", "herald", `bfd-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: {
      "packet-thread": join(ROOT, "node/packet-thread.ts"),
      program: join(ROOT, "test/lab/bfd/bfd-node-program.ts"),
    },
    outdir,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
  return {
    thread: join(outdir, "packet-thread.js"),
    program: join(outdir, "program.js"),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
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
  readonly #child: ChildProcess;
  #isReady = false;
  #startError: string | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (message: BfdNodeMessage) => this.#receive(message));
  }

  /** Starts the process in the namespace; `wrapper` goes before node, for instance to drop capabilities. */
  static async start(
    namespace: string,
    bundles: BfdBundles,
    wrapper: readonly string[] = [],
  ): Promise<BfdNode> {
    const program = [process.execPath, bundles.program, bundles.thread];
    const child = spawn("ip", ["netns", "exec", namespace, ...wrapper, ...program], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    const node = new BfdNode(child);
    try {
      await eventually(`BFD in ${namespace} started`, 10_000, () => {
        if (node.#startError !== undefined) throw new Error(node.#startError);
        return node.#isReady;
      });
    } catch (error) {
      await node.kill();
      throw error;
    }
    return node;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Replaces the set of sessions. */
  request(requests: readonly BfdRequest[]): void {
    this.#order({ type: "requests", message: { type: "bfdRequests", requests } });
  }

  /** Keeps the main thread of the process busy. */
  stall(busyMs: number, periodMs: number): void {
    this.#order({ type: "stall", busyMs, periodMs });
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
    this.#child.kill(name);
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill("SIGKILL"));
  }

  /** Stops in order; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#end(() => this.#order({ type: "stop" }));
  }

  #receive(message: BfdNodeMessage): void {
    if (message.type === "ready") this.#isReady = true;
    else if (message.type === "cannotStart") this.#startError = message.error;
    else if (message.type === "path") this.paths.push(message);
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

  #order(order: BfdNodeOrder): void {
    this.#child.send(order);
  }

  async #end(begin: () => void): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    begin();
    await exited;
  }
}
