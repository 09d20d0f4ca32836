/**
 * No address in two pools, or twice in one (rule V-L4). Pools are taken oldest first and their ranges kept sorted and disjoint,
 * so that a look at the neighbours finds every overlap: sorting and searching, never each pool with each.
 */
import { insertAll, overlapping, type Claim, type Claims } from "./claims";
import type { PoolSubject } from "./pools";
import { quote } from "./problem";
import type { Subject } from "./subject";

/**
 * Refuses each pool that takes an address of an older pool that is in force, and returns the addresses of those in force. Expects
 * the pools oldest first. A pool that is broken for another reason is checked too, but takes no address from the others.
 */
export function refuseOverlaps(pools: readonly PoolSubject[]): Claims {
  const accepted: Claims = { ipv4: [], ipv6: [] };
  for (const { subject, claims } of pools) {
    for (const claim of claims) {
      refuseForeignOverlaps(subject, claim, accepted[claim.range.family]);
    }
    if (!subject.isBroken) insertAll(accepted, claims);
  }
  return accepted;
}

/** After sorting, a claim overlaps an earlier one exactly when it begins before the farthest end seen so far. */
export function refuseOwnOverlaps<Spec>(subject: Subject<Spec>, own: readonly Claim[]): void {
  let farthest: Claim | undefined;
  for (const claim of own) {
    if (subject.isFull) return;
    if (farthest?.range.family === claim.range.family) {
      if (claim.range.first <= farthest.range.last) refuseTwice(subject, farthest, claim);
      if (claim.range.last <= farthest.range.last) continue;
    }
    farthest = claim;
  }
}

function refuseTwice<Spec>(subject: Subject<Spec>, left: Claim, right: Claim): void {
  const [first, second] = right.index > left.index ? [left, right] : [right, left];
  subject.refuse({
    rule: "V-L4",
    field: `spec.addresses[${second.index}]`,
    value: second.text,
    reason: `overlaps spec.addresses[${first.index}] ${quote(first.text)} of the same pool`,
    wayOut: "Write each address once.",
  });
}

function refuseForeignOverlaps<Spec>(
  subject: Subject<Spec>,
  claim: Claim,
  accepted: readonly Claim[],
): void {
  const owners = new Set<string>();
  for (const other of overlapping(accepted, claim.range)) {
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
