/** GoBGP as a BGP peer. It installs nothing. */
import { RouterHome } from "./home";
import { asArray, asText, member, parseJson } from "./json";
import {
  addressOf,
  isIpv6,
  preferenceAndMetric,
  type LearntRoute,
  type Router,
  type RouterPeer,
  type RouterSettings,
} from "./router";

const API = "127.0.0.1:50051";
const AttributeType = {
  asPath: 2,
  nextHop: 3,
  med: 4,
  localPref: 5,
  communities: 8,
  mpReach: 14,
  large: 32,
};

/** Starts GoBGP in the namespace; resolves when it answers. */
export async function startGobgp(namespace: string, settings: RouterSettings): Promise<Router> {
  const home = new RouterHome(namespace);
  const config = home.write("gobgpd.conf", gobgpConfig(settings));
  home.spawn(["gobgpd", "-f", config, "--api-hosts", API, "--pprof-disable", "--log-plain"]);
  const ask = (...words: readonly string[]) => home.ask("gobgp", "-j", ...words);
  await home.whenUp("GoBGP", async () => (await ask("global")) !== "");
  const [peer] = settings.peers;
  const name = peer !== undefined && "address" in peer.target ? peer.target.address : "";
  for (const prefix of settings.announces ?? []) {
    await home.ask("gobgp", "global", "rib", "add", "-a", isIpv6(prefix) ? "ipv6" : "ipv4", prefix);
  }
  return {
    daemon: "GoBGP",
    routes: async () => [
      ...readGobgpRoutes(await ask("global", "rib", "-a", "ipv4")),
      ...readGobgpRoutes(await ask("global", "rib", "-a", "ipv6")),
    ],
    isEstablished: async () => isFirstEstablished(await ask("neighbor")),
    shutDown: text => home.ask("gobgp", "neighbor", name, "disable", "--reason", text),
    ...home.controls(),
  };
}

const ESTABLISHED = 6;

function isFirstEstablished(text: string): boolean {
  const state = member(member(asArray(parseJson(text))[0], "state"), "session_state");
  return state === ESTABLISHED || state === "ESTABLISHED";
}

function gobgpConfig(settings: RouterSettings): string {
  return `[global.config]
as = ${settings.as}
router-id = "${settings.routerId}"
${settings.peers.map(gobgpPeer).join("\n")}
`;
}

function gobgpPeer(peer: RouterPeer): string {
  const hold = peer.holdTimeSeconds ?? 90;
  const restart = peer.gracefulRestartSeconds;
  return `[[neighbors]]
[neighbors.config]
neighbor-address = "${addressOf(peer)}"
peer-as = ${peer.as}
${peer.password === undefined ? "" : `auth-password = "${peer.password}"`}
[neighbors.timers.config]
connect-retry = 2
hold-time = ${hold}
keepalive-interval = ${Math.max(1, Math.floor(hold / 3))}
idle-hold-time-after-reset = 2
${peer.isMultihop === true ? "[neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 8" : ""}
${peer.ttlSecurity === true ? "[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255" : ""}
${restart === undefined ? "" : `[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = ${restart}\nnotification-enabled = true`}
${peer.families.map(family => familyConfig(family, restart !== undefined)).join("\n")}
`;
}

function familyConfig(family: string, restarts: boolean): string {
  return `[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "${family}-unicast"
${restarts ? "[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true" : ""}`;
}

/** Reads `global rib -j`. */
function readGobgpRoutes(text: string): readonly LearntRoute[] {
  const table = parseJson(text);
  if (typeof table !== "object" || table === null) return [];
  return Object.values(table).flatMap(paths =>
    asArray(paths)
      .filter(
        path =>
          member(path, "neighbor-ip") !== undefined || member(path, "source-id") !== undefined,
      )
      .map(toRoute),
  );
}

function toRoute(path: unknown): LearntRoute {
  const attributes = asArray(member(path, "attrs"));
  const find = (type: number) => attributes.find(each => member(each, "type") === type);
  const hop = find(AttributeType.nextHop) ?? find(AttributeType.mpReach);
  return {
    prefix: asText(member(member(path, "nlri"), "prefix")),
    nextHop: asText(member(hop, "nexthop")),
    asPath: asArray(member(find(AttributeType.asPath), "as_paths")).flatMap(segment =>
      asArray(member(segment, "asns")).map(Number),
    ),
    communities: asArray(member(find(AttributeType.communities), "communities"))
      .map(value => `${Math.floor(Number(value) / 65_536)}:${Number(value) % 65_536}`)
      .sort(),
    largeCommunities: asArray(member(find(AttributeType.large), "value"))
      .map(value =>
        ["ASN", "LocalData1", "LocalData2"].map(name => asText(member(value, name))).join(":"),
      )
      .sort(),
    ...preferenceAndMetric(
      member(find(AttributeType.localPref), "value"),
      member(find(AttributeType.med), "metric"),
    ),
  };
}
