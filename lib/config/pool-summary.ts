/** What advertisements need to know of a pool, computed once: its families and the shortest aggregate each family allows. */
import type { IpFamily } from "../net/ip-address";
import { toPrefixes } from "../net/ip-prefix";
import type { Pool, PoolEntry } from "./configuration";

/** The entry that allows only the longest aggregates. */
export interface EntryLimit {
  readonly entry: PoolEntry;
  /** Length of the shortest prefix among the prefixes the entry is made of. */
  readonly lengthBits: number;
}

/** Each family the pool has addresses of. */
export type PoolSummary = Readonly<Partial<Record<IpFamily, EntryLimit>>>;

export function summarisePool(pool: Pool): PoolSummary {
  const limits: Partial<Record<IpFamily, EntryLimit>> = {};
  for (const entry of pool.entries) {
    const { family } = entry.range;
    const lengths = toPrefixes(entry.range).map(prefix => prefix.lengthBits);
    const lengthBits = Math.min(...lengths);
    if (lengthBits > (limits[family]?.lengthBits ?? -1)) limits[family] = { entry, lengthBits };
  }
  return limits;
}
