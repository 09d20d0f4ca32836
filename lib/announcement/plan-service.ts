/**
 * What one node announces for one Service on layer 2, or why it does not. The checks come in MetalLB's order, and the
 * reasons have its names, because people search logs for them.
 */
import type { Configuration } from "../config/configuration";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../net/ip-address";
import {
  collectCandidates,
  isForService,
  selectNodes,
  whyUnavailable,
  type SelectedNodes,
} from "./candidates";
import { rankCandidates, type Candidate } from "./election";
import { toInterfaceChoice, uniteInterfaces, type InterfaceChoice } from "./interfaces";
import { findPoolName, indexPools, type PoolIndex } from "./pool-index";
import type { AnnouncementOptions, EndpointSummary, NodeFacts, ServiceFacts } from "./snapshot";

/** The annotation, under either prefix and with any value, of a Service that shares its address. */
export const SHARED_IP_ANNOTATIONS = [
  "metallb.io/allow-shared-ip",
  "metallb.universe.tf/allow-shared-ip",
] as const;

/** Why a Service is announced by no protocol. */
export type UnaddressedReason =
  | "notLoadBalancer"
  | "otherLoadBalancerClass"
  | "noIPAllocated"
  | "invalidIP"
  | "ipNotAllowed";

export type WithholdReason =
  | UnaddressedReason
  | "notOwner"
  | "sharedIPWithServiceSelector"
  | "noMatchingAdvertisement";

/** Who may announce the addresses of a Service: the same on every node that sees the same cluster. */
export interface Election {
  /** Canonical text, each once, in the order of the status. */
  readonly addresses: readonly string[];
  /** What the election hashes: the first of the addresses. */
  readonly key: string;
  /** Every node that may announce, in election order. */
  readonly candidates: readonly Candidate[];
}

/** This node is one of the candidates; who of them answers is decided by who is alive. */
export interface AnnouncedService {
  readonly type: "announce";
  readonly key: string;
  readonly election: Election;
  readonly interfaces: InterfaceChoice;
}

/** This node does not announce the Service; `message` is a sentence for people. */
export interface WithheldService {
  readonly type: "withhold";
  readonly key: string;
  readonly reason: WithholdReason;
  readonly message: string;
  /** Present when other nodes may announce it. */
  readonly election?: Election;
}

export type ServicePlan = AnnouncedService | WithheldService;

/** A Service that no protocol announces. */
export type UnaddressedService = Withheld<UnaddressedReason>;

interface Withheld<Reason> {
  readonly type: "withhold";
  readonly key: string;
  readonly reason: Reason;
  readonly message: string;
}

/** What is the same for all Services: made once for a configuration and a set of Nodes, then used for each Service. */
export interface AnnouncingContext {
  readonly nodeName: string;
  readonly options: AnnouncementOptions;
  readonly pools: PoolIndex;
  readonly selectionsByPool: ReadonlyMap<string, readonly SelectedNodes[]>;
  /** Names of the Nodes that may announce anything at all. */
  readonly available: ReadonlySet<string>;
  /** Why the own Node may not, as the end of a sentence. */
  readonly whyOwnUnavailable: string | undefined;
}

/** Prepares planning for one node. The order of the Nodes has no influence. */
export function prepareAnnouncing(
  given: {
    readonly configuration: Configuration;
    readonly nodes: Iterable<NodeFacts>;
    readonly options: AnnouncementOptions;
  },
  nodeName: string,
): AnnouncingContext {
  const { configuration, options } = given;
  const nodes = [...given.nodes];
  const selections = configuration.l2Advertisements.map(advertisement =>
    selectNodes(advertisement, nodes),
  );
  const selectionsByPool = new Map(
    configuration.pools.map(pool => [
      pool.name,
      selections.filter(({ advertisement }) => advertisement.pools.includes(pool.name)),
    ]),
  );
  const available = nodes.filter(node => whyUnavailable(node, options) === undefined);
  const ownNode = nodes.find(node => node.name === nodeName);
  return {
    nodeName,
    options,
    pools: indexPools(configuration.pools),
    selectionsByPool,
    available: new Set(available.map(node => node.name)),
    whyOwnUnavailable: ownNode ? whyUnavailable(ownNode, options) : "the cluster has no such Node",
  };
}

/** The plan of this node for one Service. The election in it is the same on every node that sees the same cluster. */
export function planService(
  context: AnnouncingContext,
  service: ServiceFacts,
  endpoints: EndpointSummary,
): ServicePlan {
  const addressed = findPoolOf(context, service);
  if (addressed.type === "withhold") return addressed;
  if (!endpoints.hasCounting) {
    return withhold(service, "notOwner", "no endpoint of the Service is ready or serving");
  }
  const selections = (context.selectionsByPool.get(addressed.poolName) ?? []).filter(selection =>
    isForService(selection.advertisement, service),
  );
  const mixing = whyMixedUp(service, selections);
  if (mixing !== undefined) return withhold(service, "sharedIPWithServiceSelector", mixing);
  const election = holdElection(context, { service, endpoints, selections, addressed });
  return (
    whyNotOurs(context, { service, selections, addressed, election }) ?? {
      type: "announce",
      key: service.key,
      election,
      interfaces: uniteInterfaces(
        selections
          .filter(({ candidates }) => candidates.has(context.nodeName))
          .map(({ advertisement }) => toInterfaceChoice(advertisement.interfaces)),
      ),
    }
  );
}

