/** The two timers of a session without a connection: connect retry and idle hold, with the back-off that sets them. */
import type { Backoff, FailureCause } from "./backoff";
import { STABLE_AFTER_MS } from "./limits";
import { earliest } from "./session-connection";

export class RetryTimers {
  readonly #backoff: Backoff;
  #connectRetryDeadlineMs: number | undefined;
  #idleHoldDeadlineMs: number | undefined;
  #waitsForBfd = false;

  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  /** The session waits in Idle because BFD went down. */
  get waitsForBfd(): boolean {
    return this.#waitsForBfd;
  }

  setConnectRetry(connectRetrySeconds: number | undefined): void {
    this.#backoff.setConnectRetry(connectRetrySeconds);
  }

  armConnectRetry(nowMs: number): void {
    this.stop();
    this.#connectRetryDeadlineMs = nowMs + this.#backoff.nextWaitMs("transport");
  }

  /** `establishedMs` is how long the session had been Established; a stable one makes every back-off start anew. */
  armIdleHold(cause: FailureCause, establishedMs: number, nowMs: number): void {
    this.stop();
    const isStable = establishedMs >= STABLE_AFTER_MS;
    if (isStable) this.#backoff.reset();
    const effective = isStable && cause === "transport" ? "lostWhenStable" : cause;
    this.#idleHoldDeadlineMs = nowMs + this.#backoff.nextWaitMs(effective);
    this.#waitsForBfd = cause === "bfd";
  }

  stop(): void {
    this.#connectRetryDeadlineMs = undefined;
    this.#idleHoldDeadlineMs = undefined;
    this.#waitsForBfd = false;
  }

  isConnectRetryDue(nowMs: number): boolean {
    return this.#connectRetryDeadlineMs !== undefined && this.#connectRetryDeadlineMs <= nowMs;
  }

  isIdleHoldDue(nowMs: number): boolean {
    return this.#idleHoldDeadlineMs !== undefined && this.#idleHoldDeadlineMs <= nowMs;
  }

  nextDeadlineMs(): number | undefined {
    return earliest([this.#connectRetryDeadlineMs, this.#idleHoldDeadlineMs]);
  }
}
