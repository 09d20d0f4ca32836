/** BGPAdvertisements by themselves (rules V-G1 … V-G13, V-X5); against pools and each other: bgp-conflicts.ts. */
import { resolvePools, type PoolDirectory } from "./advertisement-scope";
import type { CommunityAliases } from "./communities";
import { compareCommunities, formatCommunity, parseCommunity, type Community } from "./community";
import type { BgpAdvertisementConfig } from "./configuration";
import type { BGPAdvertisementSpec } from "./generated/resources";
import type { Selector } from "./labels";
import { readDistinct, readSelectors } from "./selectors";
import {
  readRouteOptions,
  readServiceAttributes,
  resolveServiceAttributes,
  type ServiceAttributesDraft,
} from "./route-options";
import type { Subject } from "./subject";

export type BgpAdvertisementSubject = Subject<Partial<BGPAdvertisementSpec>>;

/** An advertisement as far as it can be read without knowing pools and aliases. */
export interface BgpAdvertisementDraft {
  readonly subject: BgpAdvertisementSubject;
  readonly poolSelectors: readonly Selector[];
  /** Literals, and aliases that have to be looked up; each once. */
  readonly communities: readonly GivenCommunity[];
  readonly serviceAttributes: readonly ServiceAttributesDraft[];
  /** Without pools and communities. */
  readonly config: BgpAdvertisementConfig;
}

export interface GivenCommunity {
  readonly text: string;
  readonly field: string;
  /** Absent: the text is the name of an alias. */
  readonly literal?: Community;
}

/** An advertisement whose pools may still be reduced by the rules that look at several objects. */
export interface ReadBgpAdvertisement {
  readonly subject: BgpAdvertisementSubject;
  config: BgpAdvertisementConfig;
}

/** What routers accept on one route without trouble; MetalLB refuses to announce more. */
const MAX_COMMUNITIES = 63;

/** Reads one advertisement; everything that is wrong with it by itself is reported on the subject. */
export function readBgpAdvertisement(subject: BgpAdvertisementSubject): BgpAdvertisementDraft {
  const { spec, ref } = subject;
  readDistinct(subject, spec.ipAddressPools, { field: "spec.ipAddressPools", rule: "V-G1" });
  const poolSelectors = readSelectors(subject, spec.ipAddressPoolSelectors, {
    field: "spec.ipAddressPoolSelectors",
    doubles: "V-G4",
    validity: "V-G13",
  });
  checkAggregationLengths(subject);
  const config: BgpAdvertisementConfig = {
    name: ref.name,
    pools: [],
    nodeSelectors: readSelectors(subject, spec.nodeSelectors, {
      field: "spec.nodeSelectors",
      doubles: "V-G5",
      validity: "V-G13",
    }),
    serviceSelectors: readSelectors(subject, spec.serviceSelectors, {
      field: "spec.serviceSelectors",
      doubles: "V-G6",
      validity: "V-G13",
    }),
    aggregationLengthV4: spec.aggregationLength ?? 32,
    aggregationLengthV6: spec.aggregationLengthV6 ?? 128,
    localPref: spec.localPref ?? 0,
    communities: [],
    peers: readDistinct(subject, spec.peers, { field: "spec.peers", rule: "V-G3" }),
    ...readRouteOptions(spec),
  };
  return {
    subject,
    poolSelectors,
    communities: readCommunities(subject, spec.communities, "spec.communities"),
    serviceAttributes: readServiceAttributes(subject),
    config,
  };
}

/** Looks up pools and aliases; what is missing is reported on the subject. */
export function resolveBgpAdvertisement(
  draft: BgpAdvertisementDraft,
  directory: PoolDirectory,
  aliases: CommunityAliases,
): ReadBgpAdvertisement {
  const { subject, config } = draft;
  const pools = resolvePools(subject, draft.poolSelectors, directory);
  const communities = resolveCommunities(subject, draft.communities, aliases);
  const serviceAttributes = draft.serviceAttributes.map(entry =>
    resolveServiceAttributes(subject, entry, aliases),
  );
  const isVaried = serviceAttributes.length > 0;
  return {
    subject,
    config: { ...config, pools, communities, ...(isVaried && { serviceAttributes }) },
  };
}