/** A Service that is for us, with canonical addresses and the one pool that has all of them. */
export interface Addressed {
  readonly type: "addressed";
  readonly poolName: string;
  readonly addresses: readonly string[];
}

/** What has to hold of a Service before any protocol announces it: type, class, addresses, and one pool that has them all. */
export function findPoolOf(
  context: Pick<AnnouncingContext, "options" | "pools">,
  service: ServiceFacts,
): Addressed | UnaddressedService {
  if (service.type !== "LoadBalancer") {
    return withhold(service, "notLoadBalancer", `the Service is of type ${service.type}`);
  }
  if ((service.loadBalancerClass ?? "") !== context.options.loadBalancerClass) {
    const named = service.loadBalancerClass ?? "";
    const message = named === "" ? "the Service names no class" : `the class ${named} is not ours`;
    return withhold(service, "otherLoadBalancerClass", message);
  }
  if (service.ingressAddresses.length === 0) {
    return withhold(service, "noIPAllocated", "the Service has no address yet");
  }
  const parsed: IpAddress[] = [];
  for (const text of service.ingressAddresses) {
    const address = parseIpAddress(text);
    if (!address.ok) {
      return withhold(service, "invalidIP", `"${text}" in the status is not an address`);
    }
    parsed.push(address.value);
  }
  return poolOfAll(context, service, parsed);
}

function poolOfAll(
  context: Pick<AnnouncingContext, "pools">,
  service: ServiceFacts,
  parsed: readonly IpAddress[],
): Addressed | UnaddressedService {
  const addresses = [...new Set(parsed.map(formatIpAddress))];
  const names = new Set(parsed.map(address => findPoolName(context.pools, address)));
  const [poolName] = names;
  if (poolName === undefined || names.size > 1) {
    const message = `no single IPAddressPool contains ${addresses.join(" and ")}`;
    return withhold(service, "ipNotAllowed", message);
  }
  return { type: "addressed", poolName, addresses };
}

/** Sharing an address and selecting Services exclude each other: the sharers could end up on different nodes. */
function whyMixedUp(
  service: ServiceFacts,
  selections: readonly SelectedNodes[],
): string | undefined {
  const sharing = SHARED_IP_ANNOTATIONS.find(name => Object.hasOwn(service.annotations, name));
  const selective = selections.find(
    ({ advertisement }) => advertisement.serviceSelectors.length > 0,
  )?.advertisement;
  if (sharing === undefined || selective === undefined) return undefined;
  return (
    `the Service carries ${sharing}, and L2Advertisement ${selective.name} selects Services by ` +
    `serviceSelectors: the two do not go together`
  );
}

function holdElection(
  context: AnnouncingContext,
  given: {
    readonly service: ServiceFacts;
    readonly endpoints: EndpointSummary;
    readonly selections: readonly SelectedNodes[];
    readonly addressed: Addressed;
  },
): Election {
  const isLocal = given.service.externalTrafficPolicy === "Local";
  const localTo = isLocal ? given.endpoints : undefined;
  const candidates = collectCandidates(given.selections, context.available, localTo);
  const { addresses } = given.addressed;
  const key = addresses[0] ?? "";
  return { addresses, key, candidates: rankCandidates(candidates, key) };
}

function whyNotOurs(
  context: AnnouncingContext,
  given: {
    readonly service: ServiceFacts;
    readonly selections: readonly SelectedNodes[];
    readonly addressed: Addressed;
    readonly election: Election;
  },
): WithheldService | undefined {
  const { service, selections, election } = given;
  const { poolName } = given.addressed;
  const { nodeName } = context;
  if (!selections.some(({ candidates }) => candidates.has(nodeName))) {
    const message =
      selections.length === 0
        ? `no L2Advertisement is for this Service and its IPAddressPool ${poolName}`
        : `no L2Advertisement of IPAddressPool ${poolName} selects the Node ${nodeName}`;
    return { ...withhold(service, "noMatchingAdvertisement", message), election };
  }
  if (election.candidates.some(candidate => candidate.nodeName === nodeName)) return undefined;
  const why = context.whyOwnUnavailable ?? "externalTrafficPolicy is Local and it has no endpoint";
  return { ...withhold(service, "notOwner", `the Node ${nodeName} cannot: ${why}`), election };
}

function withhold<Reason extends WithholdReason>(
  service: ServiceFacts,
  reason: Reason,
  message: string,
): Withheld<Reason> {
  return { type: "withhold", key: service.key, reason, message };
}
