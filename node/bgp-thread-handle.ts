/** Main's end of the BGP thread: starts it, hands it commands, passes its reports on, and waits until it is gone. */
import {
  MessageChannel,
  Worker,
  receiveMessageOnPort,
  type MessagePort,
} from "node:worker_threads";
import { PREFIXES_PER_PORTION } from "./bgp-limits";
import type {
  AnnouncedRoutes,
  BgpCommand,
  BgpReport,
  BgpThreadCommand,
  BgpThreadData,
  BgpThreadMessage,
  LeaveCommand,
  RoutesCommand,
  RoutesPortion,
  SessionRouteChanges,
} from "./bgp-protocol";

export interface BgpThreadOptions {
  /** The bundled BGP thread, a CommonJS file from which koffi can be resolved. */
  readonly bundlePath: string;
  /** One end of a channel whose other end the packet thread gets; taken over. Without one there is no BFD. */
  readonly bfdPort?: MessagePort;
}

/** The thread could not start, or did not end in time. `message` is a sentence for people. */
export class BgpThreadError extends Error {
  readonly code: "cannot-start" | "does-not-leave" | "does-not-stop";

  constructor(code: BgpThreadError["code"], message: string) {
    super(message);
    this.name = "BgpThreadError";
    this.code = code;
  }
}

/**
 * Tables of many peers live in it; a leak ends this thread instead of the node's memory. What a peer floods lives for one turn of
 * the loop: a small young generation keeps that from growing the process.
 */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 4 };
const STOP_TIMEOUT_MS = 2000;
/** Beyond the drain: withdrawals and last words have three seconds. */
const LEAVE_TIMEOUT_MS = 4000;

