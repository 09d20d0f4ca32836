/** Echoes on one interface: whole frames to a peer's MAC address, and those that its forwarding returned. */
import { readFileSync } from "node:fs";
import { BFD_TTL, BfdPort } from "../lib/bfd/constants";
import { EtherType } from "../lib/net/ethernet";
import { parseMacAddress, type MacAddress } from "../lib/net/mac-address";
import { FRAME_OCTETS, FRAMES_PER_TURN } from "./limits";
import { PacketSocket } from "./packet-socket";
import { encodeBpfProgram, type BpfInstruction } from "./socket-filter";
import type { Sockets } from "./sockets";

export class BfdEchoLink {
  readonly #socket: PacketSocket;
  readonly #frame = Buffer.alloc(FRAME_OCTETS);

  /** Throws `SystemError`. */
  constructor(sockets: Sockets, interfaceIndex: number) {
    this.#socket = new PacketSocket(sockets, {
      interfaceIndex,
      etherType: EtherType.ipv4,
      filter: encodeBpfProgram(ECHO_FILTER),
    });
  }

  get fd(): number {
    return this.#socket.fd;
  }

  /** False when the kernel did not take the frame. */
  send(frame: Uint8Array): boolean {
    return this.#socket.send(frame);
  }

  /** Hands out the frames that wait, up to a turn's share; their octets are valid during the call. */
  drain(onFrame: (frame: Uint8Array) => void): void {
    for (let left = FRAMES_PER_TURN; left > 0; left -= 1) {
      const length = this.#socket.receive(this.#frame);
      if (length < 0) return;
      onFrame(this.#frame.subarray(0, length));
    }
  }

  close(): void {
    this.#socket.close();
  }
}

const NEIGHBORS = "/proc/net/arp";
/** The entry is complete: somebody answered. */
const COMPLETE = 0x2;

/** The MAC address by which this node knows an IPv4 neighbor; undefined while it does not. */
export function findNeighborMac(
  address: string,
  interfaceName: string,
  path: string = NEIGHBORS,
): MacAddress | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // A system without IPv4 has no such table.
    return undefined;
  }
  return parseNeighborMac(text, address, interfaceName);
}

/** Columns: IP address, hardware type, flags, hardware address, mask, device. */
export function parseNeighborMac(
  text: string,
  address: string,
  interfaceName: string,
): MacAddress | undefined {
  for (const line of text.split("\n").slice(1)) {
    const [ip, , flags = "0", macText = "", , device] = line.trim().split(/\s+/);
    if (ip !== address || device !== interfaceName) continue;
    const mac = parseMacAddress(macText);
    if (mac.ok && (Number(flags) & COMPLETE) !== 0) return mac.value;
  }
  return undefined;
}

const ACCEPT = 0x40000;

/**
 * IPv4 without options, not a fragment, UDP to the echo port, one hop old (the peer's own echoes, which the kernel returns, are
 * not): `code, jump if true, jump if false, value` of classic BPF.
 */
const ECHO_FILTER: readonly BpfInstruction[] = [
  [0x28, 0, 0, 12],
  [0x15, 0, 11, EtherType.ipv4],
  [0x30, 0, 0, 14],
  [0x15, 0, 9, 0x45],
  [0x30, 0, 0, 22],
  [0x15, 7, 0, BFD_TTL],
  [0x30, 0, 0, 23],
  [0x15, 0, 5, 17],
  [0x28, 0, 0, 20],
  [0x45, 3, 0, 0x1fff],
  [0x28, 0, 0, 36],
  [0x15, 0, 1, BfdPort.echo],
  [0x06, 0, 0, ACCEPT],
  [0x06, 0, 0, 0],
];
