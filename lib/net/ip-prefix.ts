/** Prefixes (CIDR) and ranges of addresses. A range is a pair of ends; its prefixes are computed, never its addresses. */
import {
  addressBits,
  formatIpAddress,
  parseIpAddress,
  type IpAddress,
  type IpFamily,
} from "./ip-address";
import { err, ok, type Result } from "./result";

/** `value` has no bit set beyond `lengthBits`. */
export interface IpPrefix {
  readonly family: IpFamily;
  readonly value: bigint;
  readonly lengthBits: number;
}

/** All addresses from `first` to `last`, both included; `first` is not after `last`. */
export interface IpRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/** What is wrong with the text of a prefix or range; `text` is the offending part. */
export interface RangeParseError {
  readonly code: "not-a-range" | "bad-length" | "ends-reversed" | "mixed-families";
  readonly text: string;
}

/**
 * Parses what a pool's `addresses` entry may hold: `addr/len` (host bits are masked away), `first-last` (blanks around both
 * ends), or a bare address (its own range). An IPv4-mapped prefix of 96 bits or more is the IPv4 prefix.
 */
export function parseIpRange(text: string): Result<IpRange, RangeParseError> {
  if (text.includes("/")) {
    const prefix = parseIpPrefix(text.trim());
    return prefix.ok ? ok(toIpRange(prefix.value)) : prefix;
  }
  const dash = text.indexOf("-");
  const first = parseIpAddress((dash < 0 ? text : text.slice(0, dash)).trim());
  const last = dash < 0 ? first : parseIpAddress(text.slice(dash + 1).trim());
  if (!first.ok || !last.ok) return err({ code: "not-a-range", text });
  if (first.value.family !== last.value.family) return err({ code: "mixed-families", text });
  if (first.value.value > last.value.value) return err({ code: "ends-reversed", text });
  return ok({ family: first.value.family, first: first.value.value, last: last.value.value });
}

/** Parses `addr/len`; host bits are masked away. Errors: `not-a-range`, `bad-length`. */
export function parseIpPrefix(text: string): Result<IpPrefix, RangeParseError> {
  const slash = text.indexOf("/");
  if (slash < 0 || text.includes("/", slash + 1)) return err({ code: "not-a-range", text });
  const [addressText, lengthText] = [text.slice(0, slash), text.slice(slash + 1)];
  const address = parseIpAddress(addressText);
  if (!address.ok) return err({ code: "not-a-range", text });
  if (!/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return err({ code: "bad-length", text });
  const isMapped = address.value.family === "ipv4" && addressText.includes(":");
  const lengthBits = Number(lengthText) - (isMapped ? 96 : 0);
  if (lengthBits < 0 || lengthBits > addressBits(address.value.family)) {
    return err({ code: "bad-length", text });
  }
  return ok(toPrefix(address.value, lengthBits));
}

/** The prefix of `lengthBits` that contains the address. */
export function toPrefix(address: IpAddress, lengthBits: number): IpPrefix {
  const hostBits = addressBits(address.family) - lengthBits;
  if (hostBits === 0) return { family: address.family, value: address.value, lengthBits };
  const hostMask = HOST_MASKS[hostBits] ?? 0n;
  return { family: address.family, value: address.value & ~hostMask, lengthBits };
}

/** First to last address of the prefix; network and broadcast addresses count. */
export function toIpRange(prefix: IpPrefix): IpRange {
  const hostMask = HOST_MASKS[addressBits(prefix.family) - prefix.lengthBits] ?? 0n;
  return { family: prefix.family, first: prefix.value, last: prefix.value | hostMask };
}

/** For each number of host bits the value that has all of them set. */
const HOST_MASKS: readonly bigint[] = Array.from(
  { length: 129 },
  (_, bits) => (1n << BigInt(bits)) - 1n,
);

/** The minimal list of aligned prefixes that make up the range, ascending: at most 2 × 128 of them. */
export function toPrefixes(range: IpRange): readonly IpPrefix[] {
  const bits = addressBits(range.family);
  const prefixes: IpPrefix[] = [];
  let next = range.first;
  while (next <= range.last) {
    let hostBits = 0;
    while (hostBits < bits && fitsAligned(next, hostBits + 1, range.last)) hostBits += 1;
    prefixes.push({ family: range.family, value: next, lengthBits: bits - hostBits });
    next += 1n << BigInt(hostBits);
  }
  return prefixes;
}

export function rangeContains(range: IpRange, address: IpAddress): boolean {
  return (
    range.family === address.family && range.first <= address.value && address.value <= range.last
  );
}

export function rangesOverlap(left: IpRange, right: IpRange): boolean {
  return left.family === right.family && left.first <= right.last && right.first <= left.last;
}

/** Text as a user would write it: one address, `addr/len` when aligned, else `first-last`. */
export function formatIpRange(range: IpRange): string {
  const first = formatIpAddress({ family: range.family, value: range.first });
  if (range.first === range.last) return first;
  const [only, ...more] = toPrefixes(range);
  if (only !== undefined && more.length === 0) return formatIpPrefix(only);
  return `${first}-${formatIpAddress({ family: range.family, value: range.last })}`;
}

export function formatIpPrefix(prefix: IpPrefix): string {
  return `${formatIpAddress(prefix)}/${prefix.lengthBits}`;
}

function fitsAligned(first: bigint, hostBits: number, last: bigint): boolean {
  const size = 1n << BigInt(hostBits);
  return (first & (size - 1n)) === 0n && first + size - 1n <= last;
}
