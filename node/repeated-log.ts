/** Keeps what the network may provoke any number of times from filling a log. */
import { REPEATED_LOG_MS } from "./limits";

export class RepeatedLog {
  readonly #loggedAtMs = new Map<string, number>();
  readonly #capacity: number;

  /** `capacity`: distinct complaints that are remembered; beyond that the oldest may be repeated early. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether the complaint may be logged now: once a minute for each `key`. */
  admits(key: string, nowMs: number): boolean {
    const loggedAtMs = this.#loggedAtMs.get(key);
    if (loggedAtMs !== undefined && nowMs - loggedAtMs < REPEATED_LOG_MS) return false;
    this.#loggedAtMs.delete(key);
    this.#loggedAtMs.set(key, nowMs);
    const [oldest] = this.#loggedAtMs.keys();
    if (this.#loggedAtMs.size > this.#capacity && oldest !== undefined) {
      this.#loggedAtMs.delete(oldest);
    }
    return true;
  }
}
