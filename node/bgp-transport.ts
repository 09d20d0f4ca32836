/** What a BGP session needs of TCP: the port between sessions and sockets, so that sessions run on a simulated network too. */
import type { IpAddress } from "../lib/net/ip-address";

/** Where a connection goes and how. */
export interface TransportTarget {
  readonly address: IpAddress;
  readonly port: number;
  /** Interface index of a link-local address. */
  readonly scopeId: number | undefined;
  /** A VRF or other device to be bound to. */
  readonly device: string | undefined;
  /** Left to the kernel if absent. */
  readonly sourceAddress: IpAddress | undefined;
  /** TCP MD5 key, at most 80 octets. */
  readonly password: string | undefined;
  /** Smallest TTL or hop limit that is accepted. */
  readonly minimumTtl: number | undefined;
  /** How long the kernel waits for an acknowledgement; 0 leaves it to the kernel. */
  readonly userTimeoutMs: number;
}

/** Told by a transport, never from inside a call to it. After `close` nothing but `gone`. */
export interface TransportEvents {
  connected(): void;
  /** The octets may change after the call. */
  octets(octets: Uint8Array): void;
  /** The kernel took octets. */
  progress(unsentOctets: number): void;
  /** Refused, timed out, reset or closed by the peer; it closes itself. */
  failed(words: string): void;
  /** Closed, and whatever was to be written is written or lost. */
  gone(): void;
}

export interface Transport {
  /** The target's source address is not this node's: the kernel chose one. */
  readonly isSourceMissing: boolean;
  /** Without scope; undefined before `connected`. */
  readonly localAddress: IpAddress | undefined;
  /** Octets written here that the kernel has not taken. */
  readonly unsentOctets: number;
  write(octets: Uint8Array): void;
  /** After what was written, but within a second; with `isAbort` at once by RST. */
  close(isAbort: boolean): void;
}

/** Begins to connect. Throws an `Error` whose message says why when that is not possible at all. */
export type OpenTransport = (target: TransportTarget, events: TransportEvents) => Transport;
