/**
 * The routes that one node originates for one Service, or why there are none. The checks come in MetalLB's order, and the reasons
 * have its names where it has one. Nothing here looks at other Services: `RouteTable` puts them together.
 */
import { isForService } from "./candidates";
import type { BgpContext, NodeAdvertisement, Unavailability } from "./bgp-context";
import { findPoolOf, type UnaddressedReason } from "./plan-service";
import type { RouteValues } from "./route-attributes";
import type { EndpointSummary, ServiceFacts } from "./snapshot";
import { parseIpAddress, type IpAddress } from "../net/ip-address";
import { formatIpPrefix, toPrefix, type IpPrefix } from "../net/ip-prefix";

export type RouteWithholdReason =
  | UnaddressedReason
  | "notOwner"
  | "noMatchingAdvertisement"
  | "conflictingAdvertisements"
  | Unavailability["reason"]
  | "noLocalEndpoints"
  | "noEndpoints"
  | "noPeer";

/** One advertisement's wish for one prefix. */
export interface RouteContribution {
  readonly prefix: IpPrefix;
  /** Canonical text of the prefix. */
  readonly key: string;
  /** Names of the BGPPeers of this node that get the route: sorted, at least one. */
  readonly peers: readonly string[];
  readonly values: RouteValues;
  /** It counts only towards peers that get the prefix from no other advertisement. */
  readonly isBackup: boolean;
  /** Endpoints of the Service on this node, at least 1; absent: not asked for. */
  readonly weight?: number;
  readonly advertisement: string;
}

export interface RoutedService {
  readonly type: "announce";
  readonly key: string;
  /** Canonical text, in the order of the status. */
  readonly addresses: readonly string[];
  readonly contributions: readonly RouteContribution[];
  /** Names of every BGPPeer that gets a route of the Service, sorted. */
  readonly peers: readonly string[];
  /** Addresses that no peer carries, because no session has their family. */
  readonly unroutable: readonly string[];
}

/** This node announces nothing of the Service; `message` is a sentence for people. */
export interface UnroutedService {
  readonly type: "withhold";
  readonly key: string;
  readonly reason: RouteWithholdReason;
  readonly message: string;
}

export type RoutePlan = RoutedService | UnroutedService;

/** The routes of one Service from this node. */
export function planRoutes(
  context: BgpContext,
  service: ServiceFacts,
  endpoints: EndpointSummary,
): RoutePlan {
  const addressed = findPoolOf(context, service);
  if (addressed.type === "withhold") return addressed;
  const { poolName, addresses } = addressed;
  const ofPool = context.advertisements.get(poolName) ?? [];
  if (ofPool.length === 0) return withhold(service, whyNoAdvertisement(context, poolName));
  const advertisements = ofPool.filter(({ config }) => isForService(config, service));
  if (advertisements.length === 0) {
    const message = `no BGPAdvertisement of IPAddressPool ${poolName} selects the Service by its labels`;
    return withhold(service, { reason: "noMatchingAdvertisement", message });
  }
  const contributions = contribute({ context, service, endpoints, addresses, advertisements });
  const conflict = findConflict(contributions);
  if (conflict !== undefined) return withhold(service, conflict);
  const obstacle = context.unavailability ?? whyNoEndpoint(context, service, endpoints);
  if (obstacle !== undefined) return withhold(service, obstacle);
  if (contributions.length === 0) return withhold(service, whyNoPeer(context, addresses));
  return toRouted(service, addresses, contributions);
}

/** How many endpoints of the Service count on a node. */
export function countEndpoints(endpoints: EndpointSummary, nodeName: string): number {
  const index = endpoints.nodeNames.indexOf(nodeName);
  return index < 0 ? 0 : (endpoints.countPerNode?.[index] ?? 1);
}

interface Reasoned {
  readonly reason: RouteWithholdReason;
  readonly message: string;
}

function whyNoAdvertisement(context: BgpContext, poolName: string): Reasoned {
  const message = context.advertisedPools.has(poolName)
    ? `no BGPAdvertisement of IPAddressPool ${poolName} selects the Node ${context.nodeName}`
    : `no BGPAdvertisement is for IPAddressPool ${poolName}`;
  return { reason: "notOwner", message };
}

