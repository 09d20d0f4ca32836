/**
 * The pools of one configuration, indexed for allocation: which pool holds an address, in which order pools are tried, who may
 * use them. Knows which numbers of a pool are taken, but not by whom: that is the address book's.
 */
import type { Pool } from "../config/configuration";
import { matchesAnyOrEmpty, matchesSelector } from "../config/labels";
import { compareText } from "../config/problem";
import type { IpAddress, IpFamily } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";
import { AddressSpace, lastWhere } from "./address-space";
import { FreeOrdinals, type Ordinal } from "./free-ordinals";
import type { ServiceView } from "./service";

/** Labels of every Namespace, by name. */
export type NamespaceLabels = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** One family of a pool: its addresses and which of them are taken. */
export interface FamilyUse {
  readonly space: AddressSpace;
  readonly free: FreeOrdinals;
}

export interface PoolUse {
  readonly pool: Pool;
  readonly ipv4: FamilyUse;
  readonly ipv6: FamilyUse;
  /** Services with addresses of the pool. The book's, as is the next. */
  serviceCount: number;
  /** Addresses in use by namespace; kept for pools that limit them. */
  readonly namespaceCounts: Map<string, number>;
}

/** Where an address lies. `ordinal` is undefined for an address that the pool avoids (`avoidBuggyIPs`). */
export interface AddressPlace {
  readonly pool: PoolUse;
  readonly ordinal: Ordinal | undefined;
}

/** Pools between which nothing but the name decides. */
export type PoolTier = readonly PoolUse[];

interface RangeOwner {
  readonly range: IpRange;
  readonly pool: PoolUse;
}

export class PoolIndex {
  /** By name. */
  readonly pools: readonly PoolUse[];
  /**
   * The pools of automatic allocation in the order of trying: first group pinned, second group open. A group is a list of tiers:
   * pools of one priority, by name.
   */
  readonly groups: readonly [readonly PoolTier[], readonly PoolTier[]];
  private readonly byName: ReadonlyMap<string, PoolUse>;
  private readonly ranges: Readonly<Record<IpFamily, readonly RangeOwner[]>>;
  private readonly namespaces: NamespaceLabels;

  /** `pools` in any order; their ranges must not overlap. */
  constructor(pools: readonly Pool[], namespaces: NamespaceLabels) {
    this.namespaces = namespaces;
    this.pools = pools
      .toSorted((left, right) => compareText(left.name, right.name))
      .map(pool => ({
        pool,
        ipv4: familyUse(pool, "ipv4"),
        ipv6: familyUse(pool, "ipv6"),
        serviceCount: 0,
        namespaceCounts: new Map(),
      }));
    this.byName = new Map(this.pools.map(use => [use.pool.name, use]));
    this.ranges = { ipv4: this.rangesOf("ipv4"), ipv6: this.rangesOf("ipv6") };
    const automatic = this.pools.filter(use => use.pool.autoAssign);
    const pinned = automatic.filter(use => use.pool.serviceAllocation !== undefined);
    const open = automatic.filter(use => use.pool.serviceAllocation === undefined);
    // The sort is stable: pools of one priority stay in the order of their names.
    pinned.sort((left, right) => rank(left) - rank(right));
    this.groups = [toTiers(pinned), toTiers(open)];
  }

  /** By the name of the object, else by the name that a pool had before it was one. */
  named(name: string): PoolUse | undefined {
    return this.byName.get(name) ?? this.pools.find(use => use.pool.legacyName === name);
  }

  /** The pool whose ranges hold the address. */
  locate(address: IpAddress): AddressPlace | undefined {
    const owner = lastWhere(
      this.ranges[address.family],
      candidate => candidate.range.first <= address.value,
    );
    if (owner === undefined || address.value > owner.range.last) return undefined;
    return {
      pool: owner.pool,
      ordinal: owner.pool[address.family].space.ordinalOf(address.value),
    };
  }

  /**
   * Whether `serviceAllocation` lets the Service in: its namespace is listed or matches a selector (no condition when neither
   * is given), and its labels match one of the service selectors (no condition when there are none). Namespace selectors that
   * match no namespace let nobody in.
   */
  admits(use: PoolUse, service: ServiceView): boolean {
    const pin = use.pool.serviceAllocation;
    if (pin === undefined) return true;
    if (pin.namespaces.length > 0 || pin.namespaceSelectors.length > 0) {
      const labels = this.namespaces.get(service.namespace) ?? {};
      const isIn =
        pin.namespaces.includes(service.namespace) ||
        pin.namespaceSelectors.some(selector => matchesSelector(selector, labels));
      if (!isIn) return false;
    }
    return matchesAnyOrEmpty(pin.serviceSelectors, service.labels);
  }

  /** The free addresses of pools whose order depends on it, in the order in which they were given back. */
  givenBack(): readonly IpAddress[] {
    return this.pools.flatMap(use => [...givenBackOf(use.ipv4), ...givenBackOf(use.ipv6)]);
  }

  private rangesOf(family: IpFamily): readonly RangeOwner[] {
    return this.pools
      .flatMap(pool => pool.pool.entries.map(({ range }) => ({ range, pool })))
      .filter(({ range }) => range.family === family)
      .sort((left, right) => (left.range.first < right.range.first ? -1 : 1));
  }
}

function familyUse(pool: Pool, family: IpFamily): FamilyUse {
  const space = new AddressSpace(
    family,
    pool.entries.map(entry => entry.range),
    pool,
  );
  return { space, free: new FreeOrdinals(space.capacity, pool.addressOrder) };
}

function givenBackOf({ space, free }: FamilyUse): readonly IpAddress[] {
  return [...free.givenBack()].flatMap(ordinal => {
    const value = space.addressAt(ordinal);
    return value === undefined ? [] : [{ family: space.family, value }];
  });
}

/** Priorities ascend from 1; none, 0 and negative ones come last. */
function rank(use: PoolUse): number {
  const priority = use.pool.serviceAllocation?.priority ?? 0;
  return priority > 0 ? priority : Number.MAX_SAFE_INTEGER;
}

/** Whether one of the names is the pool's, or the one it had before it was an object. */
export function isNamed(
  { pool: { name, legacyName = name } }: PoolUse,
  names: readonly string[],
): boolean {
  return names.includes(name) || names.includes(legacyName);
}

function toTiers(pools: readonly PoolUse[]): readonly PoolTier[] {
  const tiers: PoolUse[][] = [];
  for (const use of pools) {
    const tier = tiers.at(-1);
    if (tier?.[0] !== undefined && rank(tier[0]) === rank(use)) tier.push(use);
    else tiers.push([use]);
  }
  return tiers;
}
