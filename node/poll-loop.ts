/**
 * The beat of the packet thread: one blocking `poll` for all engines together. All sockets are read first and only then timers
 * judged, so that a thread that overslept hears what waited for it before it declares anybody dead.
 */
import type { Clock } from "./clock";
import { MAX_SLEEP_MS } from "./limits";
import { PollSet } from "./poll-set";
import type { Sockets } from "./sockets";

/** A part of the packet thread with descriptors and timers of its own. It never blocks and does a turn's share at a time. */
export interface PollEngine {
  /** Descriptors to wait for. When they change, tell the loop by `watchAgain`. */
  readonly fds: readonly number[];
  /** Reads what waits on one of them, up to a turn's share: what is left makes it readable again. */
  onReadable(fd: number, nowMs: number): void;
  /** Called in every turn after all descriptors were read: timers that are due. */
  onTurn(nowMs: number): void;
  /** When `onTurn` has something to do next; undefined when nothing waits. */
  nextDeadlineMs(nowMs: number): number | undefined;
  close(): void;
}

export interface PollLoopOptions {
  readonly sockets: Sockets;
  readonly clock: Clock;
  /** The thread woke, or worked, so much later than it meant to; called before anything is read. */
  readonly onLate: (lateMs: number, nowMs: number) => void;
}

export class PollLoop {
  readonly #options: PollLoopOptions;
  readonly #poll: PollSet;
  #engines: readonly PollEngine[] = [];
  #mustWatch = true;
  #worstWakeDelayMs = 0;
  #longestTurnMs = 0;
  #wokeMs = Infinity;
  #sleepsMs = 0;
  #sleepForMs = 0;
  readonly #noteAwake = (): void => {
    this.#wokeMs = this.#options.clock.monotonicMs();
    const lateMs = this.#wokeMs - this.#sleepsMs - this.#sleepForMs;
    this.#worstWakeDelayMs = Math.max(this.#worstWakeDelayMs, lateMs);
    this.#options.onLate(lateMs, this.#wokeMs);
  };

  constructor(options: PollLoopOptions) {
    this.#options = options;
    this.#poll = new PollSet(options.sockets);
  }

  /** The engines, in the order in which they are read and have their turn. */
  setEngines(engines: readonly PollEngine[]): void {
    this.#engines = engines;
    this.#mustWatch = true;
  }

  /** The descriptors of an engine changed. */
  watchAgain(): void {
    this.#mustWatch = true;
  }

  /** Sleeps until something is readable or due (not at all when `isBusy`), reads it, and returns the time after that. */
  wait(isBusy: boolean): number {
    const { clock } = this.#options;
    if (this.#mustWatch) this.#watch();
    const sleepMs = isBusy ? 0 : this.#sleepMs(clock.monotonicMs());
    this.#sleepsMs = clock.monotonicMs();
    this.#sleepForMs = sleepMs;
    const turnMs = this.#sleepsMs - this.#wokeMs;
    this.#longestTurnMs = Math.max(this.#longestTurnMs, turnMs);
    this.#options.onLate(turnMs, this.#sleepsMs);
    this.#poll.wait(sleepMs, this.#noteAwake);
    return clock.monotonicMs();
  }

  /** Gives every engine its turn. */
  runTurns(nowMs: number): void {
    for (const engine of this.#engines) engine.onTurn(nowMs);
  }

  /** The worst since the last call. */
  takeDelays(): { readonly worstWakeDelayMs: number; readonly longestTurnMs: number } {
    const delays = {
      worstWakeDelayMs: this.#worstWakeDelayMs,
      longestTurnMs: this.#longestTurnMs,
    };
    this.#worstWakeDelayMs = 0;
    this.#longestTurnMs = 0;
    return delays;
  }

  close(): void {
    for (const engine of this.#engines) engine.close();
  }

  #watch(): void {
    this.#mustWatch = false;
    this.#poll.clear();
    const { clock } = this.#options;
    for (const engine of this.#engines) {
      for (const fd of engine.fds) {
        this.#poll.add(fd, () => engine.onReadable(fd, clock.monotonicMs()));
      }
    }
  }

  #sleepMs(nowMs: number): number {
    let deadlineMs = nowMs + MAX_SLEEP_MS;
    for (const engine of this.#engines) {
      deadlineMs = Math.min(deadlineMs, engine.nextDeadlineMs(nowMs) ?? Infinity);
    }
    // Never early: a wake-up before the deadline would only come to sleep again.
    return Math.max(0, Math.ceil(deadlineMs - nowMs));
  }
}
