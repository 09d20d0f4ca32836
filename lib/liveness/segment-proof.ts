/**
 * Whether an interface still receives what others send: a node that hears nothing cannot know whether the others are silent or
 * it is deaf, so it may not take their addresses. Feed it with every frame of another host; it says when to ask for one.
 */
import { SUSPECT_INTERVALS } from "./peer";
import type { MembershipTimers } from "./timers";

export class SegmentProof {
  #intervalMs = 0;
  #validMs = 0;
  #lastMs = -Infinity;
  #nextAskMs = -Infinity;

  /** A frame proves the interface for twice the detection time. */
  constructor(timers: MembershipTimers) {
    this.setTimers(timers);
  }

  setTimers({ intervalMs, multiplier }: MembershipTimers): void {
    this.#intervalMs = intervalMs;
    this.#validMs = 2 * intervalMs * multiplier;
  }

  /** A frame of another host arrived. */
  note(nowMs: number): void {
    this.#lastMs = nowMs;
  }

  isProven(nowMs: number): boolean {
    return nowMs - this.#lastMs < this.#validMs;
  }

  /** True when a neighbor should be asked for a sign now: nothing came for three intervals. */
  takeAsk(nowMs: number): boolean {
    if (nowMs < this.#askMs()) return false;
    this.#nextAskMs = nowMs + this.#intervalMs;
    return true;
  }

  /** When to ask, or when the proof expires. */
  nextDeadlineMs(nowMs: number): number {
    return this.isProven(nowMs)
      ? Math.min(this.#askMs(), this.#lastMs + this.#validMs)
      : this.#askMs();
  }

  #askMs(): number {
    return Math.max(this.#nextAskMs, this.#lastMs + SUSPECT_INTERVALS * this.#intervalMs);
  }
}
