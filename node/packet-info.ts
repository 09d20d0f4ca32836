/**
 * One received UDP datagram with what the kernel knows about it: where it came from, where it went to, by which interface, and
 * the TTL or hop limit that was left. Preallocated: receiving allocates nothing but the two addresses.
 *
 * ```
 * msghdr 0       8        16     24      32       40          48
 *       +-------+--------+------+-------+--------+-----------+-------+
 *       | name  | length | iov  | count | control| length    | flags |
 *       +-------+--------+------+-------+--------+-----------+-------+
 * ```
 */
import { fromAddressBytes, type IpAddress } from "../lib/net/ip-address";
import {
  Errno,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IP_PKTINFO,
  IP_TTL,
} from "./linux";
import { IP_SOCKET_ADDRESS_OCTETS, decodeIpSocketAddress } from "./socket-address";
import type { Sockets } from "./sockets";

/** Its octets are valid until the next call. */
export interface ReceivedDatagram {
  readonly octets: Uint8Array;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly interfaceIndex: number;
  readonly ttl: number;
}

const HEADER_OCTETS = 56;
const VECTOR_OCTETS = 16;
const CONTROL_OCTETS = 128;
const CONTROL_HEADER_OCTETS = 16;

export class DatagramReceiver {
  readonly #sockets: Sockets;
  readonly #header = Buffer.alloc(HEADER_OCTETS);
  readonly #vector = Buffer.alloc(VECTOR_OCTETS);
  readonly #name = Buffer.alloc(IP_SOCKET_ADDRESS_OCTETS);
  readonly #control = Buffer.alloc(CONTROL_OCTETS);
  readonly #datagram: Buffer;

  /** What is longer than `maxOctets` is cut there. */
  constructor(sockets: Sockets, maxOctets: number) {
    this.#sockets = sockets;
    this.#datagram = Buffer.alloc(maxOctets);
    this.#vector.writeBigUInt64LE(sockets.addressOf(this.#datagram), 0);
    this.#vector.writeBigUInt64LE(BigInt(maxOctets), 8);
    this.#header.writeBigUInt64LE(sockets.addressOf(this.#name), 0);
    this.#header.writeBigUInt64LE(sockets.addressOf(this.#vector), 16);
    this.#header.writeBigUInt64LE(1n, 24);
    this.#header.writeBigUInt64LE(sockets.addressOf(this.#control), 32);
  }

  /**
   * The next datagram of a socket with RECVTTL and PKTINFO (or their IPv6 kin); undefined when none waits. One without that
   * knowledge, or an error of an earlier send, is passed over.
   */
  receive(fd: number): ReceivedDatagram | undefined {
    for (;;) {
      // The kernel writes both lengths: they are set anew for each call.
      this.#header.writeUInt32LE(IP_SOCKET_ADDRESS_OCTETS, 8);
      this.#header.writeBigUInt64LE(BigInt(CONTROL_OCTETS), 40);
      const length = this.#sockets.receiveMessage(fd, this.#header);
      if (length === -Errno.EAGAIN) return undefined;
      if (length < 0 && length !== -Errno.ECONNREFUSED) return undefined;
      const source = length < 0 ? undefined : decodeIpSocketAddress(this.#name);
      const info = length < 0 ? undefined : this.#readControl();
      if (source === undefined || info === undefined) continue;
      return { octets: this.#datagram.subarray(0, length), source, ...info };
    }
  }

  #readControl(): Omit<ReceivedDatagram, "octets" | "source"> | undefined {
    const control = this.#control.subarray(0, Number(this.#header.readBigUInt64LE(40)));
    return parsePacketInfo(control);
  }
}

/** Destination, interface and TTL from a buffer of control messages; undefined unless all of them are there. Total. */
export function parsePacketInfo(
  control: Buffer,
): Omit<ReceivedDatagram, "octets" | "source"> | undefined {
  let ttl: number | undefined;
  let arrival: { readonly destination: IpAddress; readonly interfaceIndex: number } | undefined;
  let offset = 0;
  while (offset + CONTROL_HEADER_OCTETS <= control.length) {
    const length = Number(control.readBigUInt64LE(offset));
    if (length < CONTROL_HEADER_OCTETS || offset + length > control.length) break;
    const level = control.readInt32LE(offset + 8);
    const type = control.readInt32LE(offset + 12);
    const data = control.subarray(offset + CONTROL_HEADER_OCTETS, offset + length);
    ttl ??= parseTtl(level, type, data);
    arrival ??= parseArrival(level, type, data);
    offset += align8(length);
  }
  return ttl === undefined || arrival === undefined ? undefined : { ttl, ...arrival };
}

function parseTtl(level: number, type: number, data: Buffer): number | undefined {
  const isTtl =
    (level === IPPROTO_IP && type === IP_TTL) || (level === IPPROTO_IPV6 && type === IPV6_HOPLIMIT);
  return isTtl && data.length >= 4 ? data.readInt32LE(0) : undefined;
}

function parseArrival(
  level: number,
  type: number,
  data: Buffer,
): { readonly destination: IpAddress; readonly interfaceIndex: number } | undefined {
  // in_pktinfo: index, the address that answers, the address that was asked.
  if (level === IPPROTO_IP && type === IP_PKTINFO && data.length >= 12) {
    const destination = fromAddressBytes(data.subarray(8, 12));
    return { destination, interfaceIndex: data.readInt32LE(0) };
  }
  if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && data.length >= 20) {
    const destination = fromAddressBytes(data.subarray(0, 16));
    return { destination, interfaceIndex: data.readUInt32LE(16) };
  }
  return undefined;
}

function align8(length: number): number {
  return (length + 7) & ~7;
}
