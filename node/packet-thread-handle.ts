/** Main's end of the packet thread: starts it, hands it commands, passes its reports on, and waits until it is gone. */
import { closeSync, writeSync } from "node:fs";
import {
  MessageChannel,
  Worker,
  receiveMessageOnPort,
  type MessagePort,
} from "node:worker_threads";
import { ENTRIES_PER_MESSAGE } from "./limits";
import type {
  AnnouncementEntry,
  PacketCommand,
  PacketReport,
  PacketThreadData,
  ThreadCommand,
  ThreadMessage,
} from "./packet-protocol";

export interface PacketThreadOptions {
  /** The bundled packet thread, a CommonJS file from which koffi can be resolved. */
  readonly bundlePath: string;
  readonly nodeName: string;
}

/** The thread could not start, or did not end in time. `message` is a sentence for people. */
export class PacketThreadError extends Error {
  readonly code: "cannot-start" | "does-not-stop";

  constructor(code: PacketThreadError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PacketThreadError";
    this.code = code;
  }
}

/** Its heap is small on purpose: collections stay short, and a leak ends this thread instead of the node's memory. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };
const STOP_TIMEOUT_MS = 2000;
const WAKE_UP = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

export class PacketThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #exited: Promise<void>;
  readonly #listeners: ((report: PacketReport) => void)[] = [];
  /** Reports from before the first listener. */
  #early: PacketReport[] = [];
  #onOutcome: ((report: PacketReport) => void) | undefined;
  #eventFd: number | undefined;
  #entries = new Map<string, AnnouncementEntry>();
  #isStopping = false;
  #hasFailed = false;

  private constructor(options: PacketThreadOptions) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: PacketThreadData = { nodeName: options.nodeName, port: port2 };
    this.#worker = new Worker(options.bundlePath, {
      name: "packet",
      workerData,
      transferList: [port2],
      resourceLimits: RESOURCE_LIMITS,
    });
    this.#port.on("message", (message: ThreadMessage) => this.#receive(message));
    this.#worker.on("error", error => this.#fail(`the packet thread crashed: ${error.message}`));
    this.#exited = new Promise(resolve => {
      this.#worker.once("exit", code => {
        this.#handleExit(code);
        resolve();
      });
    });
  }

  /** Resolves when the thread listens; rejects with `PacketThreadError` and its sentence when it cannot. */
  static async start(options: PacketThreadOptions): Promise<PacketThread> {
    const thread = new PacketThread(options);
    await new Promise<void>((resolve, reject) => {
      thread.#onOutcome = report => {
        if (report.type === "started") resolve();
        if (report.type === "failed") reject(new PacketThreadError("cannot-start", report.error));
      };
    });
    thread.#onOutcome = undefined;
    return thread;
  }

  /** Hands the command to the thread; after `stop` or a failure it does nothing. */
  post(command: PacketCommand): void {
    if (this.#isStopping || this.#hasFailed) return;
    switch (command.type) {
      case "configure":
      case "uplink":
        this.#send(command);
        break;
      case "announce":
        for (const portion of this.#toPortions(command.entries)) this.#send(portion);
        break;
      case "stop":
        this.#isStopping = true;
        this.#send(command);
    }
  }

  /** Gives the thread one end of a channel whose other end the BGP thread has: BFD tells it about paths without main. */
  connectBgp(port: MessagePort): void {
    if (this.#isStopping || this.#hasFailed) return;
    const command: ThreadCommand = { type: "bfdPort", port };
    this.#port.postMessage(command, [port]);
    this.#wake();
  }

  /** Calls the listener with every report, those from before the first listener included. */
  onReport(listener: (report: PacketReport) => void): void {
    this.#listeners.push(listener);
    const early = this.#early;
    this.#early = [];
    for (const report of early) listener(report);
  }

  /**
   * Makes the thread leave and waits until it is gone: it tells its peers within 20 ms and answers until they have taken over,
   * or, with `isRestart`, keep its addresses for it. Rejects when it is not gone after two seconds.
   */
  async stop(isRestart = false): Promise<void> {
    this.post({ type: "stop", isRestart });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const text = `the packet thread did not stop within ${STOP_TIMEOUT_MS} ms`;
        reject(new PacketThreadError("does-not-stop", text));
      }, STOP_TIMEOUT_MS);
    });
    try {
      await Promise.race([this.#exited, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  #send(command: ThreadCommand): void {
    this.#port.postMessage(command);
    this.#wake();
  }

  #wake(): void {
    if (this.#eventFd !== undefined) writeSync(this.#eventFd, WAKE_UP);
  }

  #receive(message: ThreadMessage): void {
    if (message.type === "ready") {
      this.#eventFd = message.eventFd;
      // For commands that were posted before the descriptor was known.
      this.#wake();
      return;
    }
    for (const report of message.reports) this.#pass(report);
  }

  #pass(report: PacketReport): void {
    if (report.type === "failed") this.#hasFailed = true;
    this.#onOutcome?.(report);
    if (this.#listeners.length === 0) this.#early.push(report);
    for (const listener of this.#listeners) listener(report);
  }

  #fail(error: string): void {
    if (!this.#hasFailed) this.#pass({ type: "failed", error });
  }

  #handleExit(code: number): void {
    if (this.#eventFd !== undefined) closeSync(this.#eventFd);
    this.#eventFd = undefined;
    // Its last words may still wait: closing the port would drop them.
    for (;;) {
      const last = receiveMessageOnPort(this.#port) as { message: ThreadMessage } | undefined;
      if (last === undefined) break;
      if (last.message.type === "reports") this.#receive(last.message);
    }
    this.#port.close();
    if (!this.#isStopping) this.#fail(`the packet thread ended by itself (exit code ${code})`);
  }

  /** The difference to the set posted before, in portions; at least one, so that an empty set counts as a set. */
  #toPortions(entries: readonly AnnouncementEntry[]): readonly ThreadCommand[] {
    const wanted = new Map(entries.map(entry => [entry.address, entry]));
    const removed = [...this.#entries.keys()].filter(address => !wanted.has(address));
    const changed = [...wanted.values()].filter(entry => {
      const before = this.#entries.get(entry.address);
      return before === undefined || !isSameEntry(before, entry);
    });
    this.#entries = wanted;
    const portions: ThreadCommand[] = [];
    for (let start = 0; start === 0 || start < changed.length; start += ENTRIES_PER_MESSAGE) {
      portions.push({
        type: "announceChanges",
        changed: changed.slice(start, start + ENTRIES_PER_MESSAGE),
        removed: start === 0 ? removed : [],
        isLast: start + ENTRIES_PER_MESSAGE >= changed.length,
      });
    }
    return portions;
  }
}

function isSameEntry(left: AnnouncementEntry, right: AnnouncementEntry): boolean {
  if (left === right) return true;
  return (
    isSameList(left.candidates, right.candidates) &&
    (left.interfaces === "all" || right.interfaces === "all"
      ? left.interfaces === right.interfaces
      : isSameList(left.interfaces, right.interfaces))
  );
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