export class BgpThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #exited: Promise<void>;
  readonly #listeners: ((report: BgpReport) => void)[] = [];
  /** Reports from before the first listener. */
  #early: BgpReport[] = [];
  #onReport = new Set<(report: BgpReport) => void>();
  #isStopping = false;
  #hasFailed = false;

  private constructor({ bundlePath, bfdPort }: BgpThreadOptions) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: BgpThreadData = {
      port: port2,
      ...(bfdPort === undefined ? {} : { bfdPort }),
    };
    this.#worker = new Worker(bundlePath, {
      name: "bgp",
      workerData,
      transferList: [port2, ...(bfdPort === undefined ? [] : [bfdPort])],
      resourceLimits: RESOURCE_LIMITS,
    });
    this.#port.on("message", (message: BgpThreadMessage) => this.#receive(message));
    this.#worker.on("error", error => this.#fail(`the BGP thread crashed: ${error.message}`));
    this.#exited = new Promise(resolve => {
      this.#worker.once("exit", code => {
        this.#handleExit(code);
        resolve();
      });
    });
  }

  /** Resolves when the thread works; rejects with `BgpThreadError` and its sentence when it cannot. */
  static async start(options: BgpThreadOptions): Promise<BgpThread> {
    const thread = new BgpThread(options);
    const outcome = await thread.#nextReport(["started"]);
    if (outcome.type === "failed") throw new BgpThreadError("cannot-start", outcome.error);
    return thread;
  }

  /** Hands the command to the thread; after `stop` or a failure it does nothing. */
  post(command: BgpCommand): void {
    if (this.#isStopping || this.#hasFailed) return;
    if (command.type === "stop") this.#isStopping = true;
    if (command.type !== "routes") this.#send(command);
    else for (const portion of toPortions(command)) this.#send(portion);
  }

  /** Calls the listener with every report, those from before the first listener included. */
  onReport(listener: (report: BgpReport) => void): void {
    this.#listeners.push(listener);
    const early = this.#early;
    this.#early = [];
    for (const report of early) listener(report);
  }

  /** Ends every session in order. Rejects when that takes four seconds more than the drain. */
  async leave(command: Omit<LeaveCommand, "type">): Promise<void> {
    if (this.#isStopping || this.#hasFailed) return;
    const left = this.#nextReport(["left"]);
    this.post({ type: "leave", ...command });
    const limitMs = LEAVE_TIMEOUT_MS + (command.drainMs ?? 0);
    await within(left, limitMs, "does-not-leave", `BGP sessions did not end within ${limitMs} ms`);
  }

  /** Makes the thread end and waits until it is gone; sessions that have not left are cut. */
  async stop(): Promise<void> {
    this.post({ type: "stop" });
    const text = `the BGP thread did not stop within ${STOP_TIMEOUT_MS} ms`;
    await within(this.#exited, STOP_TIMEOUT_MS, "does-not-stop", text);
  }

  /** The next report of one of the types, or the thread's failure. */
  #nextReport(types: readonly BgpReport["type"][]): Promise<BgpReport> {
    return new Promise(resolve => {
      const listener = (report: BgpReport): void => {
        if (report.type !== "failed" && !types.includes(report.type)) return;
        this.#onReport.delete(listener);
        resolve(report);
      };
      this.#onReport.add(listener);
    });
  }

  #send(command: BgpThreadCommand): void {
    this.#port.postMessage(command);
  }

  #receive(message: BgpThreadMessage): void {
    for (const report of message.reports) this.#pass(report);
  }

  #pass(report: BgpReport): void {
    if (report.type === "failed") this.#hasFailed = true;
    for (const listener of [...this.#onReport]) listener(report);
    if (this.#listeners.length === 0) this.#early.push(report);
    for (const listener of this.#listeners) listener(report);
  }

  #fail(error: string): void {
    if (!this.#hasFailed) this.#pass({ type: "failed", error });
  }

  #handleExit(code: number): void {
    // Its last words may still wait: closing the port would drop them.
    for (;;) {
      const last = receiveMessageOnPort(this.#port) as { message: BgpThreadMessage } | undefined;
      if (last === undefined) break;
      this.#receive(last.message);
    }
    this.#port.close();
    if (!this.#isStopping) this.#fail(`the BGP thread ended by itself (exit code ${code})`);
  }
}

/** The command in portions of at most so many prefixes, in order; at least one. */
export function toPortions(command: RoutesCommand): readonly RoutesPortion[] {
  const portions: SessionRouteChanges[][] = [[]];
  let room = PREFIXES_PER_PORTION;
  const add = (change: SessionRouteChanges, count: number): void => {
    if (room === 0) {
      portions.push([]);
      room = PREFIXES_PER_PORTION;
    }
    portions.at(-1)?.push(change);
    room -= count;
  };
  for (const { session, withdrawn, announced } of command.changes) {
    eachSlice(
      withdrawn,
      () => room || PREFIXES_PER_PORTION,
      prefixes => {
        add({ session, withdrawn: prefixes, announced: [] }, prefixes.length);
      },
    );
    for (const { attributes, prefixes } of announced) {
      eachSlice(
        prefixes,
        () => room || PREFIXES_PER_PORTION,
        slice => {
          const routes: AnnouncedRoutes = { attributes, prefixes: slice };
          add({ session, withdrawn: [], announced: [routes] }, slice.length);
        },
      );
    }
  }
  const { attributeSets, sequence } = command;
  return portions.map((changes, index) => ({
    type: "routesPortion",
    attributeSets,
    changes,
    isLast: index === portions.length - 1,
    ...(sequence === undefined ? {} : { sequence }),
  }));
}

function eachSlice(
  prefixes: readonly string[],
  room: () => number,
  use: (slice: readonly string[]) => void,
): void {
  for (let start = 0; start < prefixes.length; ) {
    const slice = prefixes.slice(start, start + room());
    use(slice);
    start += slice.length;
  }
}

async function within<Value>(
  promise: Promise<Value>,
  limitMs: number,
  code: BgpThreadError["code"],
  text: string,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BgpThreadError(code, text)), limitMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
