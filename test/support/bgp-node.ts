/** Nodes with a BGP thread in network namespaces, each a process of its own. */
import type {
  BfdRequest,
  BfdStateMessage,
  BgpCommand,
  BgpReport,
  BgpSessionCounters,
  BgpSessionReport,
} from "../../node/bgp-protocol";
import { bundlePrograms, type NodeBundles } from "./bundles";
import { eventually, type Host } from "./netns";
import { NodeProcess, type NodeProcessOptions } from "./node-process";

export type BgpNodeOrder =
  | { readonly type: "command"; readonly command: BgpCommand; readonly isTimed?: boolean }
  | { readonly type: "bfd"; readonly message: BfdStateMessage }
  | { readonly type: "stall"; readonly busyMs: number }
  | { readonly type: "memory" }
  | { readonly type: "stop" };

export type BgpNodeMessage =
  | { readonly type: "bfdRequests"; readonly requests: readonly BfdRequest[] }
  | { readonly type: "memory"; readonly rssOctets: number }
  | { readonly type: "posted"; readonly sequence: number; readonly atMs: number }
  | { readonly type: "report"; readonly report: BgpReport };

/** The bundled BGP thread and the program around it. */
export type BgpBundles = NodeBundles;

export async function bundleBgpPrograms(): Promise<BgpBundles> {
  return bundlePrograms("bgp", {
    thread: "node/bgp-thread.ts",
    program: "test/support/bgp-node-program.ts",
  });
}

export class BgpNode {
  readonly host: Host;
  /** Every report but counters, which are kept apart. */
  readonly reports: BgpReport[] = [];
  /** When the process gave a command of `postTimed` to the thread: sequence → milliseconds since the epoch. */
  readonly postedAtMs = new Map<number, number>();
  readonly #counters = new Map<string, BgpSessionCounters>();
  readonly #sessions = new Map<string, BgpSessionReport>();
  readonly #process: NodeProcess<BgpNodeOrder, BgpNodeMessage>;
  #bfdRequests: readonly BfdRequest[] = [];
  #rssOctets: number | undefined;

  private constructor(host: Host, options: NodeProcessOptions) {
    this.host = host;
    this.#process = new NodeProcess(options);
  }

  /** Starts the process in the host's namespace; `wrapper` goes before node, for instance to drop capabilities. */
  static async start(
    host: Host,
    bundles: BgpBundles,
    wrapper: readonly string[] = [],
  ): Promise<BgpNode> {
    const program = [bundles.program, bundles.thread];
    const node = new BgpNode(host, { namespace: host.namespace, program, wrapper });
    await node.#process.start(host.name, message => node.#receive(message));
    return node;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get bfdRequests(): readonly BfdRequest[] {
    return this.#bfdRequests;
  }

  post(command: BgpCommand): void {
    this.#process.order({ type: "command", command });
  }

  /** As `post`; `postedAtMs` gets the time by the command's sequence. */
  postTimed(command: BgpCommand): void {
    this.#process.order({ type: "command", command, isTimed: true });
  }

  /** As the packet thread tells it. */
  tellBfd(session: string, state: BfdStateMessage["state"], words = "test"): void {
    this.#process.order({ type: "bfd", message: { type: "bfdState", session, state, words } });
  }

  /** Blocks the main thread of the process. */
  stall(busyMs: number): void {
    this.#process.order({ type: "stall", busyMs });
  }

  /** Resident memory of the process. */
  async rssOctets(): Promise<number> {
    this.#rssOctets = undefined;
    this.#process.order({ type: "memory" });
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
    await this.#process.kill();
  }

  /** Stops without leaving; resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#process.stop({ type: "stop" });
  }

  /** Sends the process a signal, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#process.signal(name);
  }

  #receive(message: BgpNodeMessage): void {
    if (message.type === "bfdRequests") this.#bfdRequests = message.requests;
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
}
