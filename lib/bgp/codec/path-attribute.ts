/**
 * Path attributes (RFC 4271 §4.3): flags u8, type u8, length u8 or u16, value. Types and encoder; `path-attribute-decode.ts` is the
 * way back.
 */
import { toAddressBytes, type IpAddress } from "../../net/ip-address";
import type { IpPrefix } from "../../net/ip-prefix";
import { assert } from "../../net/result";
import { AsPathSegmentType, AttributeFlag, PathAttributeType, Safi } from "../constants";
import { MAX_SEGMENT_LENGTH } from "../limits";
import { toAfi, toIpFamily, type AddressFamily } from "./address-family";
import { encodePrefix } from "./nlri";
import { OctetWriter } from "./octet-writer";

export interface AsPathSegment {
  readonly kind: keyof typeof AsPathSegmentType;
  /** 1 … 255 AS numbers. */
  readonly autonomousSystems: readonly number[];
}

export interface LargeCommunity {
  readonly global: number;
  readonly data1: number;
  readonly data2: number;
}

export interface MpReachNlri {
  readonly type: "mpReachNlri";
  readonly family: AddressFamily;
  readonly nextHop: IpAddress;
  /** The second half of a 32-octet next hop (RFC 2545 §3). */
  readonly linkLocalNextHop?: IpAddress;
  readonly nlri: readonly IpPrefix[];
}

export interface MpUnreachNlri {
  readonly type: "mpUnreachNlri";
  readonly family: AddressFamily;
  readonly withdrawn: readonly IpPrefix[];
}

/** An attribute that is not spoken, an MP attribute of a family that is not spoken included; `flags` without extended length. */
export interface UnknownAttribute {
  readonly type: "unknown";
  readonly flags: number;
  readonly code: number;
  readonly value: Uint8Array;
}

export type PathAttribute =
  | { readonly type: "origin"; readonly origin: number }
  | { readonly type: "asPath"; readonly segments: readonly AsPathSegment[] }
  | { readonly type: "nextHop"; readonly address: IpAddress }
  | { readonly type: "multiExitDisc"; readonly metric: number }
  | { readonly type: "localPref"; readonly preference: number }
  | { readonly type: "atomicAggregate" }
  | { readonly type: "aggregator"; readonly as: number; readonly address: IpAddress }
  | { readonly type: "communities"; readonly communities: readonly number[] }
  | { readonly type: "originatorId"; readonly bgpIdentifier: number }
  | { readonly type: "clusterList"; readonly clusterIds: readonly number[] }
  | MpReachNlri
  | MpUnreachNlri
  | { readonly type: "extendedCommunities"; readonly communities: readonly bigint[] }
  | { readonly type: "as4Path"; readonly segments: readonly AsPathSegment[] }
  | { readonly type: "as4Aggregator"; readonly as: number; readonly address: IpAddress }
  | { readonly type: "largeCommunities"; readonly communities: readonly LargeCommunity[] }
  | UnknownAttribute;

const { optional, transitive, extendedLength } = AttributeFlag;

const WELL_KNOWN = transitive;
const OPTIONAL_TRANSITIVE = optional | transitive;
const OPTIONAL_NON_TRANSITIVE = optional;

/** Optional and transitive bit that the attribute's specification demands. */
export const ATTRIBUTE_FLAGS: Readonly<Record<Exclude<PathAttribute["type"], "unknown">, number>> =
  {
    origin: WELL_KNOWN,
    asPath: WELL_KNOWN,
    nextHop: WELL_KNOWN,
    multiExitDisc: OPTIONAL_NON_TRANSITIVE,
    localPref: WELL_KNOWN,
    atomicAggregate: WELL_KNOWN,
    aggregator: OPTIONAL_TRANSITIVE,
    communities: OPTIONAL_TRANSITIVE,
    originatorId: OPTIONAL_NON_TRANSITIVE,
    clusterList: OPTIONAL_NON_TRANSITIVE,
    mpReachNlri: OPTIONAL_NON_TRANSITIVE,
    mpUnreachNlri: OPTIONAL_NON_TRANSITIVE,
    extendedCommunities: OPTIONAL_TRANSITIVE,
    as4Path: OPTIONAL_TRANSITIVE,
    as4Aggregator: OPTIONAL_TRANSITIVE,
    largeCommunities: OPTIONAL_TRANSITIVE,
  };

/** Appends the attribute; AS numbers in AS_PATH and AGGREGATOR have four octets if `hasFourOctetAs`, else two. */
export function writePathAttribute(
  writer: OctetWriter,
  attribute: PathAttribute,
  hasFourOctetAs: boolean,
): void {
  const isUnknown = attribute.type === "unknown";
  const code = isUnknown ? attribute.code : PathAttributeType[attribute.type];
  const flags = isUnknown ? attribute.flags : ATTRIBUTE_FLAGS[attribute.type];
  writeAttributeOctets(writer, { flags, code, value: encodeValue(attribute, hasFourOctetAs) });
}

/** Appends an attribute whose value is already encoded, with the extended length only above 255 octets. */
export function writeAttributeOctets(
  writer: OctetWriter,
  attribute: { readonly flags: number; readonly code: number; readonly value: Uint8Array },
): void {
  const { flags, code, value } = attribute;
  const isLong = value.length > 255;
  writer.u8(isLong ? flags | extendedLength : flags & ~extendedLength).u8(code);
  if (isLong) writer.u16(value.length);
  else writer.u8(value.length);
  writer.octets(value);
}

