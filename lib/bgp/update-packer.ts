/**
 * Fills UPDATEs with routes of one attribute set, or with withdrawals, up to the message size of the session. One message holds
 * only one of withdrawn routes, NLRI, MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 7606 §5.1).
 */
import type { IpAddress } from "../net/ip-address";
import { assert } from "../net/result";
import type { AddressFamily } from "./codec/address-family";
import { toAfi } from "./codec/address-family";
import { OctetWriter } from "./codec/octet-writer";
import {
  ATTRIBUTE_FLAGS,
  writeAttributeOctets,
  writeMpReachHead,
  writePathAttribute,
  type PathAttribute,
} from "./codec/path-attribute";
import {
  HEADER_LENGTH_OCTETS,
  MARKER_LENGTH_OCTETS,
  MessageType,
  PathAttributeType,
  Safi,
} from "./constants";
import type { NegotiatedSession } from "./negotiation";
import { toPathAttributes, type RouteAttributes } from "./route-attributes";

/** How routes of a family are sent: with NEXT_HOP and classic NLRI (IPv4 alone), or in MP_REACH_NLRI. */
export type NextHop =
  | { readonly type: "classic"; readonly address: IpAddress }
  | { readonly type: "mp"; readonly address: IpAddress; readonly linkLocal?: IpAddress };

/** What every message of one attribute set has in common. */
export interface RouteTemplate {
  /** MP_REACH_NLRI's value up to its NLRI; undefined for classic NLRI. */
  readonly mpHead: Uint8Array | undefined;
  /** The other attributes, encoded. */
  readonly attributes: Uint8Array;
  /** Octets of NLRI that fit one message; too few for any route when the attributes are too many. */
  readonly nlriRoomOctets: number;
}

/** Both length fields of an UPDATE. */
const FIXED_OCTETS = HEADER_LENGTH_OCTETS + 4;
/** Flags, type and extended length. */
const MP_HEADER_OCTETS = 4;
const MP_UNREACH_HEAD_OCTETS = 3;
/** The longest NLRI entry: /128. */
export const MAX_NLRI_OCTETS = 17;

/** Encodes what the messages of an attribute set share. */
export function makeTemplate(
  attributes: RouteAttributes,
  session: NegotiatedSession,
  family: AddressFamily,
  nextHop: NextHop,
): RouteTemplate {
  const writer = new OctetWriter();
  for (const attribute of withNextHop(toPathAttributes(attributes, session), nextHop)) {
    writePathAttribute(writer, attribute, session.hasFourOctetAs);
  }
  const encoded = writer.finish();
  const mpHead = nextHop.type === "mp" ? encodeMpHead(family, nextHop) : undefined;
  const mpOctets = mpHead === undefined ? 0 : MP_HEADER_OCTETS + mpHead.length;
  const nlriRoomOctets = session.maxMessageOctets - FIXED_OCTETS - encoded.length - mpOctets;
  return { mpHead, attributes: encoded, nlriRoomOctets };
}

/** One UPDATE that announces the NLRI entries, which fit `nlriRoomOctets`. */
export function packRoutes(template: RouteTemplate, nlri: Uint8Array): Uint8Array {
  assert(nlri.length <= template.nlriRoomOctets, `${nlri.length} octets of NLRI`);
  const { mpHead, attributes } = template;
  return packUpdate(writer => {
    writer.u16(0).lengthPrefixed16(field => {
      if (mpHead !== undefined) {
        const value = new Uint8Array([...mpHead, ...nlri]);
        const code = PathAttributeType.mpReachNlri;
        writeAttributeOctets(field, { flags: ATTRIBUTE_FLAGS.mpReachNlri, code, value });
      }
      field.octets(attributes);
    });
    if (mpHead === undefined) writer.octets(nlri);
  });
}

/** Octets of withdrawn routes that fit one message. */
export function withdrawalRoomOctets(session: NegotiatedSession, nextHop: NextHop): number {
  const mpOctets = nextHop.type === "mp" ? MP_HEADER_OCTETS + MP_UNREACH_HEAD_OCTETS : 0;
  return session.maxMessageOctets - FIXED_OCTETS - mpOctets;
}

/** One UPDATE that withdraws the NLRI entries in the field in which they were announced. */
export function packWithdrawals(
  family: AddressFamily,
  nextHop: NextHop,
  nlri: Uint8Array,
): Uint8Array {
  return packUpdate(writer => {
    if (nextHop.type === "classic") {
      writer.lengthPrefixed16(field => field.octets(nlri)).u16(0);
      return;
    }
    writer.u16(0).lengthPrefixed16(field => {
      const head = new OctetWriter().u16(toAfi(family)).u8(Safi.unicast);
      const value = head.octets(nlri).finish();
      const code = PathAttributeType.mpUnreachNlri;
      writeAttributeOctets(field, { flags: ATTRIBUTE_FLAGS.mpUnreachNlri, code, value });
    });
  });
}

/** NEXT_HOP stands between AS_PATH and MULTI_EXIT_DISC (types 2, 3, 4). */
function withNextHop(
  attributes: readonly PathAttribute[],
  nextHop: NextHop,
): readonly PathAttribute[] {
  if (nextHop.type === "mp") return attributes;
  const [origin, asPath, ...rest] = attributes;
  assert(origin?.type === "origin" && asPath?.type === "asPath", "ORIGIN and AS_PATH come first");
  return [origin, asPath, { type: "nextHop", address: nextHop.address }, ...rest];
}

function encodeMpHead(
  family: AddressFamily,
  nextHop: Extract<NextHop, { readonly type: "mp" }>,
): Uint8Array {
  const writer = new OctetWriter();
  writeMpReachHead(writer, {
    type: "mpReachNlri",
    family,
    nextHop: nextHop.address,
    ...(nextHop.linkLocal === undefined ? {} : { linkLocalNextHop: nextHop.linkLocal }),
  });
  return writer.finish();
}

function packUpdate(writeBody: (writer: OctetWriter) => void): Uint8Array {
  const writer = new OctetWriter();
  writer.octets(MARKER).u16(0).u8(MessageType.update);
  writeBody(writer);
  return writer.patchU16(MARKER_LENGTH_OCTETS, writer.length).finish();
}

const MARKER = new Uint8Array(MARKER_LENGTH_OCTETS).fill(0xff);
