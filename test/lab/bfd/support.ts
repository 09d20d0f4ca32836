/** A node and a router on one segment, and the daemons that play the router. */
import { BirdDaemon } from "../../../lab/routers/bird-daemon";
import { FrrDaemons } from "../../../lab/routers/frr-daemons";
import type { BfdRequest } from "../../../node/bgp-protocol";
import { Segment } from "../../support/netns";
import { settingsOf } from "./bfd-node";
import { birdBfd, frrBfd, type PeerSession } from "./peers";

export const NODE = "192.0.2.1";
export const PEER = "192.0.2.2";
const NODE_MAC = "02:00:5e:00:53:01";
const PEER_MAC = "02:00:5e:00:53:02";
/** What the kernel makes of the MAC addresses. */
export const NODE_LINK_LOCAL = "fe80::5eff:fe00:5301";
export const PEER_LINK_LOCAL = "fe80::5eff:fe00:5302";

/** `node` and `peer`, each with an IPv4 and an IPv6 address. */
export function newSegment(prefix: string): Segment {
  return new Segment(prefix, [
    { name: "node", mac: NODE_MAC, addresses: [`${NODE}/24`, "2001:db8::1/64"] },
    { name: "peer", mac: PEER_MAC, addresses: [`${PEER}/24`, "2001:db8::2/64"] },
  ]);
}

/** A session over one hop with the peer, 100 ms × 3 unless said otherwise. */
export function request(more: Partial<BfdRequest> = {}): BfdRequest {
  return {
    session: "router",
    peerAddress: PEER,
    isMultihop: false,
    settings: settingsOf(100),
    ...more,
  };
}

export interface StartedPeer {
  /** Of its BFD. */
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export type StartPeer = (namespace: string, session: PeerSession) => Promise<StartedPeer>;

/** The daemons by name. */
export const DAEMONS: readonly (readonly [string, StartPeer])[] = [
  ["BIRD", startBird],
  ["FRR", startFrr],
];

async function startBird(namespace: string, session: PeerSession): Promise<StartedPeer> {
  return BirdDaemon.start({ namespace, config: birdBfd(session) });
}

async function startFrr(namespace: string, session: PeerSession): Promise<StartedPeer> {
  const config = frrBfd(session);
  const frr = await FrrDaemons.start({ namespace, daemons: ["bfdd"], config });
  return {
    pid: frr.pidOf("bfdd"),
    signal: name => frr.signal("bfdd", name),
    stop: async () => frr.stop(),
  };
}
