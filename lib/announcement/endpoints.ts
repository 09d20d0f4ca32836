/** Which endpoints of a Service count for announcing it. */
import type { EndpointSummary } from "./snapshot";

/** One entry of an EndpointSlice; absent conditions are undefined. */
export interface EndpointFacts {
  readonly nodeName: string | undefined;
  readonly isReady: boolean | undefined;
  readonly isServing: boolean | undefined;
}

/** A Service without endpoints. */
export const NO_ENDPOINTS: EndpointSummary = { hasCounting: false, nodeNames: [] };

/**
 * Whether an endpoint can take traffic: `ready` is true or absent (which honours publishNotReadyAddresses), or it is
 * terminating but still `serving`.
 */
export function isCountingEndpoint(endpoint: EndpointFacts): boolean {
  return endpoint.isReady !== false || endpoint.isServing === true;
}

/** What remains of a slice's endpoints. An endpoint without a Node counts, but makes no Node a candidate for policy Local. */
export function summariseEndpoints(endpoints: Iterable<EndpointFacts>): EndpointSummary {
  let hasCounting = false;
  const counts = new Map<string, number>();
  for (const endpoint of endpoints) {
    if (!isCountingEndpoint(endpoint)) continue;
    hasCounting = true;
    const { nodeName } = endpoint;
    if (nodeName !== undefined) counts.set(nodeName, (counts.get(nodeName) ?? 0) + 1);
  }
  return toSummary(hasCounting, counts);
}

/** The summary of a Service from those of its slices; their order has no influence. */
export function mergeEndpointSummaries(summaries: Iterable<EndpointSummary>): EndpointSummary {
  const all = [...summaries];
  const [only] = all;
  if (only === undefined) return NO_ENDPOINTS;
  if (all.length === 1) return only;
  const counts = new Map<string, number>();
  for (const { nodeNames, countPerNode } of all) {
    for (const [index, nodeName] of nodeNames.entries()) {
      counts.set(nodeName, (counts.get(nodeName) ?? 0) + (countPerNode?.[index] ?? 1));
    }
  }
  return toSummary(
    all.some(summary => summary.hasCounting),
    counts,
  );
}

/** The counts are left out where each is 1, which is usual: a node holds the summaries of every Service of the cluster. */
function toSummary(hasCounting: boolean, counts: ReadonlyMap<string, number>): EndpointSummary {
  const nodeNames = [...counts.keys()].sort();
  const countPerNode = nodeNames.map(name => counts.get(name) ?? 0);
  if (countPerNode.every(count => count === 1)) return { hasCounting, nodeNames };
  return { hasCounting, nodeNames, countPerNode };
}