const LENGTHS = [
  { field: "aggregationLength", bits: 32, rule: "V-G9", withSelectors: "V-G7" },
  { field: "aggregationLengthV6", bits: 128, rule: "V-G10", withSelectors: "V-G8" },
] as const;

function checkAggregationLengths(subject: BgpAdvertisementSubject): void {
  const hasSelectors = (subject.spec.serviceSelectors ?? []).length > 0;
  for (const { field, bits, rule, withSelectors } of LENGTHS) {
    const length = subject.spec[field] ?? bits;
    const finding = { field: `spec.${field}`, value: String(length) };
    if (length > bits) {
      subject.refuse({
        ...finding,
        rule,
        reason: `is longer than an address, which has ${bits} bits`,
        wayOut: `Write at most ${bits}.`,
      });
    } else if (length < 0) {
      const wayOut = `Write 0 to ${bits}.`;
      subject.refuseNew({ ...finding, rule, reason: "is no prefix length", wayOut });
    }
    if (hasSelectors && length !== bits) {
      subject.refuse({
        ...finding,
        rule: withSelectors,
        reason: "would also announce addresses of Services that serviceSelectors does not select",
        wayOut: `Use ${bits} together with serviceSelectors.`,
      });
    }
  }
}

/** The communities of one list, each once; `field` is its path. */
export function readCommunities(
  subject: BgpAdvertisementSubject,
  texts: readonly string[] = [],
  field: string,
): readonly GivenCommunity[] {
  readDistinct(subject, texts, { field, rule: "V-G2" });
  const given = new Map<string, GivenCommunity>();
  for (const [index, text] of texts.entries()) {
    if (subject.isFull) break;
    if (given.has(text)) continue;
    const community = readCommunity(subject, text, `${field}[${index}]`);
    if (community) given.set(text, community);
  }
  return [...given.values()];
}

/** A text with a colon is a literal and must be one; any other is an alias, which may still come. */
function readCommunity(
  subject: BgpAdvertisementSubject,
  text: string,
  field: string,
): GivenCommunity | undefined {
  const literal = parseCommunity(text);
  if (literal.ok) return { text, field, literal: literal.value };
  const isNumber = literal.error.code !== "alias";
  if (!isNumber && !text.includes(":")) return { text, field };
  subject.refuse({
    rule: isNumber ? "V-G11" : "V-G12",
    field,
    value: text,
    reason: "is no BGP community",
    wayOut: "Write 64500:1 (each part up to 65535) or large:64500:1:2 (each up to 4294967295).",
  });
  return undefined;
}

/** Communities with aliases looked up, sorted; what is missing is reported on the subject. */
export function resolveCommunities(
  subject: BgpAdvertisementSubject,
  given: readonly GivenCommunity[],
  aliases: CommunityAliases,
): readonly Community[] {
  const communities = new Map<string, Community>();
  for (const item of given) {
    if (subject.isFull) break;
    const community = item.literal ?? aliases.get(item.text);
    if (community) communities.set(`${community.type}:${formatCommunity(community)}`, community);
    else refuseUnknownAlias(subject, item);
  }
  if (communities.size > MAX_COMMUNITIES) {
    subject.refuseNew({
      rule: "V-X5",
      field: "spec.communities",
      reason: `has ${communities.size} entries, more than the ${MAX_COMMUNITIES} that one route can carry`,
      wayOut: `List at most ${MAX_COMMUNITIES} communities.`,
    });
  }
  return [...communities.values()].sort(compareCommunities);
}

function refuseUnknownAlias(
  subject: BgpAdvertisementSubject,
  { text, field }: GivenCommunity,
): void {
  subject.refuseForNow({
    rule: "V-G12",
    field,
    value: text,
    reason: "is an alias that no Community object defines, so nothing is announced",
    wayOut: "Define the alias in a Community object, or write the numbers.",
  });
}
