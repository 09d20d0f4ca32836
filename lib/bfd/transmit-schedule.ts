/** When the next periodic packet leaves: a jittered gap after the one before, never a burst (RFC 5880 §6.8.7). Owns no timer. */

/** Each gap is at least this part of the interval. */
const MIN_PART = 0.75;
/** Each gap is less than this part; with a detect multiplier of 1 a full gap would reach the peer's detection time. */
const MAX_PART = 1;
const MAX_PART_OF_SINGLE = 0.9;

export class TransmitSchedule {
  readonly #random: () => number;
  #intervalMs: number | undefined;
  #isSingle = false;
  #baseMs = -Infinity;
  #nextMs: number | undefined;

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** When a packet is due; undefined while nothing is sent. */
  nextDeadlineMs(): number | undefined {
    return this.#nextMs;
  }

  /**
   * Sends at this interval from now on, counted from the last packet; undefined falls silent. The same interval again changes nothing.
   */
  setInterval(intervalMs: number | undefined, detectMultiplier: number, nowMs: number): void {
    const isSingle = detectMultiplier === 1;
    if (intervalMs === this.#intervalMs && isSingle === this.#isSingle) return;
    this.#intervalMs = intervalMs;
    this.#isSingle = isSingle;
    if (intervalMs === undefined) this.#nextMs = undefined;
    else this.#nextMs = Math.max(nowMs, this.#baseMs + this.#gapMs(intervalMs));
  }

  /** The due packet was sent. An overslept one is not made up for. */
  advance(nowMs: number): void {
    if (this.#nextMs === undefined || this.#intervalMs === undefined) return;
    this.#baseMs = this.#nextMs;
    const nextMs = this.#baseMs + this.#gapMs(this.#intervalMs);
    if (nextMs > nowMs) this.#nextMs = nextMs;
    else this.restart(nowMs);
  }

  /** A packet left out of turn: the next one is a gap away from it. */
  restart(nowMs: number): void {
    this.#baseMs = nowMs;
    if (this.#intervalMs !== undefined) this.#nextMs = nowMs + this.#gapMs(this.#intervalMs);
  }

  #gapMs(intervalMs: number): number {
    const maxPart = this.#isSingle ? MAX_PART_OF_SINGLE : MAX_PART;
    return intervalMs * (MIN_PART + this.#random() * (maxPart - MIN_PART));
  }
}
