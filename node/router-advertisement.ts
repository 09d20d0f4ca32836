/**
 * Router Advertisements and Solicitations as Ethernet frames (RFC 4861 §4.1, §4.2): what peers by interface find each other with.
 * Ours offer no router and no prefix (lifetime 0), so that hosts on the link do not take us for one. Pure.
 *
 * ```
 * Ethernet | IPv6, hop limit 255 | type 134 code checksum | hop limit flags lifetime | reachable | retrans | source MAC option
 *                                | type 133 code checksum | reserved                                      | source MAC option
 * ```
 */
import {
  EtherType,
  ETHERNET_DESTINATION_OFFSET,
  ETHERNET_SOURCE_OFFSET,
  ETHERNET_TYPE_OFFSET,
  viewOf,
  writeMac,
} from "../lib/net/ethernet";
import {
  fromAddressBytes,
  isLinkLocal,
  toAddressBytes,
  type IpAddress,
} from "../lib/net/ip-address";
import { toMulticastMac, type MacAddress } from "../lib/net/mac-address";
import { checksumIcmpv6 } from "../lib/ndp/checksum";
import {
  ALL_NODES,
  ICMPV6_OFFSET,
  IPPROTO_ICMPV6,
  LINK_LAYER_OPTION_LENGTH_OCTETS,
  NDP_HOP_LIMIT,
  NdpOffset,
  NdpOption,
} from "../lib/ndp/constants";
import { encodeBpfProgram } from "./socket-filter";

const ROUTER_SOLICITATION = 133;
const ROUTER_ADVERTISEMENT = 134;
const SOLICITATION_OCTETS = 8;
const ADVERTISEMENT_OCTETS = 16;
const ALL_ROUTERS = 0xff020000000000000000000000000002n;
const IPV6_VERSION_BITS = 0x60;
const LIFETIME_OFFSET = ICMPV6_OFFSET + 6;

/** Who sends on the link. */
export interface LinkSender {
  readonly mac: MacAddress;
  readonly address: IpAddress;
}

/** A router that made itself known. */
export interface RouterHeard {
  readonly address: IpAddress;
  readonly lifetimeSeconds: number;
}

/** To ff02::1: here is somebody who may speak BGP. */
export function encodeRouterAdvertisement(sender: LinkSender): Uint8Array {
  return encode(sender, ROUTER_ADVERTISEMENT, ADVERTISEMENT_OCTETS, ALL_NODES);
}

/** To ff02::2: routers are asked to make themselves known. */
export function encodeRouterSolicitation(sender: LinkSender): Uint8Array {
  return encode(sender, ROUTER_SOLICITATION, SOLICITATION_OCTETS, ALL_ROUTERS);
}

/** The router in a Router Advertisement; undefined for anything else or a malformed one (RFC 4861 §6.1.2). Total. */
export function readRouterAdvertisement(frame: Uint8Array): RouterHeard | undefined {
  if (frame.length < ICMPV6_OFFSET + ADVERTISEMENT_OCTETS) return undefined;
  const view = viewOf(frame);
  const length = view.getUint16(NdpOffset.payloadLength);
  const isAdvertisement =
    view.getUint16(ETHERNET_TYPE_OFFSET) === EtherType.ipv6 &&
    view.getUint8(NdpOffset.nextHeader) === IPPROTO_ICMPV6 &&
    view.getUint8(NdpOffset.hopLimit) === NDP_HOP_LIMIT &&
    view.getUint16(NdpOffset.type) === ROUTER_ADVERTISEMENT << 8;
  if (!isAdvertisement || length < ADVERTISEMENT_OCTETS) return undefined;
  if (frame.length < ICMPV6_OFFSET + length || checksumIcmpv6(view, length) !== 0) return undefined;
  const address = fromAddressBytes(frame.slice(NdpOffset.source, NdpOffset.destination));
  if (!isLinkLocal(address)) return undefined;
  return { address, lifetimeSeconds: view.getUint16(LIFETIME_OFFSET) };
}

/** BPF program: Router Advertisements from this link. */
export function buildRouterAdvertisementFilter(): Uint8Array {
  const [packetType, otherHost] = [0xfffff004, 3];
  const [loadHalf, loadOctet, jumpEqual, answer] = [0x28, 0x30, 0x15, 0x06];
  const program = [
    [loadHalf, 0, 0, packetType],
    [jumpEqual, 7, 0, otherHost],
    [loadOctet, 0, 0, NdpOffset.nextHeader],
    [jumpEqual, 0, 5, IPPROTO_ICMPV6],
    [loadOctet, 0, 0, NdpOffset.hopLimit],
    [jumpEqual, 0, 3, NDP_HOP_LIMIT],
    [loadOctet, 0, 0, NdpOffset.type],
    [jumpEqual, 0, 1, ROUTER_ADVERTISEMENT],
    [answer, 0, 0, 0x40000],
    [answer, 0, 0, 0],
  ] as const;
  return encodeBpfProgram(program);
}

function encode(sender: LinkSender, type: number, octets: number, to: bigint): Uint8Array {
  const group = toAddressBytes({ family: "ipv6", value: to });
  const length = octets + LINK_LAYER_OPTION_LENGTH_OCTETS;
  const frame = new Uint8Array(ICMPV6_OFFSET + length);
  const view = viewOf(frame);
  writeMac(view, ETHERNET_DESTINATION_OFFSET, toMulticastMac(group));
  writeMac(view, ETHERNET_SOURCE_OFFSET, sender.mac);
  view.setUint16(ETHERNET_TYPE_OFFSET, EtherType.ipv6);
  view.setUint8(NdpOffset.versionAndClass, IPV6_VERSION_BITS);
  view.setUint16(NdpOffset.payloadLength, length);
  view.setUint8(NdpOffset.nextHeader, IPPROTO_ICMPV6);
  view.setUint8(NdpOffset.hopLimit, NDP_HOP_LIMIT);
  frame.set(toAddressBytes(sender.address), NdpOffset.source);
  frame.set(group, NdpOffset.destination);
  view.setUint8(NdpOffset.type, type);
  const option = ICMPV6_OFFSET + octets;
  view.setUint8(option, NdpOption.sourceLinkLayerAddress);
  view.setUint8(option + 1, 1);
  writeMac(view, option + 2, sender.mac);
  view.setUint16(NdpOffset.checksum, checksumIcmpv6(view, length));
  return frame;
}
