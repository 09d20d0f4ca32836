/**
 * The echo function of one session (RFC 5880 §6.4, §6.8.8): packets to myself by way of the peer, whose forwarding alone
 * returns them. Runs while the session is Up and the peer allows it. A peer that offers to return them and never returned one
 * (FRR offers always, whether its host forwards or not) is not judged by it.
 */
import { DetectionTimer } from "./detection-timer";
import { STALL_GRACE_INTERVALS } from "./limits";
import { TransmitSchedule } from "./transmit-schedule";

export interface EchoRate {
  readonly intervalMs: number;
  readonly detectMultiplier: number;
}

export class EchoFunction {
  readonly #schedule: TransmitSchedule;
  readonly #detection = new DetectionTimer();
  #rate: EchoRate | undefined;
  #hasReturned = false;

  constructor(random: () => number) {
    this.#schedule = new TransmitSchedule(random);
  }

  get isRunning(): boolean {
    return this.#rate !== undefined;
  }

  /** Runs at this rate from now on; undefined stops. */
  setRate(rate: EchoRate | undefined, nowMs: number): void {
    const wasRunning = this.isRunning;
    this.#rate = rate;
    this.#schedule.setInterval(rate?.intervalMs, rate?.detectMultiplier ?? 0, nowMs);
    if (rate === undefined) this.#detection.stop();
    else if (wasRunning) this.#detection.setDetectionTime(toDetectionMs(rate));
    else if (this.#hasReturned) this.#detection.restart(nowMs, toDetectionMs(rate));
  }

  /** One of our echoes is back. */
  handleReturned(nowMs: number): void {
    this.#hasReturned = true;
    if (this.#rate !== undefined) this.#detection.restart(nowMs, toDetectionMs(this.#rate));
  }

  /** This end stood still for so long. */
  extend(stalledMs: number, nowMs: number): void {
    const graceMs = (this.#rate?.intervalMs ?? 0) * STALL_GRACE_INTERVALS;
    this.#detection.extend(stalledMs, graceMs, nowMs);
  }

  /** True when an echo is to be sent now. */
  takeDue(nowMs: number): boolean {
    if (nowMs < (this.#schedule.nextDeadlineMs() ?? Infinity)) return false;
    this.#schedule.advance(nowMs);
    return true;
  }

  isExpired(nowMs: number): boolean {
    return this.#detection.isExpired(nowMs);
  }

  nextDeadlineMs(): number {
    return Math.min(
      this.#schedule.nextDeadlineMs() ?? Infinity,
      this.#detection.deadlineMs() ?? Infinity,
    );
  }
}

/** Silence this long means that the path is gone: our own multiplier, for it is our own stream. */
function toDetectionMs({ intervalMs, detectMultiplier }: EchoRate): number {
  return intervalMs * detectMultiplier;
}
