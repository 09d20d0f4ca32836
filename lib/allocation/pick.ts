/** The next address of a pool for a Service, and whether its namespace may have one more. Reads the book, changes nothing. */
import { isSameAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import type { AddressBook } from "./address-book";
import type { Ordinal } from "./free-ordinals";
import type { PoolTier, PoolUse } from "./pool-index";
import type { Claim } from "./service";
import { poolText } from "./text";

export interface Choice {
  /** What the annotation says: the pool, or both. */
  readonly pool: string;
  /** In the order to be written: as requested, else IPv4 first. */
  readonly addresses: readonly IpAddress[];
}

/** Families that would do, best first. */
export type Attempts = readonly (readonly IpFamily[])[];

/**
 * The first attempt that some pool satisfies, the tiers in order. A reserved address is taken only when no pool of the tier has
 * another one.
 */
export function pickFromTiers(
  book: AddressBook,
  claim: Claim,
  wanted: { readonly tiers: readonly PoolTier[]; readonly attempts: Attempts },
): Choice | undefined {
  for (const families of wanted.attempts) {
    for (const tier of wanted.tiers) {
      const choice = pickFromTier(book, claim, { tier, families });
      if (choice !== undefined) return choice;
    }
  }
  return undefined;
}

function pickFromTier(
  book: AddressBook,
  claim: Claim,
  wanted: { readonly tier: PoolTier; readonly families: readonly IpFamily[] },
): Choice | undefined {
  const { tier, families } = wanted;
  for (const mayTakeReserved of book.hasReservations ? [false, true] : [false]) {
    for (const pool of tier) {
      const choice = pick(book, claim, { pools: [pool], families, mayTakeReserved });
      if (choice !== undefined) return choice;
    }
  }
  return undefined;
}

/** As `pickFromTiers`, but each family may be of another one of the pools. */
export function pickFromPools(
  book: AddressBook,
  claim: Claim,
  wanted: { readonly pools: readonly PoolUse[]; readonly attempts: Attempts },
): Choice | undefined {
  for (const families of wanted.attempts) {
    for (const mayTakeReserved of [false, true]) {
      const choice = pick(book, claim, { pools: wanted.pools, families, mayTakeReserved });
      if (choice !== undefined) return choice;
    }
  }
  return undefined;
}

function pick(
  book: AddressBook,
  claim: Claim,
  wanted: {
    readonly pools: readonly PoolUse[];
    readonly families: readonly IpFamily[];
    readonly mayTakeReserved: boolean;
  },
): Choice | undefined {
  const { pools, families, mayTakeReserved } = wanted;
  const addresses: IpAddress[] = [];
  const homes: PoolUse[] = [];
  for (const family of families) {
    const found = firstUsable(book, claim, { pools, family, chosen: addresses, mayTakeReserved });
    if (found === undefined) return undefined;
    addresses.push(found.address);
    if (!homes.includes(found.pool)) homes.push(found.pool);
  }
  return { pool: poolText(homes), addresses };
}

/** The next address of the family in the first pool that has one, beside those chosen already. */
export function firstUsable(
  book: AddressBook,
  claim: Claim,
  wanted: {
    readonly pools: readonly PoolUse[];
    readonly family: IpFamily;
    readonly chosen: readonly IpAddress[];
    readonly mayTakeReserved: boolean;
  },
): { readonly address: IpAddress; readonly pool: PoolUse } | undefined {
  const { family, chosen, mayTakeReserved } = wanted;
  for (const pool of wanted.pools) {
    const address = nextUsable(book, claim, { pool, family, chosen, mayTakeReserved });
    if (address !== undefined) return { address, pool };
  }
  return undefined;
}

/**
 * The address that the claim would get of the family: with lowest-first order the lowest that is unused, its own, or shareable; with
 * least-recently-used order one in use only when there is no unused one.
 */
function nextUsable(
  book: AddressBook,
  claim: Claim,
  wanted: {
    readonly pool: PoolUse;
    readonly family: IpFamily;
    readonly chosen: readonly IpAddress[];
    readonly mayTakeReserved: boolean;
  },
): IpAddress | undefined {
  const { pool, family, chosen } = wanted;
  const { space, free } = pool[family];
  if (space.capacity === 0n) return undefined;
  const isRoom = hasRoom(book, claim, { pool, chosen });
  const unused = isRoom ? free.next() : undefined;
  const inUse = lowestInUse(book, claim, { pool, family, isRoom });
  const isByRecency = pool.pool.addressOrder === "LeastRecentlyUsed";
  const ordinal =
    (isByRecency ? (unused ?? inUse) : lesser(unused, inUse)) ??
    (isRoom && wanted.mayTakeReserved ? free.nextReserved() : undefined);
  const value = ordinal === undefined ? undefined : space.addressAt(ordinal);
  return value === undefined ? undefined : { family, value };
}

/** The lowest of the claim's own address and those it may share. */
function lowestInUse(
  book: AddressBook,
  claim: Claim,
  where: { readonly pool: PoolUse; readonly family: IpFamily; readonly isRoom: boolean },
): Ordinal | undefined {
  const own = book.bookingOf(claim.key);
  // Nearly always.
  if (own === undefined && claim.sharingKey === "") return undefined;
  const { space } = where.pool[where.family];
  let lowest: Ordinal | undefined;
  const consider = (address: IpAddress): void => {
    if (address.family !== where.family || book.conflictOf(claim, address) !== undefined) return;
    lowest = lesser(lowest, space.ordinalOf(address.value));
  };
  for (const address of own?.addresses ?? []) consider(address);
  for (const { address, users } of book.sharedBy(claim.sharingKey)) {
    const isCounted = where.isRoom || users.some(user => user.namespace === claim.namespace);
    if (isCounted) consider(address);
  }
  return lowest;
}

function lesser(left: Ordinal | undefined, right: Ordinal | undefined): Ordinal | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left <= right ? left : right;
}

/** Whether the claim may add an address of the pool that its namespace does not have yet. */
function hasRoom(
  book: AddressBook,
  claim: Claim,
  where: { readonly pool: PoolUse; readonly chosen: readonly IpAddress[] },
): boolean {
  const limit = where.pool.pool.maxAddressesPerNamespace;
  if (limit === undefined) return true;
  const { now, then } = book.namespaceUse(claim, where.pool, where.chosen);
  return then < Math.max(limit, now);
}

/** Whether the namespace may hold the addresses: within the limit, or not more than it holds already. */
export function isWithinLimit(
  book: AddressBook,
  claim: Claim,
  where: { readonly pool: PoolUse; readonly addresses: readonly IpAddress[] },
): boolean {
  const limit = where.pool.pool.maxAddressesPerNamespace;
  if (limit === undefined) return true;
  const { now, then } = book.namespaceUse(claim, where.pool, where.addresses);
  return then <= Math.max(limit, now);
}

/** Whether both are the same addresses, in any order. */
export function isSameSet(left: readonly IpAddress[], right: readonly IpAddress[]): boolean {
  return (
    left.length === right.length &&
    left.every(address => right.some(other => isSameAddress(address, other)))
  );
}
