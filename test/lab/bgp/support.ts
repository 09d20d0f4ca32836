/** A speaker's BGP thread and one router on a segment, and the words of sessions and routes in tests. */
import { execFileSync } from "node:child_process";
import { startBird } from "../../../lab/routers/bird";
import { startExabgp } from "../../../lab/routers/exabgp";
import { startFrr } from "../../../lab/routers/frr";
import { startGobgp } from "../../../lab/routers/gobgp";
import type { RouterName } from "../../../lab/routers/packages";
import type {
  LearntRoute,
  Router,
  RouterPeer,
  RouterSettings,
  StartRouter,
} from "../../../lab/routers/router";
import type { AddressFamily } from "../../../lib/bgp/codec/address-family";
import type { SessionConfiguration } from "../../../lib/bgp/negotiation";
import type { RouteAttributes } from "../../../lib/bgp/route-attributes";
import type { BgpCommand, BgpSessionSpec } from "../../../node/bgp-protocol";
import { Segment } from "../../support/netns";
import type { BgpNode } from "../../support/bgp-node";

export const NODE = { ipv4: "192.0.2.1", ipv6: "2001:db8::1", loopback: "198.51.100.1" } as const;
export const ROUTER = { ipv4: "192.0.2.2", ipv6: "2001:db8::2", loopback: "198.51.100.2" } as const;
export const NODE_AS = 65_001;
export const ROUTER_AS = 65_002;
export const SESSION = "router";

export const VIP = "203.0.113.10/32";
export const VIP6 = "2001:db8:1::10/128";
/** What the routers must show of `ATTRIBUTES`. */
export const COMMUNITIES = ["64512:100", "65001:200"] as const;
export const LARGE_COMMUNITIES = ["64512:1:2"] as const;
export const ATTRIBUTES: RouteAttributes = {
  communities: [0xfc00_0064, 0xfde9_00c8],
  largeCommunities: [{ global: 64_512, data1: 1, data2: 2 }],
};

export const DAEMONS: Readonly<Record<RouterName, StartRouter>> = {
  bird: startBird,
  frr: startFrr,
  gobgp: startGobgp,
  exabgp: startExabgp,
};

/** `node` and `router` on one segment, each with a loopback address that the other has a route to. */
export function makeSegment(prefix: string): Segment {
  const host = (name: string, mac: string, { ipv4, ipv6 }: typeof NODE | typeof ROUTER) => ({
    name,
    mac,
    addresses: [`${ipv4}/24`, `${ipv6}/64`],
  });
  const segment = new Segment(prefix, [
    host("node", "02:00:00:00:00:01", NODE),
    host("router", "02:00:00:00:00:02", ROUTER),
  ]);
  // A router that advertises prefixes must not give a host another address to speak from.
  for (const { namespace } of segment.hosts.values()) {
    const path = "/proc/sys/net/ipv6/conf/eth0/accept_ra";
    execFileSync("ip", ["netns", "exec", namespace, "sh", "-c", `echo 0 >${path}`]);
  }
  const ends = [
    { name: "node", own: NODE, other: ROUTER },
    { name: "router", own: ROUTER, other: NODE },
  ];
  for (const { name, own, other } of ends) {
    segment.host(name).ip("address", "add", `${own.loopback}/32`, "dev", "lo");
    segment.host(name).ip("route", "add", `${other.loopback}/32`, "via", other.ipv4);
  }
  return segment;
}

/** How a test's session differs from the plain one: external, over IPv4, IPv4 routes. */
export interface SessionOptions {
  readonly configuration?: Partial<SessionConfiguration>;
  readonly spec?: Partial<BgpSessionSpec>;
}

/** A session with the router, with a hold time of 9 s unless said otherwise. */
export function sessionSpec({ configuration, spec }: SessionOptions = {}): BgpSessionSpec {
  return {
    name: SESSION,
    target: { type: "address", address: ROUTER.ipv4 },
    port: 179,
    isMultihop: false,
    configuration: {
      localAs: NODE_AS,
      expectedAs: { type: "exactly", as: ROUTER_AS },
      bgpIdentifier: 0xc000_0201,
      holdTimeSeconds: 9,
      keepaliveSeconds: 3,
      families: ["ipv4-unicast"],
      offersExtendedNextHop: false,
      offersExtendedMessages: false,
      ...configuration,
    },
    ...spec,
  };
}

/** The router's side of `sessionSpec`. */
export function routerSettings(
  peer: Partial<RouterPeer> = {},
  settings: Partial<RouterSettings> = {},
): RouterSettings {
  return {
    as: ROUTER_AS,
    routerId: ROUTER.ipv4,
    addresses: [ROUTER.ipv4, ROUTER.ipv6],
    peers: [{ target: { address: NODE.ipv4 }, as: NODE_AS, families: ["ipv4"], ...peer }],
    ...settings,
  };
}

/** The session's whole table: announces these prefixes with one attribute set. */
export function announce(
  prefixes: readonly string[],
  attributes: RouteAttributes = ATTRIBUTES,
  sequence = 1,
): BgpCommand {
  const announced = [{ attributes: 0, prefixes }];
  return {
    type: "routes",
    sequence,
    attributeSets: [attributes],
    changes: [{ session: SESSION, withdrawn: [], announced }],
  };
}

export function withdraw(prefixes: readonly string[], sequence = 2): BgpCommand {
  return {
    type: "routes",
    sequence,
    attributeSets: [],
    changes: [{ session: SESSION, withdrawn: prefixes, announced: [] }],
  };
}

/** Configures the session with its routes, all at once. */
export function begin(
  node: BgpNode,
  options: SessionOptions = {},
  prefixes: readonly string[] = [VIP],
): void {
  node.post({ type: "sessions", sessions: [sessionSpec(options)] });
  node.post(announce(prefixes));
  node.post({ type: "synced" });
}

export const FAMILIES: readonly AddressFamily[] = ["ipv4-unicast", "ipv6-unicast"];

/** Waits until the router holds exactly these prefixes; gives its routes in the order of the prefixes. */
export async function learnt(
  router: Router,
  prefixes: readonly string[],
  withinMs = 10_000,
): Promise<readonly LearntRoute[]> {
  const wanted = [...prefixes].sort().join(" ");
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const routes = await router.routes();
    const held = routes.map(({ prefix }) => prefix).sort();
    if (held.join(" ") === wanted) {
      return prefixes.flatMap(prefix => routes.filter(route => route.prefix === prefix));
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`${router.daemon} holds ${held.join(", ") || "nothing"}, not ${wanted}`);
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
