/**
 * Pools that give addresses of their own accord, but never get the chance (rule H-R13). Allocation asks pool after pool and takes the
 * first that has a free address, so a pool is certainly out of reach only behind one that admits the same Services, has the same
 * families and cannot run out. A pool behind a small one is how one adds addresses, and nothing is said about it.
 */
import type { Pool, ServiceAllocation } from "./configuration";
import type { Selector } from "./labels";
import { compareText, formatObject } from "./problem";
import type { PoolSubject } from "./pools";

/** More addresses than a cluster has Services: 100 times the 10,000 that Kubernetes is made for. */
const INEXHAUSTIBLE = 1_000_000n;

/** Of the pools before one only so many are compared: the first of a kind is enough. */
const MAX_COMPARED = 50;

/** Warns when priority is the reason, and informs when it is the order of names alone. */
export function warnShadowedPools(pools: readonly PoolSubject[]): void {
  const candidates = pools
    .filter(({ subject, pool }) => !subject.isBroken && pool.autoAssign)
    .sort(compareTurn);
  const endless: PoolSubject[] = [];
  for (const candidate of candidates) {
    const before = endless.find(other => isShadowedBy(candidate, other));
    if (before) report(candidate, before);
    else if (endless.length < MAX_COMPARED && isEndless(candidate)) endless.push(candidate);
  }
}

function report({ subject, pool }: PoolSubject, before: PoolSubject): void {
  const { ref } = before.subject;
  const isByName = groupOf(pool) === groupOf(before.pool);
  const finding = {
    rule: "H-R13",
    field: pool.serviceAllocation ? "spec.serviceAllocation.priority" : "spec.autoAssign",
    reason: `has no effect: every Service that may have an address of this pool gets one of ${formatObject(ref)} first, which cannot run out`,
    wayOut: `${isByName ? "Set serviceAllocation with a priority on one of the two" : "Change the priorities"}, or set autoAssign to false; Services that ask for the pool by name still get it.`,
    related: [ref],
  };
  if (isByName) subject.inform(finding);
  else subject.warn(finding);
}

/** Pinned pools by priority, 0 and below after all others, then open pools; by name between equals. */
function compareTurn(left: PoolSubject, right: PoolSubject): number {
  return groupOf(left.pool) - groupOf(right.pool) || compareText(left.pool.name, right.pool.name);
}

/** Above every priority, which has 32 bits. */
const LAST_PINNED = 2 ** 40;
const OPEN = 2 ** 41;

function groupOf({ serviceAllocation }: Pool): number {
  if (serviceAllocation === undefined) return OPEN;
  return serviceAllocation.priority > 0 ? serviceAllocation.priority : LAST_PINNED;
}

function isEndless({ sizes }: PoolSubject): boolean {
  return sizes.ipv4 >= INEXHAUSTIBLE || sizes.ipv6 >= INEXHAUSTIBLE;
}

function isShadowedBy(candidate: PoolSubject, other: PoolSubject): boolean {
  const hasFamilies = (["ipv4", "ipv6"] as const).every(
    family => candidate.sizes[family] === 0n || other.sizes[family] >= INEXHAUSTIBLE,
  );
  return hasFamilies && admitsAll(other.pool.serviceAllocation, candidate.pool.serviceAllocation);
}

/** Whether every Service that `narrow` admits is admitted by `wide` too, as far as the texts alone show it. */
function admitsAll(
  wide: ServiceAllocation | undefined,
  narrow: ServiceAllocation | undefined,
): boolean {
  if (wide === undefined) return true;
  return (
    includesNamespaces(wide, narrow) &&
    includesAny(wide.serviceSelectors, narrow?.serviceSelectors ?? [])
  );
}

function includesNamespaces(
  wide: ServiceAllocation,
  narrow: ServiceAllocation | undefined,
): boolean {
  const isOpen = ({ namespaces, namespaceSelectors }: ServiceAllocation): boolean =>
    namespaces.length === 0 && namespaceSelectors.length === 0;
  if (isOpen(wide)) return true;
  if (narrow === undefined || isOpen(narrow)) return false;
  const texts = new Set(wide.namespaceSelectors.map(({ text }) => text));
  return (
    narrow.namespaces.every(name => wide.namespaces.includes(name)) &&
    narrow.namespaceSelectors.every(({ text }) => texts.has(text))
  );
}

/** An empty list selects everything. */
function includesAny(wide: readonly Selector[], narrow: readonly Selector[]): boolean {
  if (wide.length === 0) return true;
  const texts = new Set(wide.map(({ text }) => text));
  return narrow.length > 0 && narrow.every(({ text }) => texts.has(text));
}
