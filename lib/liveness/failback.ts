/**
 * How long a node leaves an address to another one that serves it well. One that lost its addresses again and again, by a link
 * that flaps or by standing still, waits twice as long each time: every move breaks connections.
 */

/** Losses older than this are forgiven. */
const DAMPING_WINDOW_MS = 10 * 60_000;
/** No damping beyond this; a longer delay that was asked for stays. */
const MAX_DAMPED_MS = 5 * 60_000;
/** More than these change nothing: 10 s doubled five times is above the limit. */
const MAX_LOSSES = 8;

export class Failback {
  readonly #lossesMs: number[] = [];

  /** This node gave up what it owned without wanting to. */
  noteLoss(nowMs: number): void {
    this.#lossesMs.push(nowMs);
    if (this.#lossesMs.length > MAX_LOSSES) this.#lossesMs.shift();
  }

  /** The delay now: the one asked for, doubled for each loss of the last ten minutes but the first. */
  delayMs(failbackMs: number, nowMs: number): number {
    const losses = this.#lossesMs.filter(atMs => nowMs - atMs < DAMPING_WINDOW_MS).length;
    const damped = failbackMs * 2 ** Math.max(0, losses - 1);
    return Math.max(failbackMs, Math.min(damped, MAX_DAMPED_MS));
  }
}
