/** The BGP Identifier of a node (RFC 6286: any number but 0, unique within the AS). */
import type { IpAddress } from "../net/ip-address";

export interface IdentifierSources {
  /** `routerID` of the BGPPeer. */
  readonly routerId: IpAddress | undefined;
  /** The Node's InternalIP. */
  readonly nodeIpv4: IpAddress | undefined;
  /** Of the interface that owns the session's local address. */
  readonly interfaceIpv4: IpAddress | undefined;
  readonly nodeName: string;
}

/** The first IPv4 address there is, in the order of the fields; else a number that only depends on the node's name. Never 0. */
export function chooseBgpIdentifier(sources: IdentifierSources): number {
  for (const address of [sources.routerId, sources.nodeIpv4, sources.interfaceIpv4]) {
    if (address?.family === "ipv4" && address.value !== 0n) return Number(address.value);
  }
  return identifierOfName(sources.nodeName);
}

/** CRC-32 (IEEE 802.3) of the UTF-8 name, octets reversed: what MetalLB gives nodes without an IPv4 address. */
export function identifierOfName(name: string): number {
  let crc = 0xffff_ffff;
  for (const octet of new TextEncoder().encode(name)) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
  }
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, ~crc >>> 0, true);
  return view.getUint32(0) || 1;
}

const CRC_POLYNOMIAL = 0xedb8_8320;
