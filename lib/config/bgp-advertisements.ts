/** BGPAdvertisements by themselves (rules V-G1 … V-G13, V-X5); against pools and each other: bgp-conflicts.ts. */
import { resolvePools, type PoolDirectory } from "./advertisement-scope";
import type { CommunityAliases } from "./communities";
import { compareCommunities, formatCommunity, parseCommunity, type Community } from "./community";
import type { BgpAdvertisementConfig } from "./configuration";
import type { BGPAdvertisementSpec } from "./generated/resources";
import { readDistinct, readSelectors } from "./selectors";
import type { Subject } from "./subject";

export type BgpAdvertisementSubject = Subject<Partial<BGPAdvertisementSpec>>;

/** An advertisement whose pools may still be reduced by the rules that look at several objects. */
export interface ReadBgpAdvertisement {
  readonly subject: BgpAdvertisementSubject;
  config: BgpAdvertisementConfig;
}

/** What routers accept on one route without trouble; MetalLB refuses to announce more. */
const MAX_COMMUNITIES = 63;

/** Reads one advertisement; everything that is wrong with it by itself is reported on the subject. */
export function readBgpAdvertisement(
  subject: BgpAdvertisementSubject,
  directory: PoolDirectory,
  aliases: CommunityAliases,
): ReadBgpAdvertisement {
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
    pools: resolvePools(subject, poolSelectors, directory),
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
    communities: readCommunities(subject, aliases),
    peers: readDistinct(subject, spec.peers, { field: "spec.peers", rule: "V-G3" }),
  };
  return { subject, config };
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

function readCommunities(
  subject: BgpAdvertisementSubject,
  aliases: CommunityAliases,
): readonly Community[] {
  const field = "spec.communities";
  const texts = readDistinct(subject, subject.spec.communities, { field, rule: "V-G2" });
  const communities = new Map<string, Community>();
  for (const text of texts) {
    const index = (subject.spec.communities ?? []).indexOf(text);
    const community = readCommunity(subject, aliases, { text, field: `${field}[${index}]` });
    if (community) communities.set(`${community.type}:${formatCommunity(community)}`, community);
  }
  if (communities.size > MAX_COMMUNITIES) {
    subject.refuseNew({
      rule: "V-X5",
      field,
      reason: `has ${communities.size} entries, more than the ${MAX_COMMUNITIES} that one route can carry`,
      wayOut: `List at most ${MAX_COMMUNITIES} communities.`,
    });
  }
  return [...communities.values()].sort(compareCommunities);
}

/** A text with a colon is a literal and must be one; any other is an alias, which may still come. */
function readCommunity(
  subject: BgpAdvertisementSubject,
  aliases: CommunityAliases,
  { text, field }: { readonly text: string; readonly field: string },
): Community | undefined {
  const literal = parseCommunity(text);
  if (literal.ok) return literal.value;
  const finding = {
    field,
    value: text,
    wayOut: "Write 64500:1 (each part up to 65535) or large:64500:1:2 (each up to 4294967295).",
  };
  if (literal.error.code !== "alias") {
    subject.refuse({ ...finding, rule: "V-G11", reason: "is no BGP community" });
    return undefined;
  }
  if (text.includes(":")) {
    subject.refuse({ ...finding, rule: "V-G12", reason: "is no BGP community" });
    return undefined;
  }
  const alias = aliases.get(text);
  if (alias) return alias;
  subject.refuseForNow({
    ...finding,
    rule: "V-G12",
    reason: "is an alias that no Community object defines, so nothing is announced",
    wayOut: "Define the alias in a Community object, or write the numbers.",
  });
  return undefined;
}
