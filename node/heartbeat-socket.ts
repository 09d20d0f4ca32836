/** The UDP sockets of the heartbeats: one for each own address, sealed datagrams in and out. */
import { networkInterfaces } from "node:os";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../lib/net/ip-address";
import { DATAGRAMS_PER_TURN } from "./limits";
import {
  AddressFamily,
  CONTROL_PRIORITY,
  Errno,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_RECVERR,
  IPV6_V6ONLY,
  IP_RECVERR,
  SOL_SOCKET,
  SO_PRIORITY,
  SocketType,
} from "./linux";
import {
  IP_SOCKET_ADDRESS_OCTETS,
  decodeIpSocketAddress,
  encodeIpSocketAddress,
} from "./socket-address";
import { ErrorMessage, SystemError, type Sockets } from "./sockets";

/** Larger than any heartbeat, so that a longer datagram is seen to be longer. */
const DATAGRAM_OCTETS = 2048;
const EVERY_ADDRESS = ["0.0.0.0", "::"];

/** Binding failed: `isTaken` when another program has the port, else the address is not there (yet). */
export interface BindProblem {
  readonly address: string;
  readonly isTaken: boolean;
  readonly code: string;
}

interface BoundSocket {
  readonly fd: number;
  readonly family: IpAddress["family"];
}

interface PeerAddress {
  readonly nodeName: string;
  readonly family: IpAddress["family"];
  readonly socketAddress: Buffer;
}

