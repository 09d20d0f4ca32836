/** Which nodes may announce a Service on layer 2. Every node must reach the same answer: nothing here looks at who asks. */
import type { L2AdvertisementConfig } from "../config/configuration";
import { matchesAnyOrEmpty, matchesSelector } from "../config/labels";
import type { Candidate } from "./election";
import type { AnnouncementOptions, EndpointSummary, NodeFacts, ServiceFacts } from "./snapshot";

/** The label, with any value, that takes a Node out of load balancing. */
export const EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers";

/** An advertisement with the Nodes that its nodeSelectors select, each with the sum of the matching preferences' weights. */
export interface SelectedNodes {
  readonly advertisement: L2AdvertisementConfig;
  readonly scores: ReadonlyMap<string, number>;
}

/** Why a Node announces nothing at all; undefined if it may. */
export function whyUnavailable(node: NodeFacts, options: AnnouncementOptions): string | undefined {
  if (node.isNetworkUnavailable) return "its condition NetworkUnavailable is True";
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
  const scores = new Map<string, number>();
  for (const node of nodes) {
    if (!matchesAnyOrEmpty(advertisement.nodeSelectors, node.labels)) continue;
    scores.set(node.name, scoreOf(advertisement, node));
  }
  return { advertisement, scores };
}

/** Whether an advertisement is for the Service: no serviceSelectors means any, several are alternatives. */
export function isForService(
  advertisement: L2AdvertisementConfig,
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
  const scores = new Map<string, number>();
  for (const selection of selections) {
    for (const [nodeName, score] of selection.scores) {
      if (!available.has(nodeName) || isLocal?.has(nodeName) === false) continue;
      scores.set(nodeName, (scores.get(nodeName) ?? 0) + score);
    }
  }
  return Array.from(scores, ([nodeName, score]) => ({ nodeName, score }));
}

function scoreOf(advertisement: L2AdvertisementConfig, node: NodeFacts): number {
  return advertisement.preferredNodes
    .filter(preference => matchesSelector(preference.selector, node.labels))
    .reduce((sum, preference) => sum + preference.weight, 0);
}
