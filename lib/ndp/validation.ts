/**
 * The rules that a received neighbor message must meet (RFC 4861 §7.1.1 and §7.1.2), on the frame itself: nothing is copied,
 * so that the responder can judge every packet with them. No length field is believed before it was compared with the octets
 * that are there.
 */
import { ETHERNET_TYPE_OFFSET, EtherType } from "../net/ethernet";
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

/**
 * Why a frame is not a valid neighbor message. `truncated`: fewer octets than its headers announce. `unsupported`: something
 * else than a Neighbor Solicitation or Advertisement directly after the IPv6 header. The others name the violated rule.
 */
export type NdpProblem =
  | "truncated"
  | "unsupported"
  | "hopLimit"
  | "code"
  | "length"
  | "checksum"
  | "multicastTarget"
  | "multicastSource"
  | "zeroLengthOption"
  | "optionOverrun"
  | "unspecifiedSourceWithOption"
  | "unspecifiedSourceDestination"
  | "solicitedToMulticast";

/** The first rule that the first `lengthOctets` octets of the frame break; undefined for a valid message. Never throws. */
export function findNdpProblem(frame: DataView, lengthOctets: number): NdpProblem | undefined {
  return findHeaderProblem(frame, lengthOctets) ?? findMessageProblem(frame);
}

/** Octets of the ICMPv6 message, as the IPv6 header says; only meaningful for a frame without header problem. */
export function messageLengthOctets(frame: DataView): number {
  return frame.getUint16(NdpOffset.payloadLength);
}

/**
 * Offset in the frame of the MAC address in the first link-layer address option of the type; 0 when there is none. Call it
 * only for a frame whose options are valid.
 */
export function findLinkLayerAddress(frame: DataView, optionType: number): number {
  const end = ICMPV6_OFFSET + messageLengthOctets(frame);
  let offset: number = NdpOffset.options;
  while (offset + LINK_LAYER_OPTION_LENGTH_OCTETS <= end) {
    const isWanted = frame.getUint8(offset) === optionType && frame.getUint8(offset + 1) === 1;
    if (isWanted) return offset + 2;
    offset += frame.getUint8(offset + 1) * 8;
  }
  return 0;
}

/** Whether the 16 octets at the offset are `::`. */
export function isUnspecifiedAt(frame: DataView, offset: number): boolean {
  return (
    frame.getUint32(offset) === 0 &&
    frame.getUint32(offset + 4) === 0 &&
    frame.getUint32(offset + 8) === 0 &&
    frame.getUint32(offset + 12) === 0
  );
}

function findHeaderProblem(frame: DataView, lengthOctets: number): NdpProblem | undefined {
  if (lengthOctets < ICMPV6_OFFSET) return "truncated";
  if (frame.getUint16(ETHERNET_TYPE_OFFSET) !== EtherType.ipv6) return "unsupported";
  if (frame.getUint8(NdpOffset.versionAndClass) >> 4 !== IPV6_VERSION) return "unsupported";
  if (frame.getUint8(NdpOffset.nextHeader) !== IPPROTO_ICMPV6) return "unsupported";
  const messageOctets = messageLengthOctets(frame);
  if (lengthOctets < ICMPV6_OFFSET + messageOctets) return "truncated";
  if (messageOctets < NEIGHBOR_MESSAGE_LENGTH_OCTETS) return "length";
  const type = frame.getUint8(NdpOffset.type);
  const isNeighbor =
    type === Icmpv6Type.neighborSolicitation || type === Icmpv6Type.neighborAdvertisement;
  return isNeighbor ? undefined : "unsupported";
}

function findMessageProblem(frame: DataView): NdpProblem | undefined {
  if (frame.getUint8(NdpOffset.hopLimit) !== NDP_HOP_LIMIT) return "hopLimit";
  if (frame.getUint8(NdpOffset.code) !== 0) return "code";
  if (isMulticastAt(frame, NdpOffset.target)) return "multicastTarget";
  if (isMulticastAt(frame, NdpOffset.source)) return "multicastSource";
  const problem = findOptionProblem(frame);
  if (problem !== undefined) return problem;
  // The checksum comes late: it is the only rule that costs more than a few loads.
  if (checksumIcmpv6(frame, messageLengthOctets(frame)) !== 0) return "checksum";
  return frame.getUint8(NdpOffset.type) === Icmpv6Type.neighborSolicitation
    ? findSolicitationProblem(frame)
    : findAdvertisementProblem(frame);
}

function findOptionProblem(frame: DataView): NdpProblem | undefined {
  const end = ICMPV6_OFFSET + messageLengthOctets(frame);
  let offset: number = NdpOffset.options;
  while (offset < end) {
    if (offset + 2 > end) return "optionOverrun";
    const optionOctets = frame.getUint8(offset + 1) * 8;
    if (optionOctets === 0) return "zeroLengthOption";
    offset += optionOctets;
  }
  return offset === end ? undefined : "optionOverrun";
}

/** Duplicate address detection comes from `::`, to the solicited-node group, without source option. */
function findSolicitationProblem(frame: DataView): NdpProblem | undefined {
  if (!isUnspecifiedAt(frame, NdpOffset.source)) return undefined;
  if (findLinkLayerAddress(frame, NdpOption.sourceLinkLayerAddress) !== 0) {
    return "unspecifiedSourceWithOption";
  }
  return isSolicitedNodeAt(frame, NdpOffset.destination)
    ? undefined
    : "unspecifiedSourceDestination";
}

function findAdvertisementProblem(frame: DataView): NdpProblem | undefined {
  const isSolicited = (frame.getUint8(NdpOffset.flags) & AdvertisementFlag.solicited) !== 0;
  if (!isSolicited || !isMulticastAt(frame, NdpOffset.destination)) return undefined;
  return "solicitedToMulticast";
}

function isMulticastAt(frame: DataView, offset: number): boolean {
  return frame.getUint8(offset) === 0xff;
}

function isSolicitedNodeAt(frame: DataView, offset: number): boolean {
  return (
    frame.getUint32(offset) === 0xff020000 &&
    frame.getUint32(offset + 4) === 0 &&
    frame.getUint32(offset + 8) === 1 &&
    frame.getUint8(offset + 12) === 0xff
  );
}
