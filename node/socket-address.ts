/** The kernel's socket addresses: bytes ↔ values. Family and interface index are in host order, ports in network order. */
import { fromAddressBytes, toAddressBytes, type IpAddress } from "../lib/net/ip-address";
import { AddressFamily } from "./linux";

/** Room for the larger of `sockaddr_in` and `sockaddr_in6`. */
export const IP_SOCKET_ADDRESS_OCTETS = 28;

/** `sockaddr_in` (16 octets) or `sockaddr_in6` (28 octets); `scopeId`: the interface index of a link-local address. */
export function encodeIpSocketAddress(address: IpAddress, port: number, scopeId = 0): Buffer {
  if (address.family === "ipv4") {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AddressFamily.inet, 0);
    bytes.writeUInt16BE(port, 2);
    bytes.set(toAddressBytes(address), 4);
    return bytes;
  }
  const bytes = Buffer.alloc(IP_SOCKET_ADDRESS_OCTETS);
  bytes.writeUInt16LE(AddressFamily.inet6, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(toAddressBytes(address), 8);
  bytes.writeUInt32LE(scopeId, 24);
  return bytes;
}

/** The IP address in a socket address that the kernel wrote; undefined for another family. Does not alias `bytes`. */
export function decodeIpSocketAddress(bytes: Buffer): IpAddress | undefined {
  const family = bytes.readUInt16LE(0);
  if (family === AddressFamily.inet) return fromAddressBytes(bytes.subarray(4, 8));
  if (family === AddressFamily.inet6) return fromAddressBytes(bytes.subarray(8, 24));
  return undefined;
}

/** `sockaddr_ll` (20 octets) to bind a packet socket: one interface, one EtherType. */
export function encodePacketSocketAddress(interfaceIndex: number, etherType: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AddressFamily.packet, 0);
  bytes.writeUInt16BE(etherType, 2);
  bytes.writeInt32LE(interfaceIndex, 4);
  return bytes;
}

/** `sockaddr_nl` (12 octets) with the groups to hear. */
export function encodeNetlinkSocketAddress(groups: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(AddressFamily.netlink, 0);
  bytes.writeUInt32LE(groups, 8);
  return bytes;
}

/** `ipv6_mreq` (20 octets): a group on an interface. */
export function encodeGroupRequest(group: IpAddress, interfaceIndex: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.set(toAddressBytes(group), 0);
  bytes.writeUInt32LE(interfaceIndex, 16);
  return bytes;
}
