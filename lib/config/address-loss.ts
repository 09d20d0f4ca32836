/**
 * Which Services a change of pools would cost their address (rule V-X6, before it happens): because no pool holds it any more, or
 * because its pool no longer gives it to them (`avoidBuggyIPs`, `serviceAllocation`).
 */
import { parseIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";
import type { Pool, ServiceAllocation } from "./configuration";
import { matchesAnyOrEmpty, matchesSelector, type Labels } from "./labels";
import type { ServiceInfo } from "./resources";

export interface LostAddress {
  /** `namespace/name`. */
  readonly service: string;
  /** As the status of the Service has it. */
  readonly address: string;
}

/** Labels of every Namespace by name; undefined when nobody knows them, and then no conclusion is drawn from them. */
export type NamespaceLabels = ReadonlyMap<string, Labels> | undefined;

/** Pools in force before and after the change. */
export interface PoolChange {
  readonly before: readonly Pool[];
  readonly after: readonly Pool[];
}

/** The addresses that their Services may have before the change and not after it, in the order of `services`. */
export function findLostAddresses(
  services: readonly ServiceInfo[],
  { before, after }: PoolChange,
  namespaces: NamespaceLabels,
): readonly LostAddress[] {
  const [old, now] = [indexRanges(before), indexRanges(after)];
  return services.flatMap(service =>
    service.addresses
      .filter(text => {
        const address = parseIpAddress(text);
        if (!address.ok) return false;
        const mayHave = (index: RangeIndex): boolean => {
          const pool = findPool(index, address.value);
          return pool !== undefined && gives(pool, address.value, { service, namespaces });
        };
        return mayHave(old) && !mayHave(now);
      })
      .map(address => ({ service: `${service.namespace}/${service.name}`, address })),
  );
}

interface Asking {
  readonly service: ServiceInfo;
  readonly namespaces: NamespaceLabels;
}

function gives(pool: Pool, { family, value }: IpAddress, asking: Asking): boolean {
  const lastOctet = value & 0xffn;
  const isBuggy = family === "ipv4" && (lastOctet === 0n || lastOctet === 0xffn);
  return !(pool.avoidBuggyIps && isBuggy) && admits(pool, asking);
}

/** As allocation decides it (lib/allocation/pool-index.ts), but for what is not known here. */
function admits({ serviceAllocation: pin }: Pool, asking: Asking): boolean {
  if (pin === undefined) return true;
  const { labels } = asking.service;
  const hasLabels = labels === undefined || matchesAnyOrEmpty(pin.serviceSelectors, labels);
  return hasLabels && admitsNamespace(pin, asking);
}

function admitsNamespace(
  { namespaces, namespaceSelectors }: ServiceAllocation,
  { service, namespaces: known }: Asking,
): boolean {
  if (namespaces.length === 0 && namespaceSelectors.length === 0) return true;
  if (namespaces.includes(service.namespace)) return true;
  const labels = known?.get(service.namespace) ?? {};
  return namespaceSelectors.some(selector => !known || matchesSelector(selector, labels));
}

interface OwnedRange {
  readonly range: IpRange;
  readonly pool: Pool;
}

type RangeIndex = Readonly<Record<IpFamily, readonly OwnedRange[]>>;

/** Ranges of pools in force never overlap, so that sorting by the first address sorts by the last one too. */
function indexRanges(pools: readonly Pool[]): RangeIndex {
  const owned = pools.flatMap(pool => pool.entries.map(({ range }) => ({ range, pool })));
  owned.sort((left, right) => (left.range.first < right.range.first ? -1 : 1));
  return {
    ipv4: owned.filter(({ range }) => range.family === "ipv4"),
    ipv6: owned.filter(({ range }) => range.family === "ipv6"),
  };
}

function findPool(index: RangeIndex, { family, value }: IpAddress): Pool | undefined {
  const owned = index[family];
  let low = 0;
  let high = owned.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = owned[middle];
    if (entry !== undefined && entry.range.last < value) low = middle + 1;
    else high = middle;
  }
  const entry = owned[low];
  return entry !== undefined && entry.range.first <= value ? entry.pool : undefined;
}
