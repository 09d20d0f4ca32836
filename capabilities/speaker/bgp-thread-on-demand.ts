/**
 * The BGP thread while there is a session for it: a node that no BGPPeer selects carries none, which saves ten megabytes there. It
 * starts with the first session, and ends a while after the last one is gone.
 */
import type { BgpCommand, BgpReport, LeaveCommand } from "../../node/bgp-protocol";
import type { Cancel, Clock } from "../cluster/clock";
import type { BgpThreadPort } from "./bgp-speaker";

export interface BgpThreadOnDemandOptions {
  /** Starts a thread; its rejection is reported as `failed`. */
  readonly start: () => Promise<BgpThreadPort>;
  readonly clock: Pick<Clock, "schedule">;
}

/** Sessions that were taken away have said goodbye by then, and a BGPPeer that is replaced is back. */
export const KEEP_IDLE_MS = 30_000;

export class BgpThreadOnDemand implements BgpThreadPort {
  readonly #options: BgpThreadOnDemandOptions;
  readonly #listeners: ((report: BgpReport) => void)[] = [];
  /** The thread that works, or starts; undefined as its outcome: it could not. */
  #thread: Promise<BgpThreadPort | undefined> | undefined;
  #running: BgpThreadPort | undefined;
  /** Commands for the thread that starts. */
  #waiting: BgpCommand[] = [];
  #cancelEnd: Cancel | undefined;

  constructor(options: BgpThreadOnDemandOptions) {
    this.#options = options;
  }

  /** Without a session there is nothing to say: whoever adds one says all of it again. */
  post(command: BgpCommand): void {
    if (command.type === "sessions") this.#need(command.sessions.length > 0);
    if (this.#running !== undefined) this.#running.post(command);
    else if (this.#thread !== undefined) this.#waiting.push(command);
  }

  onReport(listener: (report: BgpReport) => void): void {
    this.#listeners.push(listener);
  }

  async leave(command: Omit<LeaveCommand, "type">): Promise<void> {
    const thread = await this.#thread;
    await thread?.leave(command);
  }

  async stop(): Promise<void> {
    this.#cancelEnd?.();
    const ending = this.#thread;
    this.#thread = undefined;
    this.#running = undefined;
    this.#waiting = [];
    const thread = await ending;
    await thread?.stop();
  }

  #need(isNeeded: boolean): void {
    this.#cancelEnd?.();
    this.#cancelEnd = undefined;
    if (isNeeded) this.#thread ??= this.#start();
    else if (this.#thread !== undefined) {
      this.#cancelEnd = this.#options.clock.schedule(KEEP_IDLE_MS, () => {
        this.stop().catch((error: unknown) => this.#fail(error));
      });
    }
  }

  async #start(): Promise<BgpThreadPort | undefined> {
    const waiting: BgpCommand[] = [];
    this.#waiting = waiting;
    try {
      const thread = await this.#options.start();
      thread.onReport(report => this.#report(report));
      for (const command of waiting) thread.post(command);
      // Unless it was told to end meanwhile.
      if (this.#waiting === waiting) this.#running = thread;
      return thread;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.#report({ type: "failed", error: error instanceof Error ? error.message : String(error) });
  }

  #report(report: BgpReport): void {
    for (const listener of this.#listeners) listener(report);
  }
}
