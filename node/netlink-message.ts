/**
 * rtnetlink messages about links and addresses: bytes ↔ values, in host order (little endian). Pure; total on whatever the
 * kernel sends.
 */
import { fromAddressBytes, type IpAddress } from "../lib/net/ip-address";
import type { MacAddress } from "../lib/net/mac-address";
import { AddressFamily } from "./linux";

export const NetlinkGroup = { link: 1, ipv4Address: 0x10, ipv6Address: 0x100 } as const;

/** A network interface as the kernel describes it. */
export interface LinkDescription {
  readonly index: number;
  readonly name: string;
  /** IFF_… bits. */
  readonly flags: number;
  /** ARPHRD_…: 1 is Ethernet. */
  readonly hardwareType: number;
  /** Empty for interfaces without hardware address. */
  readonly mac: MacAddress;
  /** Index of the bond, bridge or VRF it belongs to. */
  readonly masterIndex?: number;
}

export type NetlinkEvent =
  | { readonly type: "link"; readonly link: LinkDescription }
  | { readonly type: "linkGone"; readonly index: number }
  | {
      readonly type: "address";
      readonly index: number;
      readonly address: IpAddress;
      /** Duplicate address detection is under way: it cannot be bound yet. */
      readonly isTentative: boolean;
    }
  | { readonly type: "addressGone"; readonly index: number; readonly address: IpAddress }
  | { readonly type: "done" }
  | { readonly type: "error"; readonly errno: number };

const MessageType = {
  error: 2,
  done: 3,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
} as const;

const HEADER_OCTETS = 16;
const LINK_OCTETS = 16;
const ADDRESS_OCTETS = 8;
const REQUEST_AND_DUMP = 0x301;
const AF_BRIDGE = 7;
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const LinkAttribute = { address: 1, name: 3, master: 10 } as const;
const AddressAttribute = { address: 1, local: 2, flags: 8 } as const;
const IFA_F_TENTATIVE = 0x40;

/** Request to describe every link. */
export function encodeLinkDump(sequence: number): Buffer {
  return encodeDump(MessageType.getLink, LINK_OCTETS, sequence);
}

/** Request to describe every address of both families. */
export function encodeAddressDump(sequence: number): Buffer {
  return encodeDump(MessageType.getAddress, ADDRESS_OCTETS, sequence);
}

/** The events of one datagram, in order; messages of other kinds and what does not parse are passed over. */
export function parseNetlinkMessages(bytes: Buffer): readonly NetlinkEvent[] {
  const events: NetlinkEvent[] = [];
  let offset = 0;
  while (offset + HEADER_OCTETS <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < HEADER_OCTETS || offset + length > bytes.length) break;
    const type = bytes.readUInt16LE(offset + 4);
    const event = parseMessage(type, bytes.subarray(offset + HEADER_OCTETS, offset + length));
    if (event !== undefined) events.push(event);
    offset += align4(length);
  }
  return events;
}

function parseMessage(type: number, payload: Buffer): NetlinkEvent | undefined {
  switch (type) {
    case MessageType.done:
      return { type: "done" };
    case MessageType.error:
      return payload.length < 4 ? undefined : { type: "error", errno: -payload.readInt32LE(0) };
    case MessageType.newLink:
    case MessageType.deleteLink:
      return parseLink(payload, type === MessageType.deleteLink);
    case MessageType.newAddress:
    case MessageType.deleteAddress:
      return parseAddress(payload, type === MessageType.deleteAddress);
    default:
      return undefined;
  }
}

function parseLink(payload: Buffer, isGone: boolean): NetlinkEvent | undefined {
  if (payload.length < LINK_OCTETS) return undefined;
  // A bridge tells about its ports in messages of its own family: not about the links themselves.
  if (payload.readUInt8(0) === AF_BRIDGE) return undefined;
  const index = payload.readInt32LE(4);
  if (isGone) return { type: "linkGone", index };
  const attributes = parseAttributes(payload.subarray(LINK_OCTETS));
  const name = attributes.get(LinkAttribute.name);
  if (name === undefined) return undefined;
  const master = attributes.get(LinkAttribute.master);
  return {
    type: "link",
    link: {
      index,
      name: name.toString("utf8").replace(/\0.*$/s, ""),
      flags: payload.readUInt32LE(8),
      hardwareType: payload.readUInt16LE(2),
      mac: Uint8Array.from(attributes.get(LinkAttribute.address) ?? []),
      ...(master?.length === 4 ? { masterIndex: master.readUInt32LE(0) } : {}),
    },
  };
}

function parseAddress(payload: Buffer, isGone: boolean): NetlinkEvent | undefined {
  if (payload.length < ADDRESS_OCTETS) return undefined;
  const family = payload.readUInt8(0);
  const index = payload.readUInt32LE(4);
  const attributes = parseAttributes(payload.subarray(ADDRESS_OCTETS));
  // On point-to-point links IFA_ADDRESS is the other end, IFA_LOCAL ours.
  const bytes = attributes.get(AddressAttribute.local) ?? attributes.get(AddressAttribute.address);
  if (bytes?.length !== addressOctets(family)) return undefined;
  const address = fromAddressBytes(bytes);
  if (isGone) return { type: "addressGone", index, address };
  const flagBytes = attributes.get(AddressAttribute.flags);
  const flags = flagBytes?.length === 4 ? flagBytes.readUInt32LE(0) : payload.readUInt8(2);
  return { type: "address", index, address, isTentative: (flags & IFA_F_TENTATIVE) !== 0 };
}

function addressOctets(family: number): number {
  if (family === AddressFamily.inet) return 4;
  return family === AddressFamily.inet6 ? 16 : -1;
}

/** The last value of each attribute type; stops at the first attribute that runs over. */
function parseAttributes(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const length = bytes.readUInt16LE(offset);
    if (length < 4 || offset + length > bytes.length) break;
    const type = bytes.readUInt16LE(offset + 2) & ATTRIBUTE_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + 4, offset + length));
    offset += align4(length);
  }
  return attributes;
}

function encodeDump(type: number, bodyOctets: number, sequence: number): Buffer {
  const bytes = Buffer.alloc(HEADER_OCTETS + bodyOctets);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(REQUEST_AND_DUMP, 6);
  bytes.writeUInt32LE(sequence, 8);
  return bytes;
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
