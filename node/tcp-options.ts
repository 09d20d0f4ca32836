/**
 * A TCP socket with what must be set before it connects (linux-sockets: TTL, priority, device, MD5 key, source address). Node sets
 * none of these, so the socket is made by system call and handed over while it connects.
 */
import type { IpAddress } from "../lib/net/ip-address";
import {
  AddressFamily,
  CLASS_CS6,
  CONTROL_PRIORITY,
  Errno,
  IP_BIND_ADDRESS_NO_PORT,
  IP_MINTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_MINHOPCOUNT,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SocketType,
  SOL_SOCKET,
  TCP_MD5SIG,
  TCP_NODELAY,
  TCP_SYNCNT,
  TCP_USER_TIMEOUT,
} from "./linux";
import { encodeIpSocketAddress } from "./socket-address";
import { SystemError, type Sockets } from "./sockets";
import type { TransportTarget } from "./bgp-transport";

/** Satisfies peers that check it (RFC 5082), direct and distant ones alike. */
const TTL = 255;
/** SYNs after the first: the session's own timer decides how long an attempt lasts. */
const SYN_RETRIES = 3;
const MAX_DEVICE_NAME_OCTETS = 15;

const MD5_OCTETS = 216;
const MD5_KEY_LENGTH_OFFSET = 130;
const MD5_KEY_OFFSET = 136;
const MAX_MD5_KEY_OCTETS = 80;

/** A socket that is connecting. */
export interface ConnectingSocket {
  readonly fd: number;
  /** The source address is not this node's: the kernel has chosen one. */
  readonly isSourceMissing: boolean;
}

/**
 * A socket on its way to the target. Throws `SystemError` when the kernel refuses at once, `Error` for a target that cannot be
 * expressed; neither holds the password.
 */
export function connectTcp(sockets: Sockets, target: TransportTarget): ConnectingSocket {
  const { family } = target.address;
  const domain = family === "ipv4" ? AddressFamily.inet : AddressFamily.inet6;
  const fd = sockets.open(domain, SocketType.stream, 0);
  try {
    setCommonOptions(sockets, fd, target);
    if (family === "ipv4") setIpv4Options(sockets, fd, target);
    else setIpv6Options(sockets, fd, target);
    const isSourceMissing = !bindSource(sockets, fd, target);
    sockets.connect(fd, encodeIpSocketAddress(target.address, target.port, target.scopeId));
    return { fd, isSourceMissing };
  } catch (error) {
    sockets.close(fd);
    throw error;
  }
}

/** `struct tcp_md5sig` (216 octets): the peer's address and the key. Throws on a key of 0 or more than 80 octets. */
export function encodeMd5Signature(peer: IpAddress, password: string): Buffer {
  const key = Buffer.from(password, "utf8");
  if (key.length === 0 || key.length > MAX_MD5_KEY_OCTETS) {
    throw new Error(
      `the password must have 1 to ${MAX_MD5_KEY_OCTETS} octets, it has ${key.length}`,
    );
  }
  const bytes = Buffer.alloc(MD5_OCTETS);
  bytes.set(encodeIpSocketAddress(peer, 0), 0);
  bytes.writeUInt16LE(key.length, MD5_KEY_LENGTH_OFFSET);
  bytes.set(key, MD5_KEY_OFFSET);
  return bytes;
}

function setCommonOptions(sockets: Sockets, fd: number, target: TransportTarget): void {
  sockets.setIntOption(fd, SOL_SOCKET, SO_PRIORITY, CONTROL_PRIORITY);
  sockets.setIntOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  sockets.setIntOption(fd, IPPROTO_TCP, TCP_SYNCNT, SYN_RETRIES);
  if (target.userTimeoutMs > 0) {
    sockets.setIntOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, target.userTimeoutMs);
  }
  if (target.device !== undefined) bindToDevice(sockets, fd, target.device);
  if (target.password !== undefined) {
    const signature = encodeMd5Signature(target.address, target.password);
    sockets.setOption(fd, IPPROTO_TCP, TCP_MD5SIG, signature);
  }
}

function bindToDevice(sockets: Sockets, fd: number, device: string): void {
  const name = Buffer.from(`${device}\0`, "utf8");
  const noDevice = `this node has no device ${device}`;
  if (name.length > MAX_DEVICE_NAME_OCTETS + 1) throw new Error(noDevice);
  try {
    sockets.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, name);
  } catch (error) {
    const isMissing = error instanceof SystemError && error.errno === Errno.ENODEV;
    throw isMissing ? new Error(noDevice, { cause: error }) : error;
  }
}

function setIpv4Options(sockets: Sockets, fd: number, { minimumTtl }: TransportTarget): void {
  sockets.setIntOption(fd, IPPROTO_IP, IP_TTL, TTL);
  sockets.setIntOption(fd, IPPROTO_IP, IP_TOS, CLASS_CS6);
  if (minimumTtl !== undefined) sockets.setIntOption(fd, IPPROTO_IP, IP_MINTTL, minimumTtl);
}

function setIpv6Options(sockets: Sockets, fd: number, { minimumTtl }: TransportTarget): void {
  sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, TTL);
  sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_TCLASS, CLASS_CS6);
  if (minimumTtl !== undefined) {
    sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, minimumTtl);
  }
}

/** False when this node does not have the address. */
function bindSource(sockets: Sockets, fd: number, target: TransportTarget): boolean {
  const { sourceAddress, address } = target;
  if (sourceAddress === undefined) return true;
  if (sourceAddress.family !== address.family) return false;
  // The port is chosen when connecting, so that one address carries more than one port range of sessions.
  sockets.setIntOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  try {
    sockets.bind(fd, encodeIpSocketAddress(sourceAddress, 0));
    return true;
  } catch (error) {
    if (error instanceof SystemError && error.errno === Errno.EADDRNOTAVAIL) return false;
    throw error;
  }
}
