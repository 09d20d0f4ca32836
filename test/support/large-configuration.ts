/** A configuration as large as any that is promised for: valid, with every way of naming pools, peers and nodes in use. */
import type { ConfigurationResources } from "../../lib/config/resources";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  createdAt,
  ipAddressPool,
  l2Advertisement,
  labelled,
  withLabel,
} from "./resources";

export interface ConfigurationSize {
  readonly pools: number;
  readonly peers: number;
  /** Half of them of each kind. */
  readonly advertisements: number;
}

/** 100 nodes in 10 racks; pools of one IPv4 prefix and one range, every other one with IPv6 too. */
export function largeConfiguration(size: ConfigurationSize): ConfigurationResources {
  const half = Math.floor(size.advertisements / 2);
  return {
    ipAddressPools: series(size.pools, index =>
      createdAt(labelled(largePool(index), { tier: `t${index % 50}` }), index),
    ),
    bgpPeers: series(size.peers, index =>
      bgpPeer(`peer-${index}`, {
        peerAddress: `172.16.${Math.floor(index / 10)}.${index % 10}`,
        nodeSelectors: [withLabel("rack", `r${index % 10}`)],
        holdTime: "90s",
        keepaliveTime: "30s",
        ...(index % 2 === 0 ? { bfdProfile: "fast" } : {}),
      }),
    ),
    bfdProfiles: [bfdProfile("fast", { receiveInterval: 50, transmitInterval: 50 })],
    communities: [community("aliases", ["vpn", "64500:1"], ["transit", "large:64500:1:2"])],
    l2Advertisements: series(half, index =>
      l2Advertisement(`l2-${index}`, {
        ...(index % 5 === 0 ? {} : { ipAddressPools: [`pool-${(index * 7) % size.pools}`] }),
        nodeSelectors: [withLabel("rack", `r${index % 10}`)],
      }),
    ),
    bgpAdvertisements: series(size.advertisements - half, index =>
      bgpAdvertisement(`bgp-${index}`, {
        ipAddressPoolSelectors: [withLabel("tier", `t${index % 50}`)],
        peers: [`peer-${index % Math.max(size.peers, 1)}`],
        communities: ["vpn", `64500:${index}`],
        localPref: 100,
      }),
    ),
    nodes: series(100, index => ({
      name: `node-${index}`,
      labels: { rack: `r${index % 10}`, "kubernetes.io/hostname": `node-${index}` },
    })),
    namespaces: series(200, index => ({ name: `team-${index}`, labels: { team: `${index}` } })),
  };
}

function largePool(index: number): ReturnType<typeof ipAddressPool> {
  const [high, low] = [Math.floor(index / 250), index % 250];
  return ipAddressPool(`pool-${index}`, [
    `10.${high}.${low}.0/25`,
    `10.${high}.${low}.130-10.${high}.${low}.250`,
    ...(index % 2 === 0 ? [`2001:db8:${high}:${low}::/64`] : []),
  ]);
}

function series<Item>(count: number, make: (index: number) => Item): readonly Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
