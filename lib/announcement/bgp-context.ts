/** What is the same for the routes of all Services: made once for a configuration and the Nodes, then used for each Service. */
import type { BgpAdvertisementConfig, BgpPeerConfig, Configuration } from "../config/configuration";
import { matchesAnyOrEmpty } from "../config/labels";
import type { IpFamily } from "../net/ip-address";
import { EXCLUDE_LABEL } from "./candidates";
import { indexPools, type PoolIndex } from "./pool-index";
import { AdvertisedAttributes } from "./route-attributes";
import type { AnnouncementOptions, NodeFacts } from "./snapshot";

/** Names of BGPPeers that carry routes of a family, sorted. */
export type PeersByFamily = Readonly<Record<IpFamily, readonly string[]>>;

/** A BGPAdvertisement that selects this node. */
export interface NodeAdvertisement {
  readonly config: BgpAdvertisementConfig;
  /** Those of its peers that this node has a session with. */
  readonly peers: PeersByFamily;
  readonly attributes: AdvertisedAttributes;
}

/** Why this node announces nothing by BGP, whatever the Service. */
export interface Unavailability {
  readonly reason: "nodeNetworkUnavailable" | "nodeLabeledExcludeBalancers" | "nodeShuttingDown";
  readonly message: string;
}

export interface BgpContext {
  readonly nodeName: string;
  readonly options: AnnouncementOptions;
  readonly pools: PoolIndex;
  /** By name of the pool: its advertisements that select this node, sorted by name. */
  readonly advertisements: ReadonlyMap<string, readonly NodeAdvertisement[]>;
  /** Names of pools that have an advertisement on some node. */
  readonly advertisedPools: ReadonlySet<string>;
  /** The BGPPeers that select this node, sorted by name. */
  readonly peers: readonly BgpPeerConfig[];
  readonly unavailability: Unavailability | undefined;
}

/** Prepares the planning of routes for one node. `node`: undefined when the cluster has none of that name. */
export function prepareRoutes(
  given: {
    readonly configuration: Configuration;
    readonly node: NodeFacts | undefined;
    readonly options: AnnouncementOptions;
  },
  nodeName: string,
): BgpContext {
  const { configuration, node, options } = given;
  const selects = ({ nodeSelectors }: Pick<BgpPeerConfig, "nodeSelectors">): boolean =>
    node !== undefined && matchesAnyOrEmpty(nodeSelectors, node.labels);
  const peers = configuration.bgpPeers.filter(selects);
  const here = configuration.bgpAdvertisements
    .filter(selects)
    .map(config => toNodeAdvertisement(config, peers));
  const advertisements = new Map<string, readonly NodeAdvertisement[]>();
  for (const { name } of configuration.pools) {
    const ofPool = here.filter(({ config }) => config.pools.includes(name));
    if (ofPool.length > 0) advertisements.set(name, ofPool);
  }
  return {
    nodeName,
    options,
    pools: indexPools(configuration.pools),
    advertisements,
    advertisedPools: new Set(configuration.bgpAdvertisements.flatMap(({ pools }) => pools)),
    peers,
    unavailability: node && whyUnavailable(node, options),
  };
}

/** The families of routes that a session with the peer carries: its own, and with dual stack the other one too. */
export function familiesOf(
  peer: Pick<BgpPeerConfig, "peerAddress" | "isDualStack">,
): readonly IpFamily[] {
  // Without an address the session is unnumbered, and both families go over link-local addresses.
  if (peer.peerAddress === undefined || peer.isDualStack) return ["ipv4", "ipv6"];
  return [peer.peerAddress.family];
}

function toNodeAdvertisement(
  config: BgpAdvertisementConfig,
  peers: readonly BgpPeerConfig[],
): NodeAdvertisement {
  const named = peers.filter(
    ({ name }) => config.peers.length === 0 || config.peers.includes(name),
  );
  const carrying = (family: IpFamily): readonly string[] =>
    named.filter(peer => familiesOf(peer).includes(family)).map(({ name }) => name);
  return {
    config,
    peers: { ipv4: carrying("ipv4"), ipv6: carrying("ipv6") },
    attributes: new AdvertisedAttributes(config),
  };
}

/** What of the Node itself forbids to announce anything; undefined: nothing does. */
function whyUnavailable(node: NodeFacts, options: AnnouncementOptions): Unavailability | undefined {
  if (node.isNetworkUnavailable) {
    const message = `condition NetworkUnavailable of the Node ${node.name} is True`;
    return { reason: "nodeNetworkUnavailable", message };
  }
  if (node.isShuttingDown === true) {
    return { reason: "nodeShuttingDown", message: `the Node ${node.name} shuts down` };
  }
  if (options.ignoreExcludeLabel || !Object.hasOwn(node.labels, EXCLUDE_LABEL)) return undefined;
  const message = `the Node ${node.name} carries the label ${EXCLUDE_LABEL}`;
  return { reason: "nodeLabeledExcludeBalancers", message };
}
