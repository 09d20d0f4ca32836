/**
 * Prefixes as UPDATE carries them (RFC 4271 §4.3 (b), RFC 4760 §5): one octet with the length in bits, then as few octets as
 * hold that many bits. Bits beyond the length are ignored on receipt and zero on sending.
 */
import { addressBits, type IpFamily } from "../../net/ip-address";
import type { IpPrefix } from "../../net/ip-prefix";
import { assert, err, ok, type Result } from "../../net/result";

/** Which rule the field breaks: a length above the family's, or octets missing after the length. */
export type NlriError = "length-too-large" | "truncated";

/** The prefix as one NLRI entry of 1 + ⌈lengthBits / 8⌉ octets. */
export function encodePrefix(prefix: IpPrefix): Uint8Array {
  const bits = addressBits(prefix.family);
  assert(prefix.lengthBits >= 0 && prefix.lengthBits <= bits, `/${prefix.lengthBits}`);
  const octets = new Uint8Array(1 + Math.ceil(prefix.lengthBits / 8));
  octets[0] = prefix.lengthBits;
  let rest = prefix.value >> BigInt(bits - 8 * (octets.length - 1));
  for (let index = octets.length - 1; index > 0; index -= 1) {
    octets[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return octets;
}

/** The number of prefixes in a whole NLRI field, without building them: cost is one step per prefix. */
export function countPrefixes(family: IpFamily, octets: Uint8Array): Result<number, NlriError> {
  const bits = addressBits(family);
  let count = 0;
  let offset = 0;
  while (offset < octets.length) {
    const lengthBits = octets[offset] ?? 0;
    if (lengthBits > bits) return err("length-too-large");
    offset += 1 + ((lengthBits + 7) >> 3);
    if (offset > octets.length) return err("truncated");
    count += 1;
  }
  return ok(count);
}

/** Every prefix of a whole NLRI field, in order. Errors as `countPrefixes`. */
export function decodePrefixes(
  family: IpFamily,
  octets: Uint8Array,
): Result<readonly IpPrefix[], NlriError> {
  const counted = countPrefixes(family, octets);
  if (!counted.ok) return counted;
  const prefixes: IpPrefix[] = [];
  let offset = 0;
  while (offset < octets.length) {
    const lengthBits = octets[offset] ?? 0;
    const end = offset + 1 + ((lengthBits + 7) >> 3);
    prefixes.push(toIpPrefix(family, lengthBits, octets.subarray(offset + 1, end)));
    offset = end;
  }
  return ok(prefixes);
}

function toIpPrefix(family: IpFamily, lengthBits: number, octets: Uint8Array): IpPrefix {
  let value = 0n;
  for (const octet of octets) value = (value << 8n) | BigInt(octet);
  const unused = BigInt(8 * octets.length - lengthBits);
  const hostBits = BigInt(addressBits(family) - lengthBits);
  return { family, value: (value >> unused) << hostBits, lengthBits };
}
