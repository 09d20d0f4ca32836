/** Numbers and offsets of Neighbor Discovery (RFC 4861, RFC 8200, RFC 4443). Offsets count from the Ethernet header. */
import { ETHERNET_HEADER_LENGTH_OCTETS } from "../net/ethernet";

const IPV6_HEADER_LENGTH_OCTETS = 40;
/** Type, code, checksum, reserved or flags, target: both messages without options. */
export const NEIGHBOR_MESSAGE_LENGTH_OCTETS = 24;
export const LINK_LAYER_OPTION_LENGTH_OCTETS = 8;
export const ICMPV6_OFFSET = ETHERNET_HEADER_LENGTH_OCTETS + IPV6_HEADER_LENGTH_OCTETS;

export const IPV6_VERSION = 6;
export const IPPROTO_ICMPV6 = 58;
/** A packet with any other hop limit came from another link (RFC 4861 §7.1). */
export const NDP_HOP_LIMIT = 255;

export const Icmpv6Type = { neighborSolicitation: 135, neighborAdvertisement: 136 } as const;
export const NdpOption = { sourceLinkLayerAddress: 1, targetLinkLayerAddress: 2 } as const;
/** Flags of a Neighbor Advertisement (RFC 4861 §4.4), as bits of its first flag octet. */
export const AdvertisementFlag = { router: 0x80, solicited: 0x40, override: 0x20 } as const;

export const NdpOffset = {
  versionAndClass: 14,
  payloadLength: 18,
  nextHeader: 20,
  hopLimit: 21,
  source: 22,
  destination: 38,
  type: 54,
  code: 55,
  checksum: 56,
  flags: 58,
  target: 62,
  options: 78,
} as const;

/** ff02::1, every node of the link. */
export const ALL_NODES = 0xff020000000000000000000000000001n;
