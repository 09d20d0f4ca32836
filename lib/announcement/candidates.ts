/** Which nodes may announce a Service on layer 2. Every node must reach the same answer: nothing here looks at who asks. */
import type { AdvertisementScope, L2AdvertisementConfig } from "../config/configuration";
import { matchesAnyOrEmpty, matchesSelector } from "../config/labels";
import type { Candidate } from "./election";
import type { AnnouncementOptions, EndpointSummary, NodeFacts, ServiceFacts } from "./snapshot";

/** The label, with any value, that takes a Node out of load balancing. */
export const EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers";

/** An advertisement with the Nodes that its nodeSelectors select, by name, scored by its matching preferences alone. */
export interface SelectedNodes {
  readonly advertisement: L2AdvertisementConfig;
  readonly candidates: ReadonlyMap<string, Candidate>;
}

/** Why a Node announces nothing at all; undefined if it may. */
export function whyUnavailable(node: NodeFacts, options: AnnouncementOptions): string | undefined {
  if (node.isNetworkUnavailable) return "its condition NetworkUnavailable is True";
  if (node.isShuttingDown === true) return "it is shutting down";
  if (!options.ignoreExcludeLabel && Object.hasOwn(node.labels, EXCLUDE_LABEL)) {
    return `it carries the label ${EXCLUDE_LABEL}`;
  }
  return undefined;
}

/** The Nodes an advertisement selects: no nodeSelectors means all, several are alternatives. */
export function selectNodes(
  advertisement: L2AdvertisementConfig,
  nodes: readonly NodeFacts[],
): SelectedNodes {
  const candidates = new Map<string, Candidate>();
  for (const node of nodes) {
    if (!matchesAnyOrEmpty(advertisement.nodeSelectors, node.labels)) continue;
    const score = scoreOf(advertisement, node);
    candidates.set(node.name, { nodeName: node.name, score });
  }
  return { advertisement, candidates };
}

/** Whether an advertisement is for the Service: no serviceSelectors means any, several are alternatives. */
export function isForService(
  advertisement: Pick<AdvertisementScope, "serviceSelectors">,
  service: Pick<ServiceFacts, "labels">,
): boolean {
  return matchesAnyOrEmpty(advertisement.serviceSelectors, service.labels);
}

/**
 * The nodes that are available, selected by at least one of the advertisements and, for policy Local, have an endpoint that
 * counts. Scores of several advertisements add up, each only for the nodes it selects. The order is not the election's.
 */
export function collectCandidates(
  selections: readonly SelectedNodes[],
  available: ReadonlySet<string>,
  localTo: EndpointSummary | undefined,
): readonly Candidate[] {
  const isLocal = localTo && new Set(localTo.nodeNames);
  const sums = new Map<string, Candidate>();
  for (const { candidates } of selections) {
    for (const [nodeName, candidate] of candidates) {
      if (!available.has(nodeName) || isLocal?.has(nodeName) === false) continue;
      const before = sums.get(nodeName);
      // With one advertisement, which is usual, all Services share the objects: a hundred Nodes, not a million.
      const sum = before ? { nodeName, score: before.score + candidate.score } : candidate;
      sums.set(nodeName, sum);
    }
  }
  return [...sums.values()];
}

function scoreOf(advertisement: L2AdvertisementConfig, node: NodeFacts): number {
  return advertisement.preferredNodes
    .filter(preference => matchesSelector(preference.selector, node.labels))
    .reduce((sum, preference) => sum + preference.weight, 0);
}
