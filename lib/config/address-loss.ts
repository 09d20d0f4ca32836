/** Which Services a change of pools would leave with an address that no pool holds any more (rule V-X6, before it happens). */
import { parseIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";
import type { Pool } from "./configuration";
import type { ServiceInfo } from "./resources";

export interface LostAddress {
  /** `namespace/name`. */
  readonly service: string;
  /** As the status of the Service has it. */
  readonly address: string;
}

/** The addresses held by Services that a pool has before the change and none has after it, in the order of `services`. */
export function findLostAddresses(
  services: readonly ServiceInfo[],
  before: readonly Pool[],
  after: readonly Pool[],
): readonly LostAddress[] {
  const [old, now] = [indexRanges(before), indexRanges(after)];
  return services.flatMap(({ namespace, name, addresses }) =>
    addresses
      .filter(text => {
        const address = parseIpAddress(text);
        return address.ok && isCovered(old, address.value) && !isCovered(now, address.value);
      })
      .map(address => ({ service: `${namespace}/${name}`, address })),
  );
}

type RangeIndex = Readonly<Record<IpFamily, readonly IpRange[]>>;

/** Ranges of pools in force never overlap, so that sorting by the first address sorts by the last one too. */
function indexRanges(pools: readonly Pool[]): RangeIndex {
  const ranges = pools.flatMap(pool => pool.entries.map(entry => entry.range));
  ranges.sort((left, right) => (left.first < right.first ? -1 : 1));
  return {
    ipv4: ranges.filter(range => range.family === "ipv4"),
    ipv6: ranges.filter(range => range.family === "ipv6"),
  };
}

function isCovered(index: RangeIndex, { family, value }: IpAddress): boolean {
  const ranges = index[family];
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range !== undefined && range.last < value) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.first <= value;
}
