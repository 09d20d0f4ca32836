/**
 * What is legal and does nothing: references to what is not there, and pools that nobody announces. Warnings all (rules H-R2,
 * H-R3, H-R5 … H-R7, H-R14); H-R1 and H-R4 are advertisement-scope.ts.
 */
import type { ReadBgpAdvertisement } from "./bgp-advertisements";
import type { AdvertisementScope, PreferredNodes } from "./configuration";
import type { Selector } from "./labels";
import type { NodeDirectory } from "./node-directory";
import type { PoolSubject } from "./pools";
import type { Subject } from "./subject";

/** Rule H-R2: a peer that does not exist gets nothing. */
export function warnUnknownPeers(
  { subject, config }: ReadBgpAdvertisement,
  peerNames: ReadonlySet<string>,
): void {
  for (const [index, name] of config.peers.entries()) {
    if (peerNames.has(name)) continue;
    subject.warn({
      rule: "H-R2",
      field: `spec.peers[${index}]`,
      value: name,
      reason: "names no existing BGPPeer, so nothing is announced there",
      wayOut: "Create that peer or correct the name.",
    });
  }
}

/** Names of the pools that any of the advertisements announces. */
export function coveredPools(advertisements: readonly AdvertisementScope[]): ReadonlySet<string> {
  const lists = new Set(advertisements.map(({ pools }) => pools));
  return new Set([...lists].flat());
}

/** Rule H-R3: addresses of a pool that no advertisement in force selects are given to Services, and nobody answers on them. */
export function warnUncoveredPools(
  pools: readonly PoolSubject[],
  covered: ReadonlySet<string>,
): void {
  for (const { subject, pool } of pools) {
    if (covered.has(pool.name) || subject.isBroken) continue;
    subject.warn({
      rule: "H-R3",
      field: "",
      reason: "is selected by no advertisement, so nobody answers on its addresses",
      wayOut: "Create an L2Advertisement or a BGPAdvertisement for it.",
    });
  }
}

/** Rules H-R5 and H-R6: namespaces that do not exist, and selectors that no namespace matches. `names`: those that do exist. */
export function warnUnknownNamespaces(
  { subject, pool }: PoolSubject,
  directory: NodeDirectory,
  names: ReadonlySet<string> | undefined,
): void {
  const { serviceAllocation } = pool;
  if (serviceAllocation === undefined || names === undefined) return;
  const field = "spec.serviceAllocation";
  for (const [index, name] of serviceAllocation.namespaces.entries()) {
    if (names.has(name)) continue;
    subject.warn({
      rule: "H-R5",
      field: `${field}.namespaces[${index}]`,
      value: name,
      reason: "names no existing namespace",
      wayOut: "Create that namespace or correct the name.",
    });
  }
  for (const [index, selector] of serviceAllocation.namespaceSelectors.entries()) {
    if (directory.matchesSome(selector)) continue;
    subject.warn({
      rule: "H-R6",
      field: `${field}.namespaceSelectors[${index}]`,
      reason: "matches no namespace, so it admits no Service",
      wayOut: "Label a namespace or correct the selector.",
    });
  }
}

/** Rule H-R7: nodes that do not exist announce nothing and open no session. */
export function warnUnmatchedNodes<Spec>(
  subject: Subject<Spec>,
  selectors: readonly Selector[],
  nodes: NodeDirectory,
): void {
  if (selectors.length === 0 || selectors.some(selector => nodes.matchesSome(selector))) return;
  subject.warn({
    rule: "H-R7",
    field: "spec.nodeSelectors",
    reason: "matches no node, so the object has no effect",
    wayOut: "Label a node or correct the selectors.",
  });
}

/** Rule H-R14: a preference for nodes that do not exist moves nothing. Of a list with one match or more nothing is said. */
export function warnUnmatchedPreferences<Spec>(
  subject: Subject<Spec>,
  preferences: readonly PreferredNodes[],
  nodes: NodeDirectory,
): void {
  if (preferences.length === 0) return;
  if (preferences.some(({ selector }) => nodes.matchesSome(selector))) return;
  subject.warn({
    rule: "H-R14",
    field: "spec.preferredNodeSelectors",
    reason: "matches no node, so no node is preferred",
    wayOut: "Label a node or correct the selectors.",
  });
}