export class HeartbeatSockets {
  readonly #sockets: Sockets;
  readonly #bound = new Map<string, BoundSocket>();
  readonly #datagram = Buffer.alloc(DATAGRAM_OCTETS);
  readonly #source = Buffer.alloc(IP_SOCKET_ADDRESS_OCTETS);
  readonly #errorMessage: ErrorMessage;
  #wanted: readonly string[] = [];
  #isWildcard = false;
  /** None of the wanted addresses is on this node: every address is spoken from. */
  #isFallback = false;
  #port = 0;
  #peers: readonly PeerAddress[] = [];

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
    this.#errorMessage = new ErrorMessage(sockets);
  }

  /** Descriptors to wait for. */
  get fds(): readonly number[] {
    return [...this.#bound.values()].map(({ fd }) => fd);
  }

  /** Whether an address could not be bound so far. */
  get isIncomplete(): boolean {
    return this.#wanted.some(address => !this.#bound.has(address));
  }

  /** Speaks from the given addresses and port from now on; what is bound already stays. */
  configure(bindAddresses: readonly string[], port: number): readonly BindProblem[] {
    this.#endFallback();
    this.#isWildcard = bindAddresses.length === 0;
    this.#wanted = this.#isWildcard ? EVERY_ADDRESS : bindAddresses;
    for (const [address, { fd }] of this.#bound) {
      if (port === this.#port && this.#wanted.includes(address)) continue;
      this.#sockets.close(fd);
      this.#bound.delete(address);
    }
    this.#port = port;
    return this.bindMissing();
  }

  /** Tries the addresses that are not bound yet: one that was tentative or not configured may be there now. */
  bindMissing(): readonly BindProblem[] {
    if (this.#isFallback && !this.#wanted.some(isOwnAddress)) return [];
    this.#endFallback();
    const problems = this.#bindWanted();
    const isNowhere =
      problems.length > 0 &&
      problems.length === this.#wanted.length &&
      problems.every(({ code }) => code === "EADDRNOTAVAIL");
    // The Node's address is on none of our interfaces (it is translated on the way): better heard from another one than not.
    if (isNowhere) {
      this.#isFallback = true;
      for (const address of EVERY_ADDRESS) this.#bind(address);
    }
    return problems;
  }

  #endFallback(): void {
    if (!this.#isFallback) return;
    this.#isFallback = false;
    for (const address of EVERY_ADDRESS) {
      const bound = this.#bound.get(address);
      if (bound !== undefined) this.#sockets.close(bound.fd);
      this.#bound.delete(address);
    }
  }

  #bindWanted(): readonly BindProblem[] {
    const problems: BindProblem[] = [];
    for (const address of this.#wanted) {
      if (this.#bound.has(address)) continue;
      const problem = this.#bind(address);
      if (problem !== undefined) problems.push(problem);
    }
    return problems;
  }

  /** Replaces the addresses that heartbeats go to; text that is no address is passed over. */
  setPeers(
    peers: readonly { readonly nodeName: string; readonly addresses: readonly string[] }[],
  ): void {
    this.#peers = peers.flatMap(({ nodeName, addresses }) =>
      addresses.flatMap(text => {
        const address = parseIpAddress(text);
        if (!address.ok) return [];
        const { family } = address.value;
        const socketAddress = encodeIpSocketAddress(address.value, this.#port);
        return [{ nodeName, family, socketAddress }];
      }),
    );
  }

  /**
   * Sends the datagram to every address of every peer, or of one, from each own address of that family; how many sends failed.
   */
  send(datagram: Uint8Array, to?: string): number {
    let failures = 0;
    for (const { fd, family } of this.#bound.values()) {
      for (const peer of this.#peers) {
        if (peer.family !== family || (to !== undefined && to !== peer.nodeName)) continue;
        // A refusal that waits fails the next send, whoever it goes to: try again.
        const isSent =
          this.#sockets.sendTo(fd, datagram, peer.socketAddress) >= 0 ||
          this.#sockets.sendTo(fd, datagram, peer.socketAddress) >= 0;
        if (!isSent) failures += 1;
      }
    }
    return failures;
  }

  /**
   * Hands out the refusals (whose address refused) and the datagrams that wait on the descriptor, up to a turn's share; their
   * octets are valid during the call.
   */
  drain(
    fd: number,
    onRefused: (address: string) => void,
    onDatagram: (datagram: Uint8Array, sourceAddress: string) => void,
  ): void {
    for (let left = DATAGRAMS_PER_TURN; left > 0; left -= 1) {
      const isMore = this.#sockets.receiveError(fd, this.#errorMessage);
      if (!isMore) break;
      const refuser = this.#errorMessage.isRefusal
        ? decodeIpSocketAddress(this.#errorMessage.name)
        : undefined;
      if (refuser !== undefined) onRefused(formatIpAddress(refuser));
    }
    for (let left = DATAGRAMS_PER_TURN; left > 0; left -= 1) {
      const length = this.#sockets.receiveFrom(fd, this.#datagram, this.#source);
      if (length === -Errno.EAGAIN) return;
      // Any other error is an ICMP message about an earlier datagram; the next call has the next datagram.
      if (length < 0) continue;
      const source = decodeIpSocketAddress(this.#source);
      if (source === undefined) continue;
      onDatagram(this.#datagram.subarray(0, length), formatIpAddress(source));
    }
  }

  close(): void {
    for (const { fd } of this.#bound.values()) this.#sockets.close(fd);
    this.#bound.clear();
    this.#wanted = [];
  }

  #bind(text: string): BindProblem | undefined {
    const address = parseIpAddress(text);
    if (!address.ok) return { address: text, isTaken: false, code: "not an address" };
    const { family } = address.value;
    let fd: number | undefined;
    try {
      const domain = family === "ipv4" ? AddressFamily.inet : AddressFamily.inet6;
      fd = this.#sockets.open(domain, SocketType.datagram, 0);
      if (family === "ipv6") this.#sockets.setIntOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      this.#sockets.setIntOption(fd, SOL_SOCKET, SO_PRIORITY, CONTROL_PRIORITY);
      const isIpv4 = family === "ipv4";
      this.#sockets.setIntOption(
        fd,
        isIpv4 ? IPPROTO_IP : IPPROTO_IPV6,
        isIpv4 ? IP_RECVERR : IPV6_RECVERR,
        1,
      );
      this.#sockets.bind(fd, encodeIpSocketAddress(address.value, this.#port));
      this.#bound.set(text, { fd, family });
      return undefined;
    } catch (error) {
      if (fd !== undefined) this.#sockets.close(fd);
      if (!(error instanceof SystemError)) throw error;
      return this.#toProblem(text, error);
    }
  }

  #toProblem(address: string, error: SystemError): BindProblem | undefined {
    if (this.#isWildcard && error.errno === Errno.EAFNOSUPPORT) {
      // A host without one of the families speaks the other.
      this.#wanted = this.#wanted.filter(other => other !== address);
      return undefined;
    }
    return { address, isTaken: error.errno === Errno.EADDRINUSE, code: error.code };
  }
}

/** Whether the address, in canonical text, is on an interface of this node. */
function isOwnAddress(text: string): boolean {
  return Object.values(networkInterfaces()).some(addresses =>
    addresses?.some(({ address }) => {
      const parsed = parseIpAddress(address);
      return parsed.ok && formatIpAddress(parsed.value) === text;
    }),
  );
}