function encodeValue(attribute: PathAttribute, hasFourOctetAs: boolean): Uint8Array {
  if (attribute.type === "unknown") return attribute.value;
  if (attribute.type === "mpReachNlri") return encodeMpReach(attribute);
  if (attribute.type === "mpUnreachNlri") return encodeMpUnreach(attribute);
  const writer = new OctetWriter();
  if (isAsAttribute(attribute)) writeAsAttribute(writer, attribute, hasFourOctetAs);
  else writePlainAttribute(writer, attribute);
  return writer.finish();
}

type AsAttribute = Extract<
  PathAttribute,
  { readonly type: "asPath" | "as4Path" | "aggregator" | "as4Aggregator" }
>;
type PlainAttribute = Exclude<
  PathAttribute,
  AsAttribute | MpReachNlri | MpUnreachNlri | UnknownAttribute
>;

function isAsAttribute(attribute: AsAttribute | PlainAttribute): attribute is AsAttribute {
  return (
    attribute.type === "asPath" ||
    attribute.type === "as4Path" ||
    attribute.type === "aggregator" ||
    attribute.type === "as4Aggregator"
  );
}

function writeAsAttribute(
  writer: OctetWriter,
  attribute: AsAttribute,
  hasFourOctetAs: boolean,
): void {
  const isWide =
    hasFourOctetAs || attribute.type === "as4Path" || attribute.type === "as4Aggregator";
  const writeAs = (as: number): unknown => (isWide ? writer.u32(as) : writer.u16(as));
  if (attribute.type === "aggregator" || attribute.type === "as4Aggregator") {
    writeAs(attribute.as);
    writer.octets(octetsOfIpv4(attribute.address));
    return;
  }
  for (const { kind, autonomousSystems } of attribute.segments) {
    const count = autonomousSystems.length;
    assert(count > 0 && count <= MAX_SEGMENT_LENGTH, `AS_PATH segment of ${count}`);
    writer.u8(AsPathSegmentType[kind]).u8(count);
    for (const as of autonomousSystems) writeAs(as);
  }
}

function writePlainAttribute(writer: OctetWriter, attribute: PlainAttribute): void {
  switch (attribute.type) {
    case "origin":
      writer.u8(attribute.origin);
      return;
    case "nextHop":
      writer.octets(octetsOfIpv4(attribute.address));
      return;
    case "multiExitDisc":
      writer.u32(attribute.metric);
      return;
    case "localPref":
      writer.u32(attribute.preference);
      return;
    case "originatorId":
      writer.u32(attribute.bgpIdentifier);
      return;
    case "atomicAggregate":
      return;
    default:
      writeListAttribute(writer, attribute);
  }
}

type ListAttribute = Extract<
  PlainAttribute,
  { readonly type: "communities" | "clusterList" | "extendedCommunities" | "largeCommunities" }
>;

function writeListAttribute(writer: OctetWriter, attribute: ListAttribute): void {
  switch (attribute.type) {
    case "communities":
      for (const community of attribute.communities) writer.u32(community);
      return;
    case "clusterList":
      for (const id of attribute.clusterIds) writer.u32(id);
      return;
    case "extendedCommunities":
      for (const community of attribute.communities) writer.u64(community);
      return;
    case "largeCommunities":
      for (const { global, data1, data2 } of attribute.communities) {
        writer.u32(global).u32(data1).u32(data2);
      }
  }
}

/** AFI u16, SAFI u8, next-hop length u8, next hop, reserved u8, NLRI (RFC 4760 §3). */
function encodeMpReach(attribute: MpReachNlri): Uint8Array {
  const writer = new OctetWriter();
  writeMpReachHead(writer, attribute);
  for (const prefix of attribute.nlri) {
    assert(
      prefix.family === toIpFamily(attribute.family),
      `${prefix.family} in ${attribute.family}`,
    );
    writer.octets(encodePrefix(prefix));
  }
  return writer.finish();
}

/** Appends MP_REACH_NLRI's value up to its NLRI. */
export function writeMpReachHead(writer: OctetWriter, attribute: Omit<MpReachNlri, "nlri">): void {
  const nextHop = toAddressBytes(attribute.nextHop);
  const linkLocal = attribute.linkLocalNextHop;
  const second = linkLocal === undefined ? new Uint8Array(0) : toAddressBytes(linkLocal);
  writer.u16(toAfi(attribute.family)).u8(Safi.unicast);
  writer
    .u8(nextHop.length + second.length)
    .octets(nextHop)
    .octets(second)
    .u8(0);
}

/** AFI u16, SAFI u8, withdrawn routes (RFC 4760 §4). */
function encodeMpUnreach(attribute: MpUnreachNlri): Uint8Array {
  const writer = new OctetWriter();
  writer.u16(toAfi(attribute.family)).u8(Safi.unicast);
  for (const prefix of attribute.withdrawn) {
    assert(
      prefix.family === toIpFamily(attribute.family),
      `${prefix.family} in ${attribute.family}`,
    );
    writer.octets(encodePrefix(prefix));
  }
  return writer.finish();
}

function octetsOfIpv4(address: IpAddress): Uint8Array {
  assert(address.family === "ipv4", "an IPv4 address is needed");
  return toAddressBytes(address);
}
