/**
 * The Ethernet header of the frames that ARP and NDP travel in, without VLAN tag (the kernel strips it). Frames are handled
 * as one preallocated buffer and a `DataView` on it, so that answering a packet allocates nothing.
 *
 * ```
 *  0                   6                   12         14
 * +-------------------+-------------------+----------+----
 * | destination MAC   | source MAC        | EtherType| …
 * +-------------------+-------------------+----------+----
 * ```
 */
import type { MacAddress } from "./mac-address";

export const ETHERNET_HEADER_LENGTH_OCTETS = 14;
export const ETHERNET_DESTINATION_OFFSET = 0;
export const ETHERNET_SOURCE_OFFSET = 6;
export const ETHERNET_TYPE_OFFSET = 12;

/** IEEE 802 numbers, as IANA lists them. */
export const EtherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** A `DataView` on exactly the octets of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy of the MAC address at the offset. */
export function readMac(view: DataView, offset: number): MacAddress {
  const mac = new Uint8Array(6);
  for (let index = 0; index < 6; index += 1) mac[index] = view.getUint8(offset + index);
  return mac;
}

export function writeMac(view: DataView, offset: number, mac: MacAddress): void {
  for (const [index, octet] of mac.entries()) view.setUint8(offset + index, octet);
}

/** Copies the six octets of a MAC address from one view to another. */
export function copyMac(from: DataView, fromOffset: number, to: DataView, toOffset: number): void {
  to.setUint32(toOffset, from.getUint32(fromOffset));
  to.setUint16(toOffset + 4, from.getUint16(fromOffset + 4));
}

/** Whether the six octets at both offsets are the same. */
export function isMacAt(
  view: DataView,
  offset: number,
  other: DataView,
  otherOffset: number,
): boolean {
  return (
    view.getUint32(offset) === other.getUint32(otherOffset) &&
    view.getUint16(offset + 4) === other.getUint16(otherOffset + 4)
  );
}

export function isBroadcastAt(view: DataView, offset: number): boolean {
  return view.getUint32(offset) === 0xffffffff && view.getUint16(offset + 4) === 0xffff;
}

/** Whether the address at the offset names one station: not a group, not all zeros. */
export function isStationAt(view: DataView, offset: number): boolean {
  const isGroup = (view.getUint8(offset) & 1) === 1;
  return !isGroup && (view.getUint32(offset) !== 0 || view.getUint16(offset + 4) !== 0);
}
