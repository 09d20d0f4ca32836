/** FRR (zebra and bgpd, bfdd where asked for) as a BGP peer. */
import { FrrDaemons } from "./frr-daemons";
import { asArray, asText, member, parseJson } from "./json";
import {
  isIpv6,
  preferenceAndMetric,
  type LearntRoute,
  type Router,
  type RouterPeer,
  type RouterSettings,
} from "./router";

/** Starts FRR in the namespace; resolves when bgpd answers. */
export async function startFrr(namespace: string, settings: RouterSettings): Promise<Router> {
  const usesBfd = settings.peers.some(({ bfd }) => bfd !== undefined);
  const frr = await FrrDaemons.start({
    namespace,
    daemons: usesBfd ? ["bfdd", "bgpd"] : ["bgpd"],
    config: frrConfig(settings),
  });
  // A bgpd that was not told of the interfaces yet refuses IPv6 peers and IPv6 routes with link-local next hops.
  await frr.home.whenUp("FRR's interface", async () =>
    (await frr.ask("show bgp summary", "show interface eth0")).includes("fe80"),
  );
  const [peer] = settings.peers;
  const name = peer === undefined ? "" : nameOf(peer);
  return {
    daemon: "FRR",
    routes: async () => [
      ...readFrrRoutes(await frr.ask("show bgp ipv4 unicast json detail")),
      ...readFrrRoutes(await frr.ask("show bgp ipv6 unicast json detail")),
    ],
    isEstablished: async () => (await frr.ask("show bgp neighbors json")).includes('"Established"'),
    requestRefresh: () => frr.ask(`clear bgp ${name} soft in`),
    shutDown: text =>
      frr.ask(
        "configure",
        `router bgp ${settings.as}`,
        `neighbor ${name} shutdown message ${text}`,
      ),
    ...frr.home.controls(),
  };
}

function frrConfig(settings: RouterSettings): string {
  const { as, routerId, peers, announces = [] } = settings;
  const restart = peers.find(peer => peer.gracefulRestartSeconds !== undefined);
  const lines = [
    "frr version 8.4",
    "frr defaults traditional",
    "log stdout debugging",
    ...(settings.installsRoutes === true ? [] : ["ip protocol bgp route-map DENY"]),
    "route-map DENY deny 10",
    `router bgp ${as}`,
    ` bgp router-id ${routerId}`,
    " no bgp ebgp-requires-policy",
    " no bgp default ipv4-unicast",
    " no bgp network import-check",
    ...(restart === undefined ? [] : [" bgp graceful-restart"]),
    ...peers.flatMap(frrPeer),
    ...(["ipv4", "ipv6"] as const).flatMap(family => [
      ` address-family ${family} unicast`,
      ...announces
        .filter(prefix => isIpv6(prefix) === (family === "ipv6"))
        .map(prefix => `  network ${prefix}`),
      ...peers
        .filter(({ families }) => families.includes(family))
        .map(peer => `  neighbor ${nameOf(peer)} activate`),
      " exit-address-family",
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function nameOf({ target }: RouterPeer): string {
  return "address" in target ? target.address : target.interface;
}

function frrPeer(peer: RouterPeer): readonly string[] {
  const name = nameOf(peer);
  const isUnnumbered = "interface" in peer.target;
  const hold = peer.holdTimeSeconds;
  const bfd = peer.bfd;
  return [
    isUnnumbered
      ? ` neighbor ${name} interface remote-as ${peer.as}`
      : ` neighbor ${name} remote-as ${peer.as}`,
    ` neighbor ${name} timers connect 2`,
    ...(hold === undefined
      ? []
      : [` neighbor ${name} timers ${Math.max(1, Math.floor(hold / 3))} ${hold}`]),
    ...(peer.password === undefined ? [] : [` neighbor ${name} password ${peer.password}`]),
    ...(peer.isMultihop === true ? [` neighbor ${name} ebgp-multihop 8`] : []),
    ...(peer.ttlSecurity === true ? [` neighbor ${name} ttl-security hops 1`] : []),
    ...(peer.extendedNextHop === true ? [` neighbor ${name} capability extended-nexthop`] : []),
    ...(peer.gracefulRestartSeconds === undefined
      ? []
      : [` neighbor ${name} graceful-restart-helper`]),
    ...(bfd === undefined
      ? []
      : [` neighbor ${name} bfd ${bfd.multiplier} ${bfd.intervalMs} ${bfd.intervalMs}`]),
  ];
}

/** Reads `show bgp … json detail`. */
function readFrrRoutes(text: string): readonly LearntRoute[] {
  const table = member(parseJson(text), "routes");
  if (typeof table !== "object" || table === null) return [];
  return Object.entries(table).flatMap(([prefix, entry]) =>
    // The first entry describes the prefix, the others its paths; its own have no peer.
    asArray(entry)
      .filter(path => member(path, "aspath") !== undefined)
      .filter(path => member(member(path, "peer"), "peerId") !== "0.0.0.0")
      .map(path => toRoute(prefix, path)),
  );
}

function toRoute(prefix: string, path: unknown): LearntRoute {
  const words = (name: string): readonly string[] =>
    asText(member(member(path, name), "string"))
      .split(" ")
      .filter(Boolean)
      .sort();
  const hops = asArray(member(path, "nexthops"));
  const global = hops.find(hop => member(hop, "scope") !== "link-local") ?? hops[0];
  return {
    prefix,
    nextHop: asText(member(global, "ip")),
    asPath: [...asText(member(member(path, "aspath"), "string")).matchAll(/\d+/g)].map(Number),
    communities: words("community"),
    largeCommunities: words("largeCommunity"),
    ...preferenceAndMetric(member(path, "locPrf"), member(path, "metric")),
  };
}
