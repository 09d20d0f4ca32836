/** Which pool has which addresses: ranges that can be sorted and searched fast. */
import type { IpFamily } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";
import type { PoolEntry } from "./configuration";
import type { ObjectRef } from "./problem";

export interface Claim {
  readonly range: IpRange;
  readonly text: string;
  readonly owner: ObjectRef;
  /** Index in `spec.addresses` of the owner. */
  readonly index: number;
  /** Ends of the range, rounded: they decide most comparisons, and comparing numbers is ten times as fast. */
  readonly keys: RangeKeys;
}

interface RangeKeys {
  readonly first: number;
  readonly last: number;
}

/** Sorted by first address; no two overlap. */
export type Claims = Record<IpFamily, Claim[]>;

/** The claims of one pool, sorted by family and first address. `indexes` says where in `spec.addresses` each entry stands. */
export function claimsOf(
  owner: ObjectRef,
  entries: readonly PoolEntry[],
  indexes: readonly number[],
): readonly Claim[] {
  const claims = entries.map(({ text, range }, position) => ({
    text,
    range,
    owner,
    index: indexes[position] ?? position,
    keys: { first: Number(range.first), last: Number(range.last) },
  }));
  return claims.sort(compareClaims);
}

/** Order: IPv4 first, then by first address, then by place in the pool. */
function compareClaims(left: Claim, right: Claim): number {
  if (left.range.family !== right.range.family) return left.range.family === "ipv4" ? -1 : 1;
  if (left.keys.first !== right.keys.first) return left.keys.first - right.keys.first;
  if (left.range.first !== right.range.first) return left.range.first < right.range.first ? -1 : 1;
  return left.index - right.index;
}

/** The claims that share an address with the range, in order. */
export function* overlapping(claims: readonly Claim[], range: IpRange): Generator<Claim> {
  for (let at = firstEndingAtOrAfter(claims, range.first); at < claims.length; at += 1) {
    const claim = claims[at];
    if (claim === undefined || claim.range.first > range.last) return;
    yield claim;
  }
}

/** Adds claims that overlap none of the others. Few are inserted one by one, many at once: the work stays linear. */
export function insertAll(accepted: Claims, own: readonly Claim[]): void {
  const FEW = 16;
  if (own.length > FEW) {
    for (const family of ["ipv4", "ipv6"] as const) {
      const more = own.filter(claim => claim.range.family === family);
      accepted[family] = [...accepted[family], ...more].sort(compareClaims);
    }
    return;
  }
  for (const claim of own) {
    const list = accepted[claim.range.family];
    const at = firstEndingAtOrAfter(list, claim.range.first);
    if (at === list.length) list.push(claim);
    else list.splice(at, 0, claim);
  }
}

/** Binary search; the list's ends are in ascending order because its ranges are disjoint. */
function firstEndingAtOrAfter(claims: readonly Claim[], value: bigint): number {
  const key = Number(value);
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const claim = claims[middle];
    if (claim !== undefined && endsBefore(claim, value, key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rounding never swaps two numbers, it can only make them equal. */
function endsBefore({ keys, range }: Claim, value: bigint, key: number): boolean {
  return keys.last === key ? range.last < value : keys.last < key;
}
