/** Numbers and offsets of ARP over Ethernet and IPv4 (RFC 826; registries of RFC 5494). Offsets count from the Ethernet header. */
import { ETHERNET_HEADER_LENGTH_OCTETS } from "../net/ethernet";

const ARP_LENGTH_OCTETS = 28;
export const ARP_FRAME_LENGTH_OCTETS = ETHERNET_HEADER_LENGTH_OCTETS + ARP_LENGTH_OCTETS;

export const HardwareType = { ethernet: 1 } as const;
export const ArpOperation = { request: 1, reply: 2 } as const;
export type ArpOperation = (typeof ArpOperation)[keyof typeof ArpOperation];

export const HARDWARE_ADDRESS_LENGTH_OCTETS = 6;
export const PROTOCOL_ADDRESS_LENGTH_OCTETS = 4;

export const ArpOffset = {
  hardwareType: 14,
  protocolType: 16,
  hardwareLength: 18,
  protocolLength: 19,
  operation: 20,
  senderHardwareAddress: 22,
  senderProtocolAddress: 28,
  targetHardwareAddress: 32,
  targetProtocolAddress: 38,
} as const;
