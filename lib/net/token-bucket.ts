/** How fast frames may leave: no more than switches and policers bear. Owns no timer. */

/** Frames per second, and how many may leave at once after a pause. */
export interface FrameRate {
  readonly framesPerSecond: number;
  readonly burstFrames: number;
}

/** Grants `framesPerSecond` on average and at most `burstFrames` at once. */
export class TokenBucket {
  readonly #rate: FrameRate;
  #tokens: number;
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(rate: FrameRate) {
    this.#rate = rate;
    this.#tokens = rate.burstFrames;
  }

  take(nowMs: number): boolean {
    if (nowMs > this.#atMs) {
      const grown = ((nowMs - this.#atMs) * this.#rate.framesPerSecond) / 1000;
      this.#tokens = Math.min(this.#rate.burstFrames, this.#tokens + grown);
      this.#atMs = nowMs;
    }
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Frames left beside those that were asked for: the next ones wait longer. */
  charge(frames: number): void {
    this.#tokens -= frames;
  }

  /** When the next frame may leave, given what was taken so far. */
  readyAtMs(): number {
    if (this.#tokens >= 1) return Number.NEGATIVE_INFINITY;
    return this.#atMs + ((1 - this.#tokens) * 1000) / this.#rate.framesPerSecond;
  }
}
