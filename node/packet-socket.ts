/** An AF_PACKET socket for one EtherType on one interface: whole Ethernet frames in and out. */
import {
  AddressFamily,
  CONTROL_PRIORITY,
  Errno,
  PACKET_IGNORE_OUTGOING,
  SOL_PACKET,
  SOL_SOCKET,
  SO_PRIORITY,
  SO_RCVBUF,
  SocketType,
} from "./linux";
import { PACKET_RECEIVE_OCTETS } from "./limits";
import { encodePacketSocketAddress } from "./socket-address";
import { SystemError, type Sockets } from "./sockets";

export interface PacketSocketOptions {
  readonly interfaceIndex: number;
  readonly etherType: number;
  /** BPF program; in force before the first frame can arrive. */
  readonly filter: Uint8Array;
}

export class PacketSocket {
  readonly fd: number;
  readonly #sockets: Sockets;

  /** Throws `SystemError`: EPERM without CAP_NET_RAW, ENODEV when the interface is gone. */
  constructor(sockets: Sockets, options: PacketSocketOptions) {
    this.#sockets = sockets;
    // Protocol 0 receives nothing: filter first, or frames from before the filter wait in the queue.
    this.fd = sockets.open(AddressFamily.packet, SocketType.raw, 0);
    try {
      this.setFilter(options.filter);
      sockets.setIntOption(this.fd, SOL_SOCKET, SO_RCVBUF, PACKET_RECEIVE_OCTETS);
      sockets.setIntOption(this.fd, SOL_SOCKET, SO_PRIORITY, CONTROL_PRIORITY);
      sockets.setIntOption(this.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
      sockets.bind(this.fd, encodePacketSocketAddress(options.interfaceIndex, options.etherType));
    } catch (error) {
      sockets.close(this.fd);
      throw error;
    }
  }

  setFilter(program: Uint8Array): void {
    this.#sockets.attachFilter(this.fd, program);
  }

  /** Octets of the next frame, or -errno. */
  receive(buffer: Uint8Array): number {
    return this.#sockets.receive(this.fd, buffer);
  }

  /** False when the kernel did not take the frame. */
  send(frame: Uint8Array): boolean {
    return this.#sockets.send(this.fd, frame) === frame.length;
  }

  close(): void {
    this.#sockets.close(this.fd);
  }
}

/** Opens and closes a packet socket, for the sentence that it gives when that is not allowed. */
export function requirePacketSockets(sockets: Sockets): void {
  try {
    sockets.close(sockets.open(AddressFamily.packet, SocketType.raw, 0));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const isForbidden = error.errno === Errno.EPERM || error.errno === Errno.EACCES;
    const hint = isForbidden
      ? "the speaker needs the capability NET_RAW (securityContext.capabilities.add) and must run as root"
      : "the kernel has no packet sockets (CONFIG_PACKET)";
    throw new Error(`ARP and NDP cannot be answered (${error.code}): ${hint}`, { cause: error });
  }
}
