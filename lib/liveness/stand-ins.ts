/**
 * For which addresses this node answers in the place of a peer that restarts, so that nobody asks in vain meanwhile. Keeps account
 * only: `succession.ts` says when it begins, `ownership.ts` tells the driver.
 */

/** A stand-in goes on this long after the owner is back, unless that announces the address sooner. */
const STAND_IN_AFTER_MS = 300;

interface StandIn {
  readonly peerName: string;
  /** The peer is back: we answer until it announces the address, or until then. */
  untilMs: number | undefined;
}

export class StandIns {
  readonly #byAddress = new Map<string, StandIn>();
  /** For how many addresses we answer in the place of each peer. */
  readonly #counts = new Map<string, number>();

  /** Peers in whose place this node answers. */
  peers(): Iterable<string> {
    return this.#counts.keys();
  }

  /** In whose place this node answers for the address. */
  peerOf(address: string): string | undefined {
    return this.#byAddress.get(address)?.peerName;
  }

  /** When a stand-in that fades is over; undefined for one that goes on. */
  endMs(address: string): number | undefined {
    return this.#byAddress.get(address)?.untilMs;
  }

  /** There must be none for the address yet. */
  begin(address: string, peerName: string): void {
    this.#byAddress.set(address, { peerName, untilMs: undefined });
    this.#counts.set(peerName, (this.#counts.get(peerName) ?? 0) + 1);
  }

  /**
   * The owner is back, or another one is best: a moment more, until the other one has taken the address. Gives when it is over,
   * counted from the first call; undefined when there is no stand-in.
   */
  fade(address: string, nowMs: number): number | undefined {
    const standIn = this.#byAddress.get(address);
    if (standIn === undefined) return undefined;
    standIn.untilMs ??= nowMs + STAND_IN_AFTER_MS;
    return standIn.untilMs;
  }

  /** False when there was none. */
  end(address: string): boolean {
    const standIn = this.#byAddress.get(address);
    if (standIn === undefined) return false;
    this.#byAddress.delete(address);
    const left = (this.#counts.get(standIn.peerName) ?? 1) - 1;
    if (left === 0) this.#counts.delete(standIn.peerName);
    else this.#counts.set(standIn.peerName, left);
    return true;
  }
}
