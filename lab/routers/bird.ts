/** BIRD 2 as a BGP peer. */
import { BirdDaemon } from "./bird-daemon";
import {
  addressOf,
  addressTowards,
  isIpv6,
  preferenceAndMetric,
  type LearntRoute,
  type Router,
  type RouterPeer,
  type RouterSettings,
} from "./router";

/** Starts BIRD in the namespace; resolves when it answers. */
export async function startBird(namespace: string, settings: RouterSettings): Promise<Router> {
  const bird = await BirdDaemon.start({ namespace, config: birdConfig(settings) });
  return {
    daemon: "BIRD",
    routes: async () => readBirdRoutes(await bird.ask("show", "route", "all")),
    isEstablished: async () => (await bird.ask("show", "protocols", "p0")).includes("Established"),
    requestRefresh: () => bird.ask("reload", "in", "p0"),
    shutDown: text => bird.ask("disable", "p0", `"${text}"`),
    ...bird.home.controls(),
  };
}

function birdConfig(settings: RouterSettings): string {
  const { routerId, peers, announces = [], installsRoutes = false } = settings;
  const families = ["ipv4", "ipv6"] as const;
  const kernel = families.map(
    family => `protocol kernel k_${family} { merge paths on; ${family} { export all; }; }`,
  );
  const statics = families.map(family => {
    const routes = announces.filter(prefix => isIpv6(prefix) === (family === "ipv6"));
    const lines = routes.map(prefix => `route ${prefix} blackhole;`);
    return `protocol static s_${family} { ${family}; ${lines.join(" ")} }`;
  });
  return `router id ${routerId};
protocol device { scan time 1; }
${installsRoutes ? kernel.join("\n") : ""}
${statics.join("\n")}
protocol bfd { interface "*" { min rx interval 50 ms; min tx interval 50 ms; multiplier 3; }; }
${peers.map((peer, index) => birdPeer(settings, peer, index)).join("\n")}
`;
}

function birdPeer(settings: RouterSettings, peer: RouterPeer, index: number): string {
  const address = addressOf(peer);
  const restart = peer.gracefulRestartSeconds;
  const lines = [
    `local ${addressTowards(address, settings)} as ${settings.as};`,
    `neighbor ${address} as ${peer.as};`,
    peer.isMultihop === true ? "multihop 8;" : "direct;",
    "connect delay time 1; connect retry time 2; error wait time 1, 2;",
    ...(peer.password === undefined ? [] : [`password "${peer.password}";`]),
    ...(peer.holdTimeSeconds === undefined ? [] : [`hold time ${peer.holdTimeSeconds};`]),
    ...(peer.ttlSecurity === true ? ["ttl security on;"] : []),
    restart === undefined ? "" : `graceful restart on; graceful restart time ${restart};`,
    ...(peer.bfd === undefined ? [] : ["bfd on;"]),
    ...peer.families.map(family => channel(family, peer.extendedNextHop === true)),
  ];
  return `protocol bgp p${index} { ${lines.join("\n  ")} }`;
}

function channel(family: "ipv4" | "ipv6", isExtended: boolean): string {
  const more = isExtended && family === "ipv4" ? "extended next hop on;" : "";
  return `${family} { import all; export where source = RTS_STATIC; ${more} };`;
}

/** Reads `show route all`. */
function readBirdRoutes(text: string): readonly LearntRoute[] {
  const routes: LearntRoute[] = [];
  let prefix = "";
  let fields: Map<string, string> | undefined;
  const close = (): void => {
    if (fields?.get("Type") === "BGP univ") routes.push(toRoute(prefix, fields));
    fields = undefined;
  };
  for (const line of text.split("\n")) {
    const head = /^(\S*)\s+(?:unicast|blackhole|unreachable) \[/.exec(line);
    if (head !== null) {
      close();
      // Further paths of a prefix do not repeat it.
      prefix = head[1] || prefix;
      fields = new Map();
    }
    const field = /^\t(?:BGP\.)?(\w+): (.*)$/.exec(line);
    if (field !== null) fields?.set(field[1] ?? "", field[2] ?? "");
  }
  close();
  return routes;
}

function toRoute(prefix: string, fields: ReadonlyMap<string, string>): LearntRoute {
  const tuples = (name: string): readonly string[] =>
    [...(fields.get(name) ?? "").matchAll(/\(([^)]*)\)/g)]
      .map(match => (match[1] ?? "").replaceAll(/,\s*/g, ":"))
      .sort();
  return {
    prefix,
    nextHop: fields.get("next_hop")?.split(" ")[0] ?? "",
    asPath: (fields.get("as_path") ?? "").split(" ").filter(Boolean).map(Number),
    communities: tuples("community"),
    largeCommunities: tuples("large_community"),
    ...preferenceAndMetric(toNumber(fields.get("local_pref")), toNumber(fields.get("med"))),
  };
}

function toNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
