/**
 * Neighbor Solicitation and Advertisement (RFC 4861 §4.3, §4.4) over IPv6 and Ethernet, as whole frames: bytes ↔ values.
 * The responder reads frames without making values of them; this codec serves announcements, tests and diagnosis.
 *
 * ```
 * Ethernet (14) | IPv6 header (40): next header 58, hop limit 255
 * +---------------+---------------+---------------+---------------+
 * | type 135, 136 | code 0        | checksum                      |  at 54 of the frame
 * +---------------+---------------+---------------+---------------+
 * |R|S|O| reserved (flags in advertisements only)                 |
 * +---------------------------------------------------------------+
 * | target address (16)                                           |
 * +---------------------------------------------------------------+
 * | options: type, length in 8 octets, value                      |
 * +---------------------------------------------------------------+
 * ```
 */
import {
  ETHERNET_DESTINATION_OFFSET,
  ETHERNET_SOURCE_OFFSET,
  ETHERNET_TYPE_OFFSET,
  EtherType,
  readMac,
  viewOf,
  writeMac,
} from "../net/ethernet";
import { fromAddressBytes, toAddressBytes, type IpAddress } from "../net/ip-address";
import type { MacAddress } from "../net/mac-address";
import { assert, err, ok, type Result } from "../net/result";
import { checksumIcmpv6 } from "./checksum";
import {
  AdvertisementFlag,
  ICMPV6_OFFSET,
  IPPROTO_ICMPV6,
  IPV6_VERSION,
  Icmpv6Type,
  LINK_LAYER_OPTION_LENGTH_OCTETS,
  NDP_HOP_LIMIT,
  NEIGHBOR_MESSAGE_LENGTH_OCTETS,
  NdpOffset,
  NdpOption,
} from "./constants";
import { findLinkLayerAddress, findNdpProblem, type NdpProblem } from "./validation";

/** What both messages have around and in them. Addresses are IPv6. */
interface NeighborFrameBase {
  readonly destinationMac: MacAddress;
  readonly sourceMac: MacAddress;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly target: IpAddress;
  /** Source (solicitation) or target (advertisement) link-layer address option. */
  readonly linkLayerAddress?: MacAddress;
}

export interface NeighborSolicitation extends NeighborFrameBase {
  readonly type: "solicitation";
}

export interface NeighborAdvertisement extends NeighborFrameBase {
  readonly type: "advertisement";
  readonly isRouter: boolean;
  readonly isSolicited: boolean;
  readonly isOverride: boolean;
}

export type NeighborFrame = NeighborSolicitation | NeighborAdvertisement;

/**
 * Decodes one Ethernet frame with a neighbor message and checks it by RFC 4861 §7.1. Octets beyond the IPv6 payload are
 * padding; options other than the link-layer address are passed over. Total; the value does not alias `bytes`.
 */
export function decodeNeighborFrame(bytes: Uint8Array): Result<NeighborFrame, NdpProblem> {
  const view = viewOf(bytes);
  const problem = findNdpProblem(view, bytes.length);
  if (problem !== undefined) return err(problem);
  const isSolicitation = view.getUint8(NdpOffset.type) === Icmpv6Type.neighborSolicitation;
  const macOffset = findLinkLayerAddress(
    view,
    isSolicitation ? NdpOption.sourceLinkLayerAddress : NdpOption.targetLinkLayerAddress,
  );
  const base: NeighborFrameBase = {
    destinationMac: readMac(view, ETHERNET_DESTINATION_OFFSET),
    sourceMac: readMac(view, ETHERNET_SOURCE_OFFSET),
    source: readIpv6(bytes, NdpOffset.source),
    destination: readIpv6(bytes, NdpOffset.destination),
    target: readIpv6(bytes, NdpOffset.target),
    ...(macOffset === 0 ? {} : { linkLayerAddress: readMac(view, macOffset) }),
  };
  if (isSolicitation) return ok({ type: "solicitation", ...base });
  const flags = view.getUint8(NdpOffset.flags);
  return ok({
    type: "advertisement",
    ...base,
    isRouter: (flags & AdvertisementFlag.router) !== 0,
    isSolicited: (flags & AdvertisementFlag.solicited) !== 0,
    isOverride: (flags & AdvertisementFlag.override) !== 0,
  });
}

