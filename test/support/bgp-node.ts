/** Nodes with a BGP thread in network namespaces, each a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type {
  BfdRequest,
  BfdStateMessage,
  BgpCommand,
  BgpReport,
  BgpSessionCounters,
  BgpSessionReport,
} from "../../node/bgp-protocol";
import { eventually, type Host } from "./netns";

export type BgpNodeOrder =
  | { readonly type: "command"; readonly command: BgpCommand; readonly isTimed?: boolean }
  | { readonly type: "bfd"; readonly message: BfdStateMessage }
  | { readonly type: "stall"; readonly busyMs: number }
  | { readonly type: "memory" }
  | { readonly type: "stop" };

export type BgpNodeMessage =
  | { readonly type: "ready" }
  | { readonly type: "cannotStart"; readonly error: string }
  | { readonly type: "bfdRequests"; readonly requests: readonly BfdRequest[] }
  | { readonly type: "memory"; readonly rssOctets: number }
  | { readonly type: "posted"; readonly sequence: number; readonly atMs: number }
  | { readonly type: "report"; readonly report: BgpReport };

const ROOT = join(__dirname, "..", "..");

/** The bundled BGP thread and the program around it. */
export interface BgpBundles {
  readonly thread: string;
  readonly program: string;
  remove(): void;
}

/** Bundles into a directory of this process below node_modules, from where koffi can be resolved. */
export async function bundleBgpPrograms(): Promise<BgpBundles> {
  const outdir = join(ROOT, "node_modules", ".cache", "herald", `bgp-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: {
      "bgp-thread": join(ROOT, "node/bgp-thread.ts"),
      program: join(ROOT, "test/support/bgp-node-program.ts"),
    },
    outdir,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
  return {
    thread: join(outdir, "bgp-thread.js"),
    program: join(outdir, "program.js"),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}

export class BgpNode {
  readonly host: Host;
  /** Every report but counters, which are kept apart. */
  readonly reports: BgpReport[] = [];
  /** When the process gave a command of `postTimed` to the thread: sequence → milliseconds since the epoch. */
  readonly postedAtMs = new Map<number, number>();
  readonly #counters = new Map<string, BgpSessionCounters>();
  readonly #sessions = new Map<string, BgpSessionReport>();
  readonly #child: ChildProcess;
  #bfdRequests: readonly BfdRequest[] = [];
  #rssOctets: number | undefined;
  #isReady = false;
  #startError: string | undefined;

  private constructor(host: Host, child: ChildProcess) {
    this.host = host;
    this.#child = child;
    child.on("message", (message: BgpNodeMessage) => this.#receive(message));
  }

  /** Starts the process in the host's namespace; `wrapper` goes before node, for instance to drop capabilities. */
  static async start(
    host: Host,
    bundles: BgpBundles,
    wrapper: readonly string[] = [],
  ): Promise<BgpNode> {
    const program = [process.execPath, bundles.program, bundles.thread];
    const argv = ["netns", "exec", host.namespace, ...wrapper, ...program];
    const child = spawn("ip", argv, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    const node = new BgpNode(host, child);
    try {
      await eventually(`${host.name} started`, 10_000, () => {
        if (node.#startError !== undefined) throw new Error(node.#startError);
        return node.#isReady;
      });
    } catch (error) {
      await node.kill();
      throw error;
    }
    return node;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get bfdRequests(): readonly BfdRequest[] {
    return this.#bfdRequests;
  }

  post(command: BgpCommand): void {
    this.#order({ type: "command", command });
  }

  /** As `post`; `postedAtMs` gets the time by the command's sequence. */
  postTimed(command: BgpCommand): void {
    this.#order({ type: "command", command, isTimed: true });
  }

  /** As the packet thread tells it. */
  tellBfd(session: string, state: BfdStateMessage["state"], words = "test"): void {
    this.#order({ type: "bfd", message: { type: "bfdState", session, state, words } });
  }

  /** Blocks the main thread of the process. */
  stall(busyMs: number): void {
    this.#order({ type: "stall", busyMs });
  }

  /** Resident memory of the process. */
  async rssOctets(): Promise<number> {
    this.#rssOctets = undefined;
    this.#order({ type: "memory" });
    return eventually("memory is told", 10_000, () => this.#rssOctets);
  }

  /** The latest state of the session. */
  session(name: string): BgpSessionReport | undefined {
    return this.#sessions.get(name);
  }

  isEstablished(name: string): boolean {
    return this.session(name)?.state === "Established";
  }

  counters(name: string): BgpSessionCounters | undefined {
    return this.#counters.get(name);
  }

  /** Everything that was told, as text: for what must not be in it. */
  get transcript(): string {
    return JSON.stringify([this.reports, [...this.#counters]]);
  }

  async established(name: string, withinMs = 15_000): Promise<BgpSessionReport> {
    return eventually(
      `session ${name} is Established`,
      withinMs,
      () => this.isEstablished(name) && this.session(name),
    ).catch((error: unknown) => {
      const state = JSON.stringify(this.session(name));
      throw new Error(`${error instanceof Error ? error.message : ""}; it is ${state}`);
    });
  }

  /** Whether a report of the type came. */
  has(type: BgpReport["type"]): boolean {
    return this.reports.some(report => report.type === type);
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill("SIGKILL"));
  }

  /** Stops without leaving; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#end(() => this.#order({ type: "stop" }));
  }

  /** Sends the process a signal, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  #receive(message: BgpNodeMessage): void {
    if (message.type === "ready") this.#isReady = true;
    else if (message.type === "cannotStart") this.#startError = message.error;
    else if (message.type === "bfdRequests") this.#bfdRequests = message.requests;
    else if (message.type === "memory") this.#rssOctets = message.rssOctets;
    else if (message.type === "posted") this.postedAtMs.set(message.sequence, message.atMs);
    else this.#keep(message.report);
  }

  #keep(report: BgpReport): void {
    if (report.type === "counters") {
      for (const counters of report.perSession) this.#counters.set(counters.session, counters);
      return;
    }
    if (report.type === "session") this.#sessions.set(report.session, report);
    if (report.type === "sessionGone") this.#sessions.delete(report.session);
    this.reports.push(report);
  }

  #order(order: BgpNodeOrder): void {
    this.#child.send(order);
  }

  async #end(begin: () => void): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    begin();
    await exited;
  }
}
