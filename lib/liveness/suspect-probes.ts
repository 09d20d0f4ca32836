/**
 * Probing of the addresses of one peer whose heartbeats stay away: three broadcast rounds at once, then a unicast probe each
 * interval. The answers count as signs of the peer; that there were none is the condition for taking its addresses.
 */

/** Addresses of a peer that are probed in its place. */
export const MAX_PROBED_ADDRESSES = 4;
export const PROBE_ROUNDS = 3;
export const PROBE_INTERVAL_MS = 40;

export interface ProbeRound {
  /** By broadcast; else to the peer's last MAC address. */
  readonly isBroadcast: boolean;
}

export class SuspectProbes {
  /** What is probed; none when nothing of the peer would come to us. */
  readonly addresses: readonly string[];
  #seriesStartMs: number;
  #broadcasts = 0;
  #nextMs: number;
  #decidedAtMs = Infinity;

  constructor(addresses: readonly string[], nowMs: number) {
    this.addresses = addresses;
    this.#seriesStartMs = nowMs;
    this.#nextMs = nowMs;
  }

  /** When `take` has something. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** When it is known that the three rounds were in vain, if they are; Infinity before the third. */
  get decidedAtMs(): number {
    return this.#decidedAtMs;
  }

  /** Whether nothing came back from the peer since the rounds began. */
  isUnanswered(lastSignMs: number): boolean {
    return this.addresses.length > 0 && lastSignMs < this.#seriesStartMs;
  }

  /** Nothing is sent any more: what is known stays. */
  stop(): void {
    this.#nextMs = Infinity;
  }

  /** The round that is due, if any. `intervalMs` is the pace of the unicast probes. */
  take(lastSignMs: number, intervalMs: number, nowMs: number): ProbeRound | undefined {
    if (nowMs < this.#nextMs) return undefined;
    const hasAnswered = lastSignMs >= this.#seriesStartMs;
    if (hasAnswered && nowMs - lastSignMs >= 3 * intervalMs) {
      // It had answered, and is silent again: from the beginning.
      this.#seriesStartMs = nowMs;
      this.#broadcasts = 0;
      this.#decidedAtMs = Infinity;
    }
    if (this.#broadcasts < PROBE_ROUNDS) {
      this.#broadcasts += 1;
      this.#nextMs = nowMs + PROBE_INTERVAL_MS;
      if (this.#broadcasts === PROBE_ROUNDS) this.#decidedAtMs = this.#nextMs;
      return { isBroadcast: true };
    }
    this.#nextMs = nowMs + intervalMs;
    return { isBroadcast: false };
  }
}