/** Encodes the frame, checksum included: 86 octets with link-layer address option, 78 without. */
export function encodeNeighborFrame(frame: NeighborFrame): Uint8Array {
  const optionOctets = frame.linkLayerAddress === undefined ? 0 : LINK_LAYER_OPTION_LENGTH_OCTETS;
  const messageOctets = NEIGHBOR_MESSAGE_LENGTH_OCTETS + optionOctets;
  const bytes = new Uint8Array(ICMPV6_OFFSET + messageOctets);
  const view = viewOf(bytes);
  writeHeaders(bytes, frame, messageOctets);
  const isSolicitation = frame.type === "solicitation";
  view.setUint8(
    NdpOffset.type,
    isSolicitation ? Icmpv6Type.neighborSolicitation : Icmpv6Type.neighborAdvertisement,
  );
  if (!isSolicitation) view.setUint8(NdpOffset.flags, toFlags(frame));
  writeIpv6(bytes, NdpOffset.target, frame.target);
  if (frame.linkLayerAddress !== undefined) {
    view.setUint8(
      NdpOffset.options,
      isSolicitation ? NdpOption.sourceLinkLayerAddress : NdpOption.targetLinkLayerAddress,
    );
    view.setUint8(NdpOffset.options + 1, 1);
    writeMac(view, NdpOffset.options + 2, frame.linkLayerAddress);
  }
  view.setUint16(NdpOffset.checksum, checksumIcmpv6(view, messageOctets));
  return bytes;
}

/** The address at the offset as a key for hash tables: eight UTF-16 units, one for each group of the address. */
export function readIpv6Key(frame: DataView, offset: number): string {
  return String.fromCharCode(
    frame.getUint16(offset),
    frame.getUint16(offset + 2),
    frame.getUint16(offset + 4),
    frame.getUint16(offset + 6),
    frame.getUint16(offset + 8),
    frame.getUint16(offset + 10),
    frame.getUint16(offset + 12),
    frame.getUint16(offset + 14),
  );
}

/** The same key from an address; an IPv4 address is a bug. */
export function toIpv6Key(address: IpAddress): string {
  assert(address.family === "ipv6", "NDP carries IPv6 addresses");
  return readIpv6Key(viewOf(toAddressBytes(address)), 0);
}

function writeHeaders(bytes: Uint8Array, frame: NeighborFrame, messageOctets: number): void {
  const view = viewOf(bytes);
  writeMac(view, ETHERNET_DESTINATION_OFFSET, frame.destinationMac);
  writeMac(view, ETHERNET_SOURCE_OFFSET, frame.sourceMac);
  view.setUint16(ETHERNET_TYPE_OFFSET, EtherType.ipv6);
  view.setUint8(NdpOffset.versionAndClass, IPV6_VERSION << 4);
  view.setUint16(NdpOffset.payloadLength, messageOctets);
  view.setUint8(NdpOffset.nextHeader, IPPROTO_ICMPV6);
  view.setUint8(NdpOffset.hopLimit, NDP_HOP_LIMIT);
  writeIpv6(bytes, NdpOffset.source, frame.source);
  writeIpv6(bytes, NdpOffset.destination, frame.destination);
}

function toFlags(frame: NeighborAdvertisement): number {
  return (
    (frame.isRouter ? AdvertisementFlag.router : 0) |
    (frame.isSolicited ? AdvertisementFlag.solicited : 0) |
    (frame.isOverride ? AdvertisementFlag.override : 0)
  );
}

function readIpv6(bytes: Uint8Array, offset: number): IpAddress {
  return fromAddressBytes(bytes.subarray(offset, offset + 16));
}

function writeIpv6(bytes: Uint8Array, offset: number, address: IpAddress): void {
  assert(address.family === "ipv6", "NDP carries IPv6 addresses");
  bytes.set(toAddressBytes(address), offset);
}
