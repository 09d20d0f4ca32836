/**
 * An echo as it crosses the wire (RFC 5881 §4): an Ethernet frame to the peer that holds an IPv4 packet from this node to itself,
 * so that the peer's forwarding returns it, one hop older. The payload is a local matter; this is FRR's form:
 *
 * ```
 *  0         14      34    42        43       44         46                 50        58       66
 * +----------+-------+-----+---------+--------+----------+------------------+---------+--------+
 * | Ethernet | IPv4  | UDP | version | length | reserved | my discriminator | seconds | µs     |
 * +----------+-------+-----+---------+--------+----------+------------------+---------+--------+
 * ```
 */
import {
  ETHERNET_DESTINATION_OFFSET,
  ETHERNET_HEADER_LENGTH_OCTETS,
  ETHERNET_SOURCE_OFFSET,
  ETHERNET_TYPE_OFFSET,
  EtherType,
  viewOf,
  writeMac,
} from "../net/ethernet";
import { fromAddressBytes, toAddressBytes, type IpAddress } from "../net/ip-address";
import type { MacAddress } from "../net/mac-address";
import { assert, err, ok, type Result } from "../net/result";
import { BFD_TTL, BFD_VERSION, BfdPort } from "./constants";

export interface BfdEcho {
  /** The sender's own address: source and destination alike. */
  readonly address: IpAddress;
  readonly myDiscriminator: number;
  /** When it was sent, on the sender's clock; whole microseconds are kept. */
  readonly sentMs: number;
}

/** Why a frame is no echo of ours. */
export type EchoProblem = "echoTruncated" | "echoUnsupported";

const IPV4_OFFSET = ETHERNET_HEADER_LENGTH_OCTETS;
const IPV4_OCTETS = 20;
const UDP_OFFSET = IPV4_OFFSET + IPV4_OCTETS;
const UDP_OCTETS = 8;
const PAYLOAD_OFFSET = UDP_OFFSET + UDP_OCTETS;
const PAYLOAD_OCTETS = 24;
const ECHO_FRAME_OCTETS = PAYLOAD_OFFSET + PAYLOAD_OCTETS;
const VERSION_AND_HEADER_LENGTH = 0x45;
const DO_NOT_FRAGMENT = 0x4000;
const FRAGMENT_BITS = 0x3fff;
const CLASS_CS6 = 0xc0;
const PROTOCOL_UDP = 17;

/** The frame's 66 octets, to be sent by the interface of `source` to the peer at `destination`. IPv4 alone. */
export function encodeEchoFrame(
  echo: BfdEcho,
  link: { readonly source: MacAddress; readonly destination: MacAddress },
): Uint8Array {
  assert(echo.address.family === "ipv4", "echoes are IPv4");
  const bytes = new Uint8Array(ECHO_FRAME_OCTETS);
  const view = viewOf(bytes);
  writeMac(view, ETHERNET_DESTINATION_OFFSET, link.destination);
  writeMac(view, ETHERNET_SOURCE_OFFSET, link.source);
  view.setUint16(ETHERNET_TYPE_OFFSET, EtherType.ipv4);
  const address = toAddressBytes(echo.address);
  view.setUint8(IPV4_OFFSET, VERSION_AND_HEADER_LENGTH);
  view.setUint8(IPV4_OFFSET + 1, CLASS_CS6);
  view.setUint16(IPV4_OFFSET + 2, IPV4_OCTETS + UDP_OCTETS + PAYLOAD_OCTETS);
  view.setUint16(IPV4_OFFSET + 6, DO_NOT_FRAGMENT);
  view.setUint8(IPV4_OFFSET + 8, BFD_TTL);
  view.setUint8(IPV4_OFFSET + 9, PROTOCOL_UDP);
  bytes.set(address, IPV4_OFFSET + 12);
  bytes.set(address, IPV4_OFFSET + 16);
  view.setUint16(IPV4_OFFSET + 10, checksum(view, IPV4_OFFSET, IPV4_OCTETS));
  view.setUint16(UDP_OFFSET, BfdPort.echo);
  view.setUint16(UDP_OFFSET + 2, BfdPort.echo);
  view.setUint16(UDP_OFFSET + 4, UDP_OCTETS + PAYLOAD_OCTETS);
  // Checksum 0: none (RFC 768). The discriminator and the time vouch for the payload.
  writePayload(view, echo);
  return bytes;
}

/** Decodes a frame whose IPv4 packet goes to its own sender. Total; the value does not alias `bytes`. */
export function decodeEchoFrame(bytes: Uint8Array): Result<BfdEcho, EchoProblem> {
  if (bytes.length < ECHO_FRAME_OCTETS) return err("echoTruncated");
  const view = viewOf(bytes);
  const isEcho =
    view.getUint16(ETHERNET_TYPE_OFFSET) === EtherType.ipv4 &&
    view.getUint8(IPV4_OFFSET) === VERSION_AND_HEADER_LENGTH &&
    (view.getUint16(IPV4_OFFSET + 6) & FRAGMENT_BITS) === 0 &&
    view.getUint8(IPV4_OFFSET + 9) === PROTOCOL_UDP &&
    view.getUint32(IPV4_OFFSET + 12) === view.getUint32(IPV4_OFFSET + 16) &&
    view.getUint16(UDP_OFFSET + 2) === BfdPort.echo &&
    view.getUint8(PAYLOAD_OFFSET) === BFD_VERSION &&
    view.getUint8(PAYLOAD_OFFSET + 1) === PAYLOAD_OCTETS;
  if (!isEcho) return err("echoUnsupported");
  const seconds = Number(view.getBigUint64(PAYLOAD_OFFSET + 8));
  const microseconds = Number(view.getBigUint64(PAYLOAD_OFFSET + 16));
  return ok({
    address: fromAddressBytes(bytes.subarray(IPV4_OFFSET + 12, IPV4_OFFSET + 16)),
    myDiscriminator: view.getUint32(PAYLOAD_OFFSET + 4),
    sentMs: seconds * 1_000 + microseconds / 1_000,
  });
}

function writePayload(view: DataView, { myDiscriminator, sentMs }: BfdEcho): void {
  const sentUs = Math.floor(sentMs * 1_000);
  view.setUint8(PAYLOAD_OFFSET, BFD_VERSION);
  view.setUint8(PAYLOAD_OFFSET + 1, PAYLOAD_OCTETS);
  view.setUint32(PAYLOAD_OFFSET + 4, myDiscriminator);
  view.setBigUint64(PAYLOAD_OFFSET + 8, BigInt(Math.floor(sentUs / 1_000_000)));
  view.setBigUint64(PAYLOAD_OFFSET + 16, BigInt(sentUs % 1_000_000));
}

/** RFC 1071, over an even number of octets whose checksum field is 0. */
function checksum(view: DataView, offset: number, octets: number): number {
  let sum = 0;
  for (let index = 0; index < octets; index += 2) sum += view.getUint16(offset + index);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
