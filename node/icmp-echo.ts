/**
 * ICMP echo requests (RFC 792) to IPv4 hosts through raw-socket, on the main thread: it cannot be loaded in a worker. Loaded when
 * it is first needed.
 */
import { createRequire } from "node:module";
import { formatIpAddress, type IpAddress } from "../lib/net/ip-address";

/** What is used of raw-socket, which has no types of its own. */
interface RawSocketModule {
  readonly Protocol: { readonly ICMP: number };
  createSocket(options: { readonly protocol: number }): RawSocket;
  createChecksum(...parts: readonly Buffer[]): number;
}

interface RawSocket {
  on(event: "message", listener: (packet: Buffer, source: string) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  send(
    buffer: Buffer,
    offset: number,
    length: number,
    address: string,
    done: (error: Error | null) => void,
  ): void;
  close(): void;
}

const IcmpType = { echoReply: 0, echoRequest: 8 } as const;
const ICMP_HEADER_OCTETS = 8;
const MIN_IPV4_HEADER_OCTETS = 20;

export class IcmpEcho {
  readonly #raw: RawSocketModule;
  readonly #socket: RawSocket;
  readonly #identifier: number;
  #sequence = 0;

  /** `onReply` gets the source, as text, of each answer to a request of this object. Throws without CAP_NET_RAW. */
  constructor(identifier: number, onReply: (source: string) => void) {
    this.#raw = createRequire(__filename)("raw-socket") as RawSocketModule;
    this.#identifier = identifier & 0xffff;
    this.#socket = this.#raw.createSocket({ protocol: this.#raw.Protocol.ICMP });
    this.#socket.on("message", (packet, source) => {
      if (isEchoReply(packet, this.#identifier)) onReply(source);
    });
    // Unreachable hosts and the like: that no answer comes says it all.
    this.#socket.on("error", () => undefined);
  }

  /** Sends one request; a failure to send is an answer that does not come. */
  send(address: IpAddress): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const request = encodeEchoRequest(this.#identifier, this.#sequence);
    request.writeUInt16BE(this.#raw.createChecksum(request), 2);
    this.#socket.send(request, 0, request.length, formatIpAddress(address), () => undefined);
  }

  close(): void {
    this.#socket.close();
  }
}

/** Type, code, checksum (zero yet), identifier, sequence number. */
export function encodeEchoRequest(identifier: number, sequence: number): Buffer {
  const request = Buffer.alloc(ICMP_HEADER_OCTETS);
  request.writeUInt8(IcmpType.echoRequest, 0);
  request.writeUInt16BE(identifier, 4);
  request.writeUInt16BE(sequence, 6);
  return request;
}

/** Whether an IPv4 packet is an echo reply with the identifier. Total. */
export function isEchoReply(packet: Buffer, identifier: number): boolean {
  if (packet.length < MIN_IPV4_HEADER_OCTETS) return false;
  const headerOctets = (packet.readUInt8(0) & 0xf) * 4;
  if (headerOctets < MIN_IPV4_HEADER_OCTETS) return false;
  if (packet.length < headerOctets + ICMP_HEADER_OCTETS) return false;
  return (
    packet.readUInt8(headerOctets) === IcmpType.echoReply &&
    packet.readUInt16BE(headerOctets + 4) === identifier
  );
}
