/** What distinguishes one route of ours from another, and the path attributes it becomes on a session (bgp.md §3.4's table). */
import { assert } from "../net/result";
import type { LargeCommunity, PathAttribute } from "./codec/path-attribute";
import { AS_TRANS, Origin, WellKnownCommunity } from "./constants";
import { MAX_SEGMENT_LENGTH } from "./limits";
import type { NegotiatedSession } from "./negotiation";

/** Attributes of a route as the configuration wants them; the session adds what depends on the peer. */
export interface RouteAttributes {
  /** For internal peers; unset becomes 100. 0 is 0: who means "unset" leaves it out. */
  readonly localPreference?: number;
  /** MULTI_EXIT_DISC; unset is not sent. */
  readonly multiExitDisc?: number;
  readonly communities: readonly number[];
  readonly largeCommunities: readonly LargeCommunity[];
  readonly extendedCommunities?: readonly bigint[];
  /** How often our AS is repeated in front of itself towards external peers: 0 … 254. */
  readonly asPathPrepend?: number;
}

const DEFAULT_LOCAL_PREFERENCE = 100;

/** Equal for attributes that encode equally, whatever the order of communities. */
export function canonicalKey(attributes: RouteAttributes): string {
  const { localPreference, multiExitDisc, asPathPrepend } = attributes;
  return [
    localPreference ?? "",
    multiExitDisc ?? "",
    asPathPrepend ?? 0,
    sortedCommunities(attributes.communities).join(" "),
    sortedLargeCommunities(attributes.largeCommunities)
      .map(({ global, data1, data2 }) => `${global}:${data1}:${data2}`)
      .join(" "),
    sortedExtendedCommunities(attributes.extendedCommunities ?? []).join(" "),
  ].join("|");
}

/** The attributes of a route that is about to go: the peer prefers any other path (RFC 8326 §4.2). */
export function toGracefulShutdown(attributes: RouteAttributes): RouteAttributes {
  return {
    ...attributes,
    localPreference: 0,
    communities: [...attributes.communities, WellKnownCommunity.gracefulShutdown],
  };
}

/** Path attributes in ascending order of type, without next hop and NLRI. */
export function toPathAttributes(
  attributes: RouteAttributes,
  session: NegotiatedSession,
): readonly PathAttribute[] {
  const { isExternal } = session;
  const result: PathAttribute[] = [{ type: "origin", origin: Origin.igp }];
  const path = toAsPath(attributes, session);
  result.push(toAsPathAttribute(path, session));
  if (attributes.multiExitDisc !== undefined) {
    result.push({ type: "multiExitDisc", metric: attributes.multiExitDisc });
  }
  if (!isExternal) {
    const preference = attributes.localPreference ?? DEFAULT_LOCAL_PREFERENCE;
    result.push({ type: "localPref", preference });
  }
  result.push(...toCommunities(attributes));
  return insertAs4Path(result, path, session);
}

/** RFC 4271 §5.1.2: empty to an internal peer, our AS to an external one. */
function toAsPath(attributes: RouteAttributes, session: NegotiatedSession): readonly number[] {
  if (!session.isExternal) return [];
  const count = 1 + (attributes.asPathPrepend ?? 0);
  assert(count <= MAX_SEGMENT_LENGTH, `AS_PATH of ${count}`);
  return Array.from({ length: count }, () => session.localAs);
}

function toAsPathAttribute(path: readonly number[], session: NegotiatedSession): PathAttribute {
  if (path.length === 0) return { type: "asPath", segments: [] };
  const isNarrow = !session.hasFourOctetAs;
  const autonomousSystems = path.map(as => (isNarrow && as > 0xffff ? AS_TRANS : as));
  return { type: "asPath", segments: [{ kind: "asSequence", autonomousSystems }] };
}

function toCommunities(attributes: RouteAttributes): readonly PathAttribute[] {
  const communities = sortedCommunities(attributes.communities);
  const extended = sortedExtendedCommunities(attributes.extendedCommunities ?? []);
  const large = sortedLargeCommunities(attributes.largeCommunities);
  const result: PathAttribute[] = [];
  if (communities.length > 0) result.push({ type: "communities", communities });
  if (extended.length > 0) result.push({ type: "extendedCommunities", communities: extended });
  if (large.length > 0) result.push({ type: "largeCommunities", communities: large });
  return result;
}

/** RFC 6793 §4.2.2: the true path beside AS_TRANS, before LARGE_COMMUNITIES by type. */
function insertAs4Path(
  attributes: readonly PathAttribute[],
  path: readonly number[],
  session: NegotiatedSession,
): readonly PathAttribute[] {
  const isNeeded = !session.hasFourOctetAs && path.some(as => as > 0xffff);
  if (!isNeeded) return attributes;
  const segments = [{ kind: "asSequence", autonomousSystems: path }] as const;
  const as4Path: PathAttribute = { type: "as4Path", segments };
  const isLarge = (attribute: PathAttribute): boolean => attribute.type === "largeCommunities";
  return [...attributes.filter(a => !isLarge(a)), as4Path, ...attributes.filter(isLarge)];
}

function sortedCommunities(communities: readonly number[]): readonly number[] {
  return [...new Set(communities)].sort((left, right) => left - right);
}

function sortedExtendedCommunities(communities: readonly bigint[]): readonly bigint[] {
  return [...new Set(communities)].sort((left, right) => (left < right ? -1 : 1));
}

function sortedLargeCommunities(communities: readonly LargeCommunity[]): readonly LargeCommunity[] {
  const sorted = [...communities].sort(compareLargeCommunities);
  return sorted.filter((community, index) => {
    const before = sorted[index - 1];
    return before === undefined || compareLargeCommunities(before, community) !== 0;
  });
}

function compareLargeCommunities(left: LargeCommunity, right: LargeCommunity): number {
  return left.global - right.global || left.data1 - right.data1 || left.data2 - right.data2;
}
