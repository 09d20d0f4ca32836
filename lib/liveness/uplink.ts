/**
 * Whether the default gateway answers this node. One that never answered proves nothing: many do not answer ICMP. Owns no socket
 * and no timer: says what was sent and what came back.
 */

/** A gateway that answered this often is expected to go on. */
const KNOWN_AFTER_REPLIES = 3;
/** Requests in a row without an answer, and how long ago the last answer must be. */
const LOST_AFTER_REQUESTS = 4;
const LOST_AFTER_MS = 2_000;

export class UplinkJudge {
  #replies = 0;
  #unanswered = 0;
  #lastReplyMs = -Infinity;

  /** An echo request left. */
  noteSent(): void {
    this.#unanswered += 1;
  }

  /** The gateway answered. */
  noteReply(nowMs: number): void {
    this.#replies += 1;
    this.#unanswered = 0;
    this.#lastReplyMs = nowMs;
  }

  isReachable(nowMs: number): boolean {
    if (this.#replies < KNOWN_AFTER_REPLIES) return true;
    return this.#unanswered < LOST_AFTER_REQUESTS || nowMs - this.#lastReplyMs < LOST_AFTER_MS;
  }
}
