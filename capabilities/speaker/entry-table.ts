/**
 * The desired set of addresses, kept in step with the plans of single Services: what one Service changes costs the addresses of that
 * Service, not those of ten thousand others. The result is that of `combinePlans` over all plans, and a test holds them together.
 */
import { combinePlans, type AnnouncementEntry } from "../../lib/announcement/plan-announcements";
import type { ServicePlan } from "../../lib/announcement/plan-service";
import { findEntry, indexOfAddress } from "./sorted-entries";

export interface EntryTableOptions {
  /** Whether the Service may be announced now; asked again only after a `setPlan` or `markAll`. */
  readonly isServed: (key: string) => boolean;
  /** As for `combinePlans`. */
  readonly departing: (address: string) => AnnouncementEntry | undefined;
}

/** So many addresses are put in place one by one; more are sorted anew. */
const MAX_SPLICES = 32;

export class EntryTable {
  readonly #options: EntryTableOptions;
  readonly #plans = new Map<string, ServicePlan>();
  /** By address: the plans of the Services that have it, by key. */
  readonly #sharing = new Map<string, Map<string, ServicePlan>>();
  readonly #dirty = new Set<string>();
  #entries: readonly AnnouncementEntry[] = [];

  constructor(options: EntryTableOptions) {
    this.#options = options;
  }

  /** The Service's plan from now on; undefined: there is no such Service any more. */
  setPlan(key: string, plan: ServicePlan | undefined): void {
    for (const address of addressesOf(this.#plans.get(key))) {
      this.#dirty.add(address);
      const sharing = this.#sharing.get(address);
      sharing?.delete(key);
      if (sharing?.size === 0) this.#sharing.delete(address);
    }
    if (plan === undefined) this.#plans.delete(key);
    else this.#plans.set(key, plan);
    for (const address of addressesOf(plan)) {
      this.#dirty.add(address);
      const sharing = this.#sharing.get(address) ?? new Map<string, ServicePlan>();
      if (plan !== undefined) sharing.set(key, plan);
      this.#sharing.set(address, sharing);
    }
  }

  /** Every address is looked at again by the next `combine`. */
  markAll(): void {
    for (const address of this.#sharing.keys()) this.#dirty.add(address);
  }

  /** The desired set, sorted by the text of the address; the same array as before when nothing differs. */
  combine(): readonly AnnouncementEntry[] {
    const changed = new Map<string, AnnouncementEntry | undefined>();
    for (const address of this.#dirty) {
      const now = this.#combineOne(address);
      if (!isSameEntry(findEntry(this.#entries, address), now)) changed.set(address, now);
    }
    this.#dirty.clear();
    if (changed.size > 0) this.#entries = withChanges(this.#entries, changed);
    return this.#entries;
  }

  #combineOne(address: string): AnnouncementEntry | undefined {
    const { isServed, departing } = this.#options;
    const sharing = [...(this.#sharing.get(address)?.values() ?? [])].filter(
      plan => plan.type === "withhold" || isServed(plan.key),
    );
    return combinePlans(sharing, departing).find(entry => entry.address === address);
  }
}

function addressesOf(plan: ServicePlan | undefined): readonly string[] {
  return plan?.election?.addresses ?? [];
}

function withChanges(
  entries: readonly AnnouncementEntry[],
  changed: ReadonlyMap<string, AnnouncementEntry | undefined>,
): readonly AnnouncementEntry[] {
  if (changed.size > MAX_SPLICES) {
    const kept = entries.filter(({ address }) => !changed.has(address));
    for (const entry of changed.values()) if (entry !== undefined) kept.push(entry);
    return kept.sort((left, right) => (left.address < right.address ? -1 : 1));
  }
  const result = [...entries];
  for (const [address, entry] of changed) {
    const index = indexOfAddress(result, address);
    const isThere = result[index]?.address === address;
    result.splice(index, isThere ? 1 : 0, ...(entry === undefined ? [] : [entry]));
  }
  return result;
}

function isSameEntry(
  left: AnnouncementEntry | undefined,
  right: AnnouncementEntry | undefined,
): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    JSON.stringify(left.interfaces) === JSON.stringify(right.interfaces) &&
    left.candidates.length === right.candidates.length &&
    left.candidates.every((name, at) => name === right.candidates[at])
  );
}
