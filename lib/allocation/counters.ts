/** Numbers of a pool for `IPAddressPool.status` and the metrics: read from the book, never counted beside it. */
import type { AddressBook } from "./address-book";
import { COUNTER_MAX, saturated } from "./address-space";
import type { FamilyUse, PoolUse } from "./pool-index";

/** All within 0 … 2^63-1. A shared address counts once. */
export interface FamilyCounters {
  readonly capacity: bigint;
  readonly assigned: bigint;
  readonly available: bigint;
}

export interface PoolCounters {
  readonly pool: string;
  readonly ipv4: FamilyCounters;
  readonly ipv6: FamilyCounters;
  readonly total: FamilyCounters;
  /** Services with addresses from the pool. */
  readonly services: number;
}

/** The counters of every pool, by name. */
export function countPools(book: AddressBook): readonly PoolCounters[] {
  return book.pools.pools.map(countPool);
}

export function countPool(use: PoolUse): PoolCounters {
  const ipv4 = countFamily(use.ipv4);
  const ipv6 = countFamily(use.ipv6);
  const isUncounted = ipv4.capacity === COUNTER_MAX || ipv6.capacity === COUNTER_MAX;
  const total = isUncounted ? COUNTER_MAX : saturated(ipv4.capacity + ipv6.capacity);
  return {
    pool: use.pool.name,
    ipv4,
    ipv6,
    total: countersOf(total, ipv4.assigned + ipv6.assigned),
    services: use.serviceCount,
  };
}

function countFamily(family: FamilyUse): FamilyCounters {
  return countersOf(family.space.countedCapacity, BigInt(family.free.usedCount));
}

function countersOf(capacity: bigint, assigned: bigint): FamilyCounters {
  return { capacity, assigned, available: capacity > assigned ? capacity - assigned : 0n };
}
