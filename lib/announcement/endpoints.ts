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
  const nodeNames = new Set<string>();
  for (const endpoint of endpoints) {
    if (!isCountingEndpoint(endpoint)) continue;
    hasCounting = true;
    if (endpoint.nodeName !== undefined) nodeNames.add(endpoint.nodeName);
  }
  return { hasCounting, nodeNames: [...nodeNames].sort() };
}

/** The summary of a Service from those of its slices; their order has no influence. */
export function mergeEndpointSummaries(summaries: Iterable<EndpointSummary>): EndpointSummary {
  const all = [...summaries];
  const [only] = all;
  if (only === undefined) return NO_ENDPOINTS;
  if (all.length === 1) return only;
  return {
    hasCounting: all.some(summary => summary.hasCounting),
    nodeNames: [...new Set(all.flatMap(summary => summary.nodeNames))].sort(),
  };
}
