/** The ICMPv6 checksum (RFC 4443 §2.3, RFC 1071): one's complement sum over pseudo header and message. */
import { ICMPV6_OFFSET, IPPROTO_ICMPV6, NdpOffset } from "./constants";

/**
 * The checksum of the ICMPv6 message of `lengthOctets` in the frame, as it would have to stand there if its checksum field is
 * zero now; 0 when the field holds the right value already.
 */
export function checksumIcmpv6(frame: DataView, lengthOctets: number): number {
  // Source and destination address stand one after the other and are summed as they are.
  let sum = lengthOctets + IPPROTO_ICMPV6 + sumWords(frame, NdpOffset.source, ICMPV6_OFFSET);
  const end = ICMPV6_OFFSET + lengthOctets;
  sum += sumWords(frame, ICMPV6_OFFSET, end - (lengthOctets % 2));
  if (lengthOctets % 2 === 1) sum += frame.getUint8(end - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function sumWords(frame: DataView, start: number, end: number): number {
  let sum = 0;
  for (let offset = start; offset < end; offset += 2) sum += frame.getUint16(offset);
  return sum;
}
