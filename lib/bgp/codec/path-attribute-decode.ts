/** Values of path attributes whose octets `attribute-rules.ts` has found well-formed. */
import { fromAddressBytes } from "../../net/ip-address";
import { AsPathSegmentType, AttributeFlag, PathAttributeType } from "../constants";
import type { AsPathSegment, LargeCommunity, PathAttribute } from "./path-attribute";

/** One attribute as it stands in the message; `value` and `whole` alias it. */
export interface RawAttribute {
  readonly flags: number;
  readonly code: number;
  readonly value: Uint8Array;
  /** Flags, type, length and value: the data of a NOTIFICATION about it. */
  readonly whole: Uint8Array;
}

type PathAttributeReader = (value: Uint8Array, hasFourOctetAs: boolean) => PathAttribute;

const READERS: ReadonlyMap<number, PathAttributeReader> = new Map<number, PathAttributeReader>([
  [PathAttributeType.origin, value => ({ type: "origin", origin: value[0] ?? 0 })],
  [
    PathAttributeType.asPath,
    (value, isWide) => ({ type: "asPath", segments: readSegments(value, isWide ? 4 : 2) }),
  ],
  [PathAttributeType.nextHop, value => ({ type: "nextHop", address: fromAddressBytes(value) })],
  [
    PathAttributeType.multiExitDisc,
    value => ({ type: "multiExitDisc", metric: readUnsigned(value, 0, 4) }),
  ],
  [
    PathAttributeType.localPref,
    value => ({ type: "localPref", preference: readUnsigned(value, 0, 4) }),
  ],
  [PathAttributeType.atomicAggregate, () => ({ type: "atomicAggregate" })],
  [
    PathAttributeType.aggregator,
    (value, isWide) => ({ type: "aggregator", ...readAggregator(value, isWide ? 4 : 2) }),
  ],
  [
    PathAttributeType.communities,
    value => ({ type: "communities", communities: readWords(value) }),
  ],
  [
    PathAttributeType.originatorId,
    value => ({ type: "originatorId", bgpIdentifier: readUnsigned(value, 0, 4) }),
  ],
  [PathAttributeType.clusterList, value => ({ type: "clusterList", clusterIds: readWords(value) })],
  [
    PathAttributeType.extendedCommunities,
    value => ({ type: "extendedCommunities", communities: readExtendedCommunities(value) }),
  ],
  [PathAttributeType.as4Path, value => ({ type: "as4Path", segments: readSegments(value, 4) })],
  [
    PathAttributeType.as4Aggregator,
    value => ({ type: "as4Aggregator", ...readAggregator(value, 4) }),
  ],
  [
    PathAttributeType.largeCommunities,
    value => ({ type: "largeCommunities", communities: readLargeCommunities(value) }),
  ],
]);

/** The value of a well-formed attribute; one that is not spoken keeps its octets, as a copy. */
export function decodePathAttribute(raw: RawAttribute, hasFourOctetAs: boolean): PathAttribute {
  const read = READERS.get(raw.code);
  if (read !== undefined) return read(raw.value, hasFourOctetAs);
  const flags = raw.flags & ~AttributeFlag.extendedLength;
  return { type: "unknown", flags, code: raw.code, value: raw.value.slice() };
}

const SEGMENT_KINDS: readonly AsPathSegment["kind"][] = [
  "asSet",
  "asSequence",
  "asConfedSequence",
  "asConfedSet",
];

function readSegments(value: Uint8Array, asOctets: number): readonly AsPathSegment[] {
  const segments: AsPathSegment[] = [];
  let offset = 0;
  while (offset < value.length) {
    const kind = SEGMENT_KINDS.find(name => AsPathSegmentType[name] === value[offset]) ?? "asSet";
    const end = offset + 2 + (value[offset + 1] ?? 0) * asOctets;
    const autonomousSystems: number[] = [];
    for (let at = offset + 2; at < end; at += asOctets) {
      autonomousSystems.push(readUnsigned(value, at, asOctets));
    }
    segments.push({ kind, autonomousSystems });
    offset = end;
  }
  return segments;
}

function readAggregator(value: Uint8Array, asOctets: number) {
  return {
    as: readUnsigned(value, 0, asOctets),
    address: fromAddressBytes(value.subarray(asOctets)),
  };
}

function readWords(value: Uint8Array): readonly number[] {
  const words: number[] = [];
  for (let offset = 0; offset < value.length; offset += 4)
    words.push(readUnsigned(value, offset, 4));
  return words;
}

function readExtendedCommunities(value: Uint8Array): readonly bigint[] {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const communities: bigint[] = [];
  for (let offset = 0; offset < value.length; offset += 8) {
    communities.push(view.getBigUint64(offset));
  }
  return communities;
}

function readLargeCommunities(value: Uint8Array): readonly LargeCommunity[] {
  const communities: LargeCommunity[] = [];
  for (let offset = 0; offset < value.length; offset += 12) {
    communities.push({
      global: readUnsigned(value, offset, 4),
      data1: readUnsigned(value, offset + 4, 4),
      data2: readUnsigned(value, offset + 8, 4),
    });
  }
  return communities;
}

function readUnsigned(value: Uint8Array, offset: number, octets: number): number {
  let result = 0;
  for (let index = 0; index < octets; index += 1)
    result = result * 256 + (value[offset + index] ?? 0);
  return result;
}
