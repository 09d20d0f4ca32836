/**
 * No address in two pools, or twice in one (rule V-L4). Pools are taken oldest first and their ranges kept sorted and disjoint,
 * so that a look at the neighbours finds every overlap: sorting and searching, never each pool with each.
 */
import type { IpFamily } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";
import type { PoolSubject } from "./pools";
import { quote, type ObjectRef } from "./problem";

interface Claim {
  readonly range: IpRange;
  readonly text: string;
  readonly owner: ObjectRef;
  /** Index in `spec.addresses` of the owner. */
  readonly index: number;
}

/** Sorted by first address; no two overlap. */
type Claims = Record<IpFamily, Claim[]>;

/**
 * Refuses each pool that takes an address of an older pool that is in force, or one address twice. Expects the pools oldest
 * first. A pool that is broken for another reason is checked too, but takes no address from the others.
 */
export function refuseOverlaps(pools: readonly PoolSubject[]): void {
  const accepted: Claims = { ipv4: [], ipv6: [] };
  for (const pool of pools) {
    const own = claimsOf(pool);
    refuseOwnOverlaps(pool, own);
    for (const claim of own) refuseForeignOverlaps(pool, claim, accepted[claim.range.family]);
    if (!pool.subject.isBroken) insertAll(accepted, own);
  }
}

function claimsOf({ subject, pool, indexes }: PoolSubject): Claim[] {
  const claims = pool.entries.map(({ text, range }, position) => ({
    text,
    range,
    owner: subject.ref,
    index: indexes[position] ?? position,
  }));
  return claims.sort(compareClaims);
}

/** After sorting, a claim overlaps an earlier one exactly when it begins before the farthest end seen so far. */
function refuseOwnOverlaps({ subject }: PoolSubject, own: readonly Claim[]): void {
  let farthest: Claim | undefined;
  for (const claim of own) {
    if (farthest?.range.family === claim.range.family) {
      if (claim.range.first <= farthest.range.last) {
        const [first, second] =
          claim.index > farthest.index ? [farthest, claim] : [claim, farthest];
        subject.refuse({
          rule: "V-L4",
          field: `spec.addresses[${second.index}]`,
          value: second.text,
          reason: `overlaps spec.addresses[${first.index}] ${quote(first.text)} of the same pool`,
          wayOut: "Write each address once.",
        });
      }
      if (claim.range.last <= farthest.range.last) continue;
    }
    farthest = claim;
  }
}

function refuseForeignOverlaps(
  { subject }: PoolSubject,
  claim: Claim,
  accepted: readonly Claim[],
): void {
  const owners = new Set<string>();
  for (let at = firstEndingAtOrAfter(accepted, claim.range.first); at < accepted.length; at += 1) {
    const other = accepted[at];
    if (other === undefined || other.range.first > claim.range.last) return;
    if (owners.has(other.owner.name)) continue;
    owners.add(other.owner.name);
    subject.refuse({
      rule: "V-L4",
      field: `spec.addresses[${claim.index}]`,
      value: claim.text,
      reason: `overlaps ${quote(other.text)} of IPAddressPool ${quote(other.owner.name)}`,
      wayOut: "An address may be in one pool only: take it out of one of the two first.",
      related: [other.owner],
    });
  }
}

/** Few claims are inserted one by one, many at once: the work stays linear for a pool of any size. */
function insertAll(accepted: Claims, own: readonly Claim[]): void {
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
    list.splice(firstEndingAtOrAfter(list, claim.range.first), 0, claim);
  }
}

/** Binary search; the list's ends are in ascending order because its ranges are disjoint. */
function firstEndingAtOrAfter(claims: readonly Claim[], value: bigint): number {
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const claim = claims[middle];
    if (claim !== undefined && claim.range.last < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareClaims(left: Claim, right: Claim): number {
  if (left.range.family !== right.range.family) return left.range.family === "ipv4" ? -1 : 1;
  if (left.range.first !== right.range.first) return left.range.first < right.range.first ? -1 : 1;
  return left.index - right.index;
}
