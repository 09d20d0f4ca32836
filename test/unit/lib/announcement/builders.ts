/** Snapshots for the tests of announcing, made from resources as users write them. */
import { summariseEndpoints } from "../../../../lib/announcement/endpoints";
import type {
  AnnouncementSnapshot,
  EndpointSummary,
  NodeFacts,
  ServiceFacts,
} from "../../../../lib/announcement/snapshot";
import { checkConfiguration } from "../../../../lib/config/check";
import type { Configuration } from "../../../../lib/config/configuration";
import { prepareRoutes, type BgpContext } from "../../../../lib/announcement/bgp-context";
import type {
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "../../../../lib/config/generated/resources";

const NAMESPACE = "metallb-system";

export function pool(
  name: string,
  addresses: string[],
  labels: Record<string, string> = {},
): IPAddressPool {
  return { metadata: { name, namespace: NAMESPACE, labels }, spec: { addresses } };
}

export function advertisement(
  name: string,
  spec: NonNullable<L2Advertisement["spec"]> = {},
): L2Advertisement {
  return { metadata: { name, namespace: NAMESPACE }, spec };
}

export function configure(
  ipAddressPools: IPAddressPool[],
  l2Advertisements: L2Advertisement[],
): Configuration {
  return checkConfiguration({ ipAddressPools, l2Advertisements }).configuration;
}

export function service(key: string, given: Partial<ServiceFacts> = {}): ServiceFacts {
  return {
    key,
    labels: {},
    annotations: {},
    type: "LoadBalancer",
    loadBalancerClass: undefined,
    ingressAddresses: ["192.0.2.10"],
    externalTrafficPolicy: "Cluster",
    ...given,
  };
}

export function node(name: string, given: Partial<NodeFacts> = {}): NodeFacts {
  return { name, labels: {}, isNetworkUnavailable: false, ...given };
}

export function readyOn(...nodeNames: string[]): EndpointSummary {
  return summariseEndpoints(
    nodeNames.map(nodeName => ({ nodeName, isReady: true, isServing: true })),
  );
}

/** Three nodes, one pool and one advertisement of everything, one Service with endpoints on two nodes. */
export function snapshot(given: Partial<AnnouncementSnapshot> = {}): AnnouncementSnapshot {
  return {
    configuration: configure(
      [pool("first", ["192.0.2.0/24", "2001:db8::/64"])],
      [advertisement("all")],
    ),
    services: [service("web/nginx")],
    endpoints: new Map([["web/nginx", readyOn("node-a", "node-b")]]),
    nodes: [node("node-a"), node("node-b"), node("node-c")],
    options: { loadBalancerClass: "", ignoreExcludeLabel: false },
    ...given,
  };
}

export function bgpAdvertisement(
  name: string,
  spec: NonNullable<BGPAdvertisement["spec"]> = {},
): BGPAdvertisement {
  return { metadata: { name, namespace: NAMESPACE }, spec };
}

export function bgpPeer(name: string, spec: Partial<NonNullable<BGPPeer["spec"]>> = {}): BGPPeer {
  const router = { myASN: 64512, peerASN: 64513, peerAddress: "192.168.1.1" };
  return { metadata: { name, namespace: NAMESPACE }, spec: { ...router, ...spec } };
}

export interface BgpWorld {
  readonly pools?: IPAddressPool[];
  readonly advertisements: BGPAdvertisement[];
  readonly peers?: BGPPeer[];
  readonly communities?: Community[];
  readonly node?: NodeFacts;
  readonly ignoreExcludeLabel?: boolean;
}

/** What node-a needs to plan routes; one pool of both families and one IPv4 peer unless others are given. */
export function bgpContext(world: BgpWorld): BgpContext {
  const checked = checkConfiguration({
    ipAddressPools: world.pools ?? [pool("first", ["192.0.2.0/24", "2001:db8::/64"])],
    bgpAdvertisements: world.advertisements,
    bgpPeers: world.peers ?? [bgpPeer("router")],
    communities: world.communities ?? [],
  });
  return prepareRoutes(
    {
      configuration: checked.configuration,
      node: world.node ?? node("node-a"),
      options: { loadBalancerClass: "", ignoreExcludeLabel: world.ignoreExcludeLabel ?? false },
    },
    "node-a",
  );
}
