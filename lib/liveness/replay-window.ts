/** Tells new counters of one sender and boot from repeated ones, also when datagrams overtake each other. */
import { REPLAY_WINDOW_COUNTERS } from "./limits";

const WINDOW_MASK = (1n << REPLAY_WINDOW_COUNTERS) - 1n;

export class ReplayWindow {
  #highest = 0n;
  /** Bit i is set when counter `highest - i` was seen. */
  #seen = 0n;

  /** The highest counter accepted so far; 0 before the first. */
  get highest(): bigint {
    return this.#highest;
  }

  /** True once for each counter from 1 on; false for one seen before, or too far behind to know. */
  accept(counter: bigint): boolean {
    if (counter < 1n) return false;
    if (counter > this.#highest) {
      const ahead = counter - this.#highest;
      const shifted = ahead >= REPLAY_WINDOW_COUNTERS ? 0n : this.#seen << ahead;
      this.#seen = (shifted | 1n) & WINDOW_MASK;
      this.#highest = counter;
      return true;
    }
    const behind = this.#highest - counter;
    if (behind >= REPLAY_WINDOW_COUNTERS) return false;
    const bit = 1n << behind;
    if ((this.#seen & bit) !== 0n) return false;
    this.#seen |= bit;
    return true;
  }
}