function whyNoEndpoint(
  context: BgpContext,
  service: ServiceFacts,
  endpoints: EndpointSummary,
): Reasoned | undefined {
  const { nodeName } = context;
  if (service.externalTrafficPolicy === "Local" && !endpoints.nodeNames.includes(nodeName)) {
    const message = `externalTrafficPolicy is Local and no endpoint on the Node ${nodeName} is ready or serving`;
    return { reason: "noLocalEndpoints", message };
  }
  if (endpoints.hasCounting) return undefined;
  return { reason: "noEndpoints", message: "no endpoint of the Service is ready or serving" };
}

function whyNoPeer(context: BgpContext, addresses: readonly string[]): Reasoned {
  const { nodeName, peers } = context;
  const message =
    peers.length === 0
      ? `no BGPPeer selects the Node ${nodeName}`
      : `no BGPPeer of the Node ${nodeName} that the advertisements name carries routes for ${addresses.join(" and ")}`;
  return { reason: "noPeer", message };
}

interface Contributing {
  readonly context: BgpContext;
  readonly service: ServiceFacts;
  readonly endpoints: EndpointSummary;
  readonly addresses: readonly string[];
  readonly advertisements: readonly NodeAdvertisement[];
}

function contribute(given: Contributing): readonly RouteContribution[] {
  const { context, service, endpoints, addresses, advertisements } = given;
  const localCount = Math.max(1, countEndpoints(endpoints, context.nodeName));
  const parsed = addresses.flatMap(text => {
    const address = parseIpAddress(text);
    return address.ok ? [address.value] : [];
  });
  return advertisements.flatMap(advertisement =>
    parsed.flatMap(address => {
      const peers = advertisement.peers[address.family];
      if (peers.length === 0) return [];
      const { config } = advertisement;
      const prefix = aggregate(address, advertisement);
      return {
        prefix,
        key: formatIpPrefix(prefix),
        peers,
        values: advertisement.attributes.of(service.labels),
        isBackup: config.isBackup === true,
        ...(config.isWeightedByEndpoints === true && { weight: localCount }),
        advertisement: config.name,
      };
    }),
  );
}

function aggregate(address: IpAddress, { config }: NodeAdvertisement): IpPrefix {
  const { aggregationLengthV4, aggregationLengthV6 } = config;
  return toPrefix(address, address.family === "ipv4" ? aggregationLengthV4 : aggregationLengthV6);
}

/** Two values of LOCAL_PREF for one prefix and one peer. A backup conflicts with nothing but another backup. */
function findConflict(contributions: readonly RouteContribution[]): Reasoned | undefined {
  if (contributions.length < 2) return undefined;
  for (const [index, left] of contributions.entries()) {
    for (const right of contributions.slice(index + 1)) {
      if (!isInConflict(left, right)) continue;
      const message =
        `BGPAdvertisements ${left.advertisement} and ${right.advertisement} give the route ${left.key} two values of localPref, ` +
        `${left.values.localPreference ?? 0} and ${right.values.localPreference ?? 0}, for one peer`;
      return { reason: "conflictingAdvertisements", message };
    }
  }
  return undefined;
}

function isInConflict(left: RouteContribution, right: RouteContribution): boolean {
  if (left.key !== right.key || left.isBackup !== right.isBackup) return false;
  if (left.values.localPreference === right.values.localPreference) return false;
  return left.peers.some(peer => right.peers.includes(peer));
}

function toRouted(
  service: ServiceFacts,
  addresses: readonly string[],
  contributions: readonly RouteContribution[],
): RoutedService {
  const carried = new Set(contributions.map(({ prefix }) => prefix.family));
  const [first] = contributions;
  const isOnePeerList = contributions.every(each => each.peers === first?.peers);
  return {
    type: "announce",
    key: service.key,
    addresses,
    contributions,
    peers: isOnePeerList
      ? (first?.peers ?? [])
      : [...new Set(contributions.flatMap(each => each.peers))].sort(),
    unroutable: addresses.filter(text => !carried.has(text.includes(":") ? "ipv6" : "ipv4")),
  };
}

function withhold(service: ServiceFacts, { reason, message }: Reasoned): UnroutedService {
  return { type: "withhold", key: service.key, reason, message };
}
