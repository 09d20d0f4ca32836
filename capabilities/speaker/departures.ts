/**
 * Addresses that this node may not announce any more while other nodes may: an excluded node, one whose last endpoint of a
 * Service with policy Local is gone. They stay in the desired set, with candidates that lack this node, so that the packet thread
 * answers for them until it hears the successor. That one may learn of it later than we do, for its watch of the API server
 * lags; so the wait is counted in seconds, and has an end.
 */
import type { AnnouncementEntry } from "../../lib/announcement/plan-announcements";
import type { Cancel, Clock } from "../cluster/clock";
import { findEntry } from "./sorted-entries";

/** An address that nobody else takes is answered for this long. */
export const DEPARTURE_LIMIT_MS = 10_000;

export class Departures {
  readonly #nodeName: string;
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  /** As last handed to the packet thread, sorted by the text of the address. */
  #entries: readonly AnnouncementEntry[] = [];
  /** By address: when it is given up. */
  readonly #deadlinesMs = new Map<string, number>();
  #cancel: Cancel | undefined;

  /** `onExpired`: the desired set is to be made again, for some departure has taken too long. */
  constructor(nodeName: string, clock: Clock, onExpired: () => void) {
    this.#nodeName = nodeName;
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** The entry that an address had, unless it is new or has been departing for too long. */
  find(address: string): AnnouncementEntry | undefined {
    if (this.#clock.nowMs() >= (this.#deadlinesMs.get(address) ?? Infinity)) return undefined;
    return findEntry(this.#entries, address);
  }

  /** The desired set as it is now, sorted by the text of the address. */
  note(entries: readonly AnnouncementEntry[]): void {
    this.#entries = entries;
    const departing = entries.filter(({ candidates }) => !candidates.includes(this.#nodeName));
    const before = new Map(this.#deadlinesMs);
    this.#deadlinesMs.clear();
    const limitMs = this.#clock.nowMs() + DEPARTURE_LIMIT_MS;
    for (const { address } of departing) {
      this.#deadlinesMs.set(address, before.get(address) ?? limitMs);
    }
    this.#arm();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    this.stop();
    if (this.#deadlinesMs.size === 0) return;
    let nextMs = Infinity;
    for (const deadlineMs of this.#deadlinesMs.values()) nextMs = Math.min(nextMs, deadlineMs);
    this.#cancel = this.#clock.schedule(nextMs - this.#clock.nowMs(), () => {
      this.#cancel = undefined;
      this.#onExpired();
    });
  }
}
