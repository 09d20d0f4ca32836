/**
 * The configuration of MetalLB 0.1 to 0.12: the YAML under the key `config` of a ConfigMap. One reader for all releases, because their
 * keys never changed their meaning; which release a text was written for shows only where it matters (`advertisements`, `arp-network`).
 */
import { checkConfiguration, type ConfigurationResources } from "../check";
import type { ObjectRef } from "../problem";
import { Fields } from "./fields";
import { isNothing, type LegacyNode } from "./node";
import { convertPeer } from "./peers";
import { convertPools } from "./pools";
import { convertCommunities, convertProfiles } from "./profiles";
import { LegacyReport, type InputView } from "./report";
import {
  inApplyOrder,
  type ConvertedResource,
  type Conversion,
  type PlacedProblem,
} from "./resources";

export interface ConvertOptions extends InputView {
  /** The ConfigMap or file, for messages. */
  readonly source: ObjectRef;
  /** Of the objects that are made. */
  readonly namespace: string;
  /** Problems that were found before, such as repairs of the text. */
  readonly before?: readonly PlacedProblem[];
}

/** Converts the document below `config`. Total: every problem comes back, and with a refusal among them nothing else. */
export function convertConfigMap(root: LegacyNode, options: ConvertOptions): Conversion {
  const report = new LegacyReport(options.source, options);
  const resources = isNothing(root) ? [] : convertRoot(root, options.namespace, report);
  return concludeConversion(resources, report, options.before);
}

function convertRoot(
  root: LegacyNode,
  namespace: string,
  report: LegacyReport,
): readonly ConvertedResource[] {
  const top = Fields.of(root, "", report);
  if (top === undefined) return [];
  noteAutodiscovery(top);
  const profiles = convertProfiles(top.maps("bfd-profiles"), namespace);
  const communities = convertCommunities(top, namespace);
  const peers = top
    .maps("peers")
    .flatMap((fields, index) =>
      convertPeer(fields, `peer${index + 1}`, { namespace, profiles: profiles.names }),
    );
  const pools = convertPools(top.maps("address-pools"), {
    namespace,
    aliases: communities.aliases,
  });
  top.done(hintFor);
  return [...profiles.resources, ...communities.resources, ...pools, ...peers];
}

/** Keys of pools and peers at the top of the document: their indentation is lost. */
function hintFor(key: string): string | undefined {
  if (POOL_KEYS.has(key)) return "It belongs into an entry of address-pools: indent it.";
  if (PEER_KEYS.has(key)) return "It belongs into an entry of peers: indent it.";
  if (["kind", "metadata", "apiVersion"].includes(key)) {
    return "Give the whole manifest, or only what is under the key config.";
  }
  return "The top has peers, address-pools, bgp-communities and bfd-profiles.";
}

const POOL_KEYS = new Set(["name", "protocol", "addresses", "cidr", "auto-assign"]);
const PEER_KEYS = new Set(["peer-address", "peer-asn", "my-asn", "peer-port", "hold-time"]);

/** A key of Lokomotive's patched build alone. */
function noteAutodiscovery(top: Fields): void {
  if (!top.has("peer-autodiscovery")) return;
  top.report.warn({
    rule: "H-F8",
    path: "peer-autodiscovery",
    at: top.placeOf("peer-autodiscovery"),
    reason: "is a key of Lokomotive's own build: it made a peer of each node's annotations",
    wayOut: "Write a BGPPeer for each node, with nodeSelectors on kubernetes.io/hostname.",
  });
}

/** In the order of application, or nothing. What the rules of today say against it counts as a problem of the input. */
export function concludeConversion(
  resources: readonly ConvertedResource[],
  report: LegacyReport,
  before: readonly PlacedProblem[] = [],
): Conversion {
  if (!report.isRefused) judgeResult(resources, report);
  const problems = [...before, ...report.problems];
  const isRefused = problems.some(({ severity }) => severity === "refuse");
  return { resources: isRefused ? [] : inApplyOrder(resources), problems };
}

function judgeResult(resources: readonly ConvertedResource[], report: LegacyReport): void {
  const { problems } = checkConfiguration(toConfiguration(resources.map(one => one.object)));
  for (const { severity, object, message } of problems) {
    if (severity !== "refuse") continue;
    const source = resources.find(
      one => one.object.kind === object.kind && one.object.metadata.name === object.name,
    );
    report.refuse({
      rule: "H-F3",
      path: source?.from.path ?? "",
      at: source?.from.at,
      reason: "cannot be used",
      wayOut: message,
    });
  }
}

/** Objects as lists by kind, for the rules. */
export function toConfiguration(
  objects: readonly { readonly kind?: string }[],
): ConfigurationResources {
  const of = (kind: string): readonly unknown[] => objects.filter(object => object.kind === kind);
  const lists = {
    ipAddressPools: of("IPAddressPool"),
    l2Advertisements: of("L2Advertisement"),
    bgpAdvertisements: of("BGPAdvertisement"),
    bgpPeers: of("BGPPeer"),
    bfdProfiles: of("BFDProfile"),
    communities: of("Community"),
  };
  return lists as ConfigurationResources; // The rules trust no content.
}
