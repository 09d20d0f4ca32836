/**
 * kubespray's variables of before 2023 (`metallb_ip_range`, `metallb_peers`, …). Its template rendered a ConfigMap from them, and so does
 * this: the same words, the same names. The variables of today are in kubespray-config.ts.
 */
import { dropEmpty, plainOf, type Values } from "./chart-values";
import { convertConfigMap, type ConvertOptions } from "./config-map";
import { Fields } from "./fields";
import { convertKubesprayConfig } from "./kubespray-config";
import { listNode, mapNode, scalarNode } from "./make-node";
import type { LegacyNode } from "./node";
import { LegacyReport } from "./report";
import { isRefused, type Conversion } from "./resources";

const DEFAULT_POOL = "loadbalanced";

/** Converts an inventory's variables; those of other components are left alone. */
export function convertKubespray(root: LegacyNode, options: ConvertOptions): Conversion {
  const report = new LegacyReport(options.source);
  const vars = Fields.of(root, "", report);
  if (vars === undefined) return { resources: [], problems: report.problems };
  const values = readValues(vars);
  noteCalico(vars);
  if (vars.has("metallb_config")) {
    const config = convertKubesprayConfig(vars, options);
    refuseUnknown(vars);
    const problems = [...report.problems, ...config.problems];
    const resources = isRefused(problems) ? [] : config.resources;
    return { resources, problems, values: { ...values, ...config.values } };
  }
  const pools = readPools(vars);
  const peers = vars.maps("metallb_peers").map(readPeer);
  const configMap = mapNode(
    {
      peers: peers.length > 0 ? listNode(peers, vars.placeOf("metallb_peers")) : undefined,
      "address-pools":
        pools.nodes.length > 0
          ? listNode(pools.nodes, vars.placeOf("metallb_ip_range"))
          : undefined,
    },
    vars.at,
  );
  refuseUnknown(vars);
  const before = [...(options.before ?? []), ...report.problems];
  const rename = toVariable(pools.paths);
  return { ...convertConfigMap(configMap, { ...options, before, rename }), values };
}

interface PoolNodes {
  readonly nodes: readonly LegacyNode[];
  /** Of each pool the variable that it comes from. */
  readonly paths: readonly string[];
}

function readPools(vars: Fields): PoolNodes {
  const nodes: LegacyNode[] = [];
  const paths: string[] = [];
  const ranges = vars.node("metallb_ip_range");
  if (ranges !== undefined) {
    const at = vars.placeOf("metallb_ip_range");
    const autoAssign = vars.node("metallb_auto_assign") ?? vars.node("matallb_auto_assign");
    nodes.push(
      mapNode(
        {
          name: vars.node("metallb_pool_name") ?? scalarNode(DEFAULT_POOL, at),
          protocol: vars.node("metallb_protocol") ?? scalarNode("layer2", at),
          addresses: ranges,
          "auto-assign": autoAssign,
          "avoid-buggy-ips": vars.node("metallb_avoid_buggy_ips"),
        },
        at,
      ),
    );
    paths.push("metallb_ip_range");
  }
  const more = vars.map("metallb_additional_address_pools");
  for (const { key, at, value } of more?.entries() ?? []) {
    const path = `metallb_additional_address_pools.${key}`;
    const pool = Fields.of(value, path, vars.report);
    if (pool === undefined) continue;
    nodes.push(
      mapNode(
        {
          name: scalarNode(key, at),
          protocol: pool.node("protocol"),
          addresses: pool.node("ip_range"),
          "auto-assign": pool.node("auto_assign"),
          "avoid-buggy-ips": pool.node("avoid_buggy_ips"),
        },
        at,
      ),
    );
    paths.push(path);
    pool.done();
  }
  return { nodes, paths };
}

const PEER_KEYS = [
  ...["peer-address", "peer-asn", "my-asn", "password", "source-address", "node-selectors"],
  ...["peer-port", "hold-time", "router-id"],
] as const;

function readPeer(peer: Fields): LegacyNode {
  const entries = PEER_KEYS.map(key => [key, peer.node(key.replaceAll("-", "_"))] as const);
  peer.done();
  return mapNode(Object.fromEntries(entries), peer.at);
}

/** From paths of the ConfigMap that kubespray rendered to its variables. */
function toVariable(pools: readonly string[]): (path: string) => string {
  return path => {
    const [, index = "", rest = ""] = /^address-pools\[(\d+)\]\.?(.*)$/.exec(path) ?? [];
    if (index !== "") return toPoolVariable(pools[Number(index)] ?? "", rest);
    const peer = /^peers(.*)$/.exec(path)?.[1];
    return peer === undefined ? path : `metallb_peers${peer.replaceAll("-", "_")}`;
  };
}

function toPoolVariable(pool: string, rest: string): string {
  const key = rest.replace("addresses", "ip_range").replaceAll("-", "_");
  if (key === "") return pool;
  if (pool !== "metallb_ip_range") return `${pool}.${key}`;
  return key === "name" ? "metallb_pool_name" : `metallb_${key}`;
}

/** What the installation is told; only what is written. */
function readValues(vars: Fields): Values {
  const isSpeakerOn = vars.boolean("metallb_speaker_enabled");
  const logLevel = vars.text("metallb_log_level");
  return dropEmpty({
    controller: {
      logLevel,
      nodeSelector: plainOf(vars.node("metallb_controller_nodeselector")),
      tolerations: plainOf(vars.node("metallb_controller_tolerations")),
    },
    speaker: {
      enabled: isSpeakerOn === false ? false : undefined,
      logLevel,
      nodeSelector: plainOf(vars.node("metallb_speaker_nodeselector")),
      tolerations: plainOf(vars.node("metallb_speaker_tolerations")),
      memberlist: { mlBindPort: vars.number("metallb_memberlist_port", 1, 65_535) },
    },
    frrk8s: { enabled: isSpeakerOn === false ? false : undefined },
    prometheus: { metricsPort: vars.number("metallb_port", 1, 65_535) },
    loadBalancerClass: vars.text("metallb_loadbalancer_class"),
  });
}

function noteCalico(vars: Fields): void {
  if (!vars.has("calico_advertise_service_loadbalancer_ips")) return;
  vars.report.inform({
    rule: "H-F8",
    path: "calico_advertise_service_loadbalancer_ips",
    at: vars.placeOf("calico_advertise_service_loadbalancer_ips"),
    reason: "is Calico's: it announces these addresses itself and has to know every pool",
    wayOut: "Leave it as it is, with the speaker off.",
  });
}

/** Known and without an effect here. */
const IGNORED = new Set(["metallb_enabled", "metallb_version", "metallb_namespace"]);
const IGNORED_PATTERN = /^metallb_.*(?:image|repo|tag|version|checksum|limits|requests|manifest)/;

/** A variable of ours that is misspelt must not be lost in silence; those of other components are none of our business. */
function refuseUnknown(vars: Fields): void {
  for (const { key, at } of vars.unread()) {
    if (!/^m[ae]tallb_/.test(key) || IGNORED.has(key) || IGNORED_PATTERN.test(key)) continue;
    vars.report.refuse({
      rule: "H-F2",
      path: key,
      at,
      reason: "is no variable that is known here",
      wayOut: "Compare it with docs/migration/kubespray.md, or remove it.",
    });
  }
}
