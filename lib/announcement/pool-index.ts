/** Finds the pool of an address: ranges of a checked configuration do not overlap, so a sorted list per family is enough. */
import type { Pool } from "../config/configuration";
import type { IpAddress, IpFamily } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";

export type PoolIndex = Readonly<Record<IpFamily, readonly PoolRange[]>>;

interface PoolRange {
  readonly range: IpRange;
  readonly poolName: string;
}

/** An index over pools whose ranges do not overlap. */
export function indexPools(pools: readonly Pool[]): PoolIndex {
  const index: Record<IpFamily, PoolRange[]> = { ipv4: [], ipv6: [] };
  for (const pool of pools) {
    for (const { range } of pool.entries) index[range.family].push({ range, poolName: pool.name });
  }
  const byFirst = (left: PoolRange, right: PoolRange): number =>
    left.range.first < right.range.first ? -1 : 1;
  index.ipv4.sort(byFirst);
  index.ipv6.sort(byFirst);
  return index;
}

/** The name of the pool that contains the address, in a number of steps logarithmic in the number of ranges. */
export function findPoolName(index: PoolIndex, address: IpAddress): string | undefined {
  const ranges = index[address.family];
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const first = ranges[middle]?.range.first ?? 0n;
    if (first <= address.value) low = middle + 1;
    else high = middle;
  }
  const candidate = ranges[low - 1];
  return candidate && address.value <= candidate.range.last ? candidate.poolName : undefined;
}
