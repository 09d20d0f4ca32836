/** ExaBGP as a BGP peer: it keeps no table, so the table is made from what it reports. */
import { existsSync, readFileSync } from "node:fs";
import { RouterHome } from "./home";
import { asArray, asText, member, parseJson } from "./json";
import {
  addressOf,
  addressTowards,
  preferenceAndMetric,
  type LearntRoute,
  type Router,
  type RouterPeer,
  type RouterSettings,
} from "./router";

/** Starts ExaBGP in the namespace; resolves when it listens. */
export async function startExabgp(namespace: string, settings: RouterSettings): Promise<Router> {
  const home = new RouterHome(namespace);
  const events = home.path("events.json");
  const script = home.write("watch.py", watcher(events), 0o755);
  const config = home.write("exabgp.conf", exabgpConfig(settings, script));
  home.spawn(["exabgp", config], {
    exabgp_daemon_user: "root",
    exabgp_daemon_drop: "false",
    exabgp_api_cli: "false",
    exabgp_api_ack: "false",
    exabgp_log_destination: "stdout",
    exabgp_log_level: "INFO",
    exabgp_bgp_openwait: "10",
  });
  await home.whenUp("ExaBGP", async () => (await home.ask("ss", "-Hltn", "sport = :179")) !== "");
  const read = () => (existsSync(events) ? readFileSync(events, "utf8") : "");
  return {
    daemon: "ExaBGP",
    routes: () => Promise.resolve(readExabgpRoutes(read())),
    isEstablished: () => Promise.resolve(lastState(read()) === "up"),
    ...home.controls(),
  };
}

/** A program that appends its input to the file. ExaBGP's pipe does not block, which simpler programs take for its end. */
function watcher(events: string): string {
  return `#!/usr/bin/python3
import os, select
with open("${events}", "ab", 0) as out:
    while True:
        select.select([0], [], [])
        chunk = os.read(0, 65536)
        if not chunk:
            break
        out.write(chunk)
`;
}

function exabgpConfig(settings: RouterSettings, script: string): string {
  return `process watch { run ${script}; encoder json; }
${settings.peers.map(peer => exabgpPeer(settings, peer)).join("\n")}
`;
}

function exabgpPeer(settings: RouterSettings, peer: RouterPeer): string {
  const address = addressOf(peer);
  const routes = (settings.announces ?? []).map(prefix => `route ${prefix} next-hop self;`);
  return `neighbor ${address} {
  router-id ${settings.routerId};
  local-address ${addressTowards(address, settings)};
  local-as ${settings.as};
  peer-as ${peer.as};
  hold-time ${peer.holdTimeSeconds ?? 90};
  passive true;
  listen 179;
  ${peer.password === undefined ? "" : `md5-password "${peer.password}";`}
  ${peer.ttlSecurity === true ? "incoming-ttl 255;" : ""}
  family { ${peer.families.map(family => `${family} unicast;`).join(" ")} }
  ${capabilities(peer)}
  ${routes.length === 0 ? "" : `static { ${routes.join(" ")} }`}
  api { processes [ watch ]; neighbor-changes; receive { parsed; update; notification; } }
}`;
}

function capabilities({ extendedNextHop = false, gracefulRestartSeconds }: RouterPeer): string {
  const restart =
    gracefulRestartSeconds === undefined ? "" : `graceful-restart ${gracefulRestartSeconds};`;
  const nextHop = extendedNextHop ? "nexthop enable;" : "";
  return `${extendedNextHop ? "nexthop { ipv4 unicast ipv6; }" : ""}
  capability { asn4 enable; route-refresh enable; ${nextHop} ${restart} }`;
}

function eventsOf(text: string): readonly unknown[] {
  return text
    .split("\n")
    .map(parseJson)
    .filter(event => event !== undefined);
}

function lastState(text: string): string {
  const states = eventsOf(text).map(event => asText(member(member(event, "neighbor"), "state")));
  return states.filter(state => state !== "").at(-1) ?? "";
}

/** The table that its JSON events leave; a session that went down leaves none. */
function readExabgpRoutes(text: string): readonly LearntRoute[] {
  const table = new Map<string, LearntRoute>();
  for (const event of eventsOf(text)) {
    const neighbor = member(event, "neighbor");
    if (member(neighbor, "state") === "down") table.clear();
    const update = member(member(neighbor, "message"), "update");
    if (update === undefined) continue;
    for (const prefix of prefixesOf(member(update, "withdraw"))) table.delete(prefix.prefix);
    for (const { prefix, nextHop } of prefixesOf(member(update, "announce"))) {
      table.set(prefix, toRoute(prefix, nextHop, member(update, "attribute")));
    }
  }
  return [...table.values()];
}

/** Announced: family → next hop → list of NLRI; withdrawn: family → list. */
function prefixesOf(part: unknown): readonly { prefix: string; nextHop: string }[] {
  if (typeof part !== "object" || part === null) return [];
  return Object.values(part).flatMap(families => {
    if (Array.isArray(families)) return families.map(nlri => toPrefix(nlri, ""));
    return Object.entries((families ?? {}) as Record<string, unknown>).flatMap(([nextHop, list]) =>
      asArray(list).map(nlri => toPrefix(nlri, nextHop)),
    );
  });
}

function toPrefix(nlri: unknown, nextHop: string) {
  return { prefix: asText(member(nlri, "nlri")), nextHop };
}

function toRoute(prefix: string, nextHop: string, attribute: unknown): LearntRoute {
  const path = member(attribute, "as-path");
  const segments = asArray(path).length > 0 ? asArray(path) : Object.values((path ?? {}) as object);
  const asPath = segments.flatMap(each =>
    typeof each === "number" ? each : asArray(member(each, "value")),
  );
  const lists = (name: string) =>
    asArray(member(attribute, name))
      .map(each => asArray(each).map(asText).join(":"))
      .sort();
  return {
    prefix,
    nextHop,
    asPath: asPath.map(Number),
    communities: lists("community"),
    largeCommunities: lists("large-community"),
    ...preferenceAndMetric(member(attribute, "local-preference"), member(attribute, "med")),
  };
}
