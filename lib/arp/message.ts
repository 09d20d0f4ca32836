/**
 * ARP over Ethernet and IPv4 (RFC 826), as whole Ethernet frames: bytes ↔ values. The responder reads frames without
 * making values of them; this codec serves announcements, tests and whatever looks at a frame in detail.
 *
 * ```
 *  0               1               2               3
 * +---------------+---------------+---------------+---------------+
 * | hardware type (1)             | protocol type (0x0800)        |  at 14 of the frame
 * +---------------+---------------+---------------+---------------+
 * | hlen (6)      | plen (4)      | operation                     |
 * +---------------+---------------+---------------+---------------+
 * | sender hardware address (6), sender protocol address (4),     |
 * | target hardware address (6), target protocol address (4)      |
 * +---------------------------------------------------------------+
 * ```
 */
import {
  ETHERNET_DESTINATION_OFFSET,
  ETHERNET_SOURCE_OFFSET,
  ETHERNET_TYPE_OFFSET,
  EtherType,
  readMac,
  viewOf,
  writeMac,
} from "../net/ethernet";
import type { IpAddress } from "../net/ip-address";
import type { MacAddress } from "../net/mac-address";
import { assert, err, ok, type Result } from "../net/result";
import {
  ARP_FRAME_LENGTH_OCTETS,
  ArpOffset,
  ArpOperation,
  HARDWARE_ADDRESS_LENGTH_OCTETS,
  HardwareType,
  PROTOCOL_ADDRESS_LENGTH_OCTETS,
} from "./constants";

/** One ARP packet and the Ethernet addresses around it. Protocol addresses are IPv4. */
export interface ArpFrame {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly operation: ArpOperation;
  readonly senderHardwareAddress: MacAddress;
  readonly senderProtocolAddress: IpAddress;
  readonly targetHardwareAddress: MacAddress;
  readonly targetProtocolAddress: IpAddress;
}

export type ArpDecodeError =
  | { readonly code: "truncated"; readonly haveOctets: number }
  | {
      readonly code: "unsupported";
      readonly field:
        | "EtherType"
        | "hardware type"
        | "protocol type"
        | "hardware length"
        | "protocol length"
        | "operation";
      readonly value: number;
    };

/**
 * Decodes one Ethernet frame with an ARP packet: 42 octets, later octets are padding.
 * Total: any input gives a value or an error, never a throw. The value does not alias `bytes`.
 * Errors: `truncated` (fewer than 42 octets), `unsupported` (a type, length or operation we do not speak).
 */
export function decodeArpFrame(bytes: Uint8Array): Result<ArpFrame, ArpDecodeError> {
  if (bytes.length < ARP_FRAME_LENGTH_OCTETS) {
    return err({ code: "truncated", haveOctets: bytes.length });
  }
  const view = viewOf(bytes);
  const problem = findUnsupported(view);
  if (problem !== undefined) return err(problem);
  const operation = toArpOperation(view.getUint16(ArpOffset.operation));
  if (operation === undefined) {
    const value = view.getUint16(ArpOffset.operation);
    return err({ code: "unsupported", field: "operation", value });
  }
  return ok({
    destination: readMac(view, ETHERNET_DESTINATION_OFFSET),
    source: readMac(view, ETHERNET_SOURCE_OFFSET),
    operation,
    senderHardwareAddress: readMac(view, ArpOffset.senderHardwareAddress),
    senderProtocolAddress: readIpv4(view, ArpOffset.senderProtocolAddress),
    targetHardwareAddress: readMac(view, ArpOffset.targetHardwareAddress),
    targetProtocolAddress: readIpv4(view, ArpOffset.targetProtocolAddress),
  });
}

/** Encodes the 42 octets of the frame; the driver pads it to Ethernet's minimum. */
export function encodeArpFrame(frame: ArpFrame): Uint8Array {
  const bytes = new Uint8Array(ARP_FRAME_LENGTH_OCTETS);
  const view = viewOf(bytes);
  writeMac(view, ETHERNET_DESTINATION_OFFSET, frame.destination);
  writeMac(view, ETHERNET_SOURCE_OFFSET, frame.source);
  view.setUint16(ETHERNET_TYPE_OFFSET, EtherType.arp);
  view.setUint16(ArpOffset.hardwareType, HardwareType.ethernet);
  view.setUint16(ArpOffset.protocolType, EtherType.ipv4);
  view.setUint8(ArpOffset.hardwareLength, HARDWARE_ADDRESS_LENGTH_OCTETS);
  view.setUint8(ArpOffset.protocolLength, PROTOCOL_ADDRESS_LENGTH_OCTETS);
  view.setUint16(ArpOffset.operation, frame.operation);
  writeMac(view, ArpOffset.senderHardwareAddress, frame.senderHardwareAddress);
  view.setUint32(ArpOffset.senderProtocolAddress, toIpv4Key(frame.senderProtocolAddress));
  writeMac(view, ArpOffset.targetHardwareAddress, frame.targetHardwareAddress);
  view.setUint32(ArpOffset.targetProtocolAddress, toIpv4Key(frame.targetProtocolAddress));
  return bytes;
}

/** The address as the unsigned 32-bit number that stands in packets; an IPv6 address is a bug. */
export function toIpv4Key(address: IpAddress): number {
  assert(address.family === "ipv4", "ARP carries IPv4 addresses");
  return Number(address.value);
}

/** Whether the frame's fixed fields are those of ARP for IPv4 over Ethernet; the operation is not looked at. */
export function isEthernetIpv4Arp(view: DataView): boolean {
  return (
    view.getUint16(ETHERNET_TYPE_OFFSET) === EtherType.arp &&
    view.getUint16(ArpOffset.hardwareType) === HardwareType.ethernet &&
    view.getUint16(ArpOffset.protocolType) === EtherType.ipv4 &&
    view.getUint8(ArpOffset.hardwareLength) === HARDWARE_ADDRESS_LENGTH_OCTETS &&
    view.getUint8(ArpOffset.protocolLength) === PROTOCOL_ADDRESS_LENGTH_OCTETS
  );
}

function findUnsupported(view: DataView): ArpDecodeError | undefined {
  if (isEthernetIpv4Arp(view)) return undefined;
  const fields = [
    ["EtherType", view.getUint16(ETHERNET_TYPE_OFFSET), EtherType.arp],
    ["hardware type", view.getUint16(ArpOffset.hardwareType), HardwareType.ethernet],
    ["protocol type", view.getUint16(ArpOffset.protocolType), EtherType.ipv4],
    ["hardware length", view.getUint8(ArpOffset.hardwareLength), HARDWARE_ADDRESS_LENGTH_OCTETS],
    ["protocol length", view.getUint8(ArpOffset.protocolLength), PROTOCOL_ADDRESS_LENGTH_OCTETS],
  ] as const;
  for (const [field, value, expected] of fields) {
    if (value !== expected) return { code: "unsupported", field, value };
  }
  return undefined;
}

function toArpOperation(value: number): ArpOperation | undefined {
  if (value === ArpOperation.request || value === ArpOperation.reply) return value;
  return undefined;
}

function readIpv4(view: DataView, offset: number): IpAddress {
  return { family: "ipv4", value: BigInt(view.getUint32(offset)) };
}
