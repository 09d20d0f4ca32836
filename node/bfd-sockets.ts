/** UDP sockets of BFD: a listener for each family, port and VRF, and a sender with a source port of its own for each session. */
import { BFD_SOURCE_PORTS, BFD_TTL, BfdPort } from "../lib/bfd/constants";
import type { BfdSessionConfiguration } from "../lib/bfd/session-table";
import type { IpAddress, IpFamily } from "../lib/net/ip-address";
import { BFD_RECEIVE_OCTETS, BFD_SENDER_OCTETS, BFD_SOURCE_PORT_ATTEMPTS } from "./limits";
import {
  AddressFamily,
  CLASS_CS6,
  CONTROL_PRIORITY,
  Errno,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  IP_PKTINFO,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  SOL_SOCKET,
  SO_BINDTODEVICE,
  SO_PRIORITY,
  SO_RCVBUF,
  SO_REUSEADDR,
  SocketType,
} from "./linux";
import { encodeIpSocketAddress } from "./socket-address";
import { SystemError, type Sockets } from "./sockets";

/** Which datagrams a listener gets. */
export interface BfdListenerKind {
  readonly family: IpFamily;
  readonly isMultiHop: boolean;
  /** The device it is bound to; empty: any that no other listener is bound to. */
  readonly vrf: string;
}

export interface BfdListener extends BfdListenerKind {
  readonly fd: number;
}

const ANY: Readonly<Record<IpFamily, IpAddress>> = {
  ipv4: { family: "ipv4", value: 0n },
  ipv6: { family: "ipv6", value: 0n },
};

/** The listener that a session needs. */
export function toListenerKind(session: BfdSessionConfiguration): BfdListenerKind {
  return { family: session.peer.family, isMultiHop: session.isMultiHop, vrf: session.vrf };
}

export function toListenerText({ family, isMultiHop, vrf }: BfdListenerKind): string {
  return `${family} ${isMultiHop ? BfdPort.multihopControl : BfdPort.singleHopControl} ${vrf}`;
}

/** Throws `SystemError`: EADDRINUSE when another BFD daemon has the port, ENODEV when the device is not there. */
export function openBfdListener(sockets: Sockets, kind: BfdListenerKind): BfdListener {
  const { family, isMultiHop, vrf } = kind;
  const fd = openUdp(sockets, family, vrf);
  try {
    if (family === "ipv4") {
      sockets.setIntOption(fd, IPPROTO_IP, IP_RECVTTL, 1);
      sockets.setIntOption(fd, IPPROTO_IP, IP_PKTINFO, 1);
    } else {
      sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
      sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    sockets.setIntOption(fd, SOL_SOCKET, SO_RCVBUF, BFD_RECEIVE_OCTETS);
    // Beside a listener for all devices, one for a single device has to share its port.
    if (vrf !== "") sockets.setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const port = isMultiHop ? BfdPort.multihopControl : BfdPort.singleHopControl;
    sockets.bind(fd, encodeIpSocketAddress(ANY[family], port));
    // Only after the bind: another daemon on the port has been noticed by now.
    if (vrf === "") sockets.setIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return { ...kind, fd };
  } catch (error) {
    sockets.close(fd);
    throw error;
  }
}

/** The sending side of one session. */
export class BfdSender {
  readonly #sockets: Sockets;
  readonly #fd: number;
  readonly #destination: Buffer;

  /**
   * `interfaceIndex` is the scope of link-local addresses, else 0. `random` gives numbers from 0 up to 1. Throws `SystemError`:
   * EADDRNOTAVAIL while the local address is not there, EADDRINUSE when no source port is free.
   */
  constructor(
    sockets: Sockets,
    session: BfdSessionConfiguration,
    interfaceIndex: number,
    random: () => number,
  ) {
    const { peer, local = ANY[peer.family], vrf, isMultiHop } = session;
    this.#sockets = sockets;
    this.#fd = openUdp(sockets, peer.family, vrf);
    const port = isMultiHop ? BfdPort.multihopControl : BfdPort.singleHopControl;
    this.#destination = encodeIpSocketAddress(peer, port, interfaceIndex);
    try {
      setSendingOptions(sockets, this.#fd, peer.family);
      this.#bindSourcePort(local, interfaceIndex, random);
    } catch (error) {
      sockets.close(this.#fd);
      throw error;
    }
  }

  /** False when the kernel did not take the packet. */
  send(octets: Uint8Array): boolean {
    return this.#sockets.sendTo(this.#fd, octets, this.#destination) === octets.length;
  }

  close(): void {
    this.#sockets.close(this.#fd);
  }

  /** RFC 5881 §4: from the upper ports, the same for all packets of a session, another for each session. */
  #bindSourcePort(local: IpAddress, interfaceIndex: number, random: () => number): void {
    const count = BFD_SOURCE_PORTS.last - BFD_SOURCE_PORTS.first + 1;
    for (let attempt = 1; ; attempt += 1) {
      const port = BFD_SOURCE_PORTS.first + Math.floor(random() * count);
      try {
        this.#sockets.bind(this.#fd, encodeIpSocketAddress(local, port, interfaceIndex));
        return;
      } catch (error) {
        const isTaken = error instanceof SystemError && error.errno === Errno.EADDRINUSE;
        if (!isTaken || attempt >= BFD_SOURCE_PORT_ATTEMPTS) throw error;
      }
    }
  }
}

function openUdp(sockets: Sockets, family: IpFamily, device: string): number {
  const domain = family === "ipv4" ? AddressFamily.inet : AddressFamily.inet6;
  const fd = sockets.open(domain, SocketType.datagram, 0);
  try {
    if (family === "ipv6") sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (device !== "") {
      sockets.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
    }
    return fd;
  } catch (error) {
    sockets.close(fd);
    throw error;
  }
}

function setSendingOptions(sockets: Sockets, fd: number, family: IpFamily): void {
  if (family === "ipv4") {
    sockets.setIntOption(fd, IPPROTO_IP, IP_TTL, BFD_TTL);
    sockets.setIntOption(fd, IPPROTO_IP, IP_TOS, CLASS_CS6);
  } else {
    sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, BFD_TTL);
    sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_TCLASS, CLASS_CS6);
  }
  sockets.setIntOption(fd, SOL_SOCKET, SO_PRIORITY, CONTROL_PRIORITY);
  // Nothing is ever read here; what somebody sends to the source port shall not pile up.
  sockets.setIntOption(fd, SOL_SOCKET, SO_RCVBUF, BFD_SENDER_OCTETS);
}
