/**
 * IP addresses as values: a family and an unsigned integer. Everything that is compared, searched or counted uses the
 * integer; text exists only at the edges (resources, logs). An IPv4-mapped IPv6 address is that IPv4 address.
 */
import { assert, err, ok, type Result } from "./result";

export type IpFamily = "ipv4" | "ipv6";

export interface IpAddress {
  readonly family: IpFamily;
  /** Unsigned, 0 … 2^32-1 for IPv4 and 0 … 2^128-1 for IPv6. */
  readonly value: bigint;
}

/** What is wrong with the text of an address; `text` is what was given. */
export interface AddressParseError {
  readonly code: "not-an-address";
  readonly text: string;
}

/** Bits of an address of the family: 32 or 128. */
export function addressBits(family: IpFamily): number {
  return family === "ipv4" ? 32 : 128;
}

/** The largest value of an address of the family. */
export function maxAddressValue(family: IpFamily): bigint {
  return (1n << BigInt(addressBits(family))) - 1n;
}

/**
 * Parses IPv4 in dotted decimal without leading zeros, or IPv6 in any form of RFC 4291 §2.2, an embedded IPv4 tail included.
 * Zone suffixes, blanks, host names and empty text are refused. `::ffff:a.b.c.d` gives the IPv4 address a.b.c.d.
 */
export function parseIpAddress(text: string): Result<IpAddress, AddressParseError> {
  if (!text.includes(":")) {
    const value = parseIpv4Value(text);
    return value === undefined ? notAnAddress(text) : ok({ family: "ipv4", value });
  }
  const value = parseIpv6Value(text);
  return value === undefined ? notAnAddress(text) : ok(unmapped(value));
}

/** Canonical text: dotted decimal, or RFC 5952 for IPv6 (lower case, the longest run of two or more zero groups shortened). */
export function formatIpAddress(address: IpAddress): string {
  return address.family === "ipv4" ? formatIpv4(address.value) : formatIpv6(address.value);
}

/** The octets in network order: 4 or 16. */
export function toAddressBytes(address: IpAddress): Uint8Array {
  const bytes = new Uint8Array(addressBits(address.family) / 8);
  let rest = address.value;
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    bytes[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The address of 4 or 16 octets in network order; any other length is a bug. The value does not alias `bytes`. */
export function fromAddressBytes(bytes: Uint8Array): IpAddress {
  assert(bytes.length === 4 || bytes.length === 16, `address of ${bytes.length} octets`);
  let value = 0n;
  for (const octet of bytes) value = (value << 8n) | BigInt(octet);
  return { family: bytes.length === 4 ? "ipv4" : "ipv6", value };
}

/** Order for sorting: IPv4 before IPv6, then by value. */
export function compareAddresses(left: IpAddress, right: IpAddress): number {
  if (left.family !== right.family) return left.family === "ipv4" ? -1 : 1;
  if (left.value === right.value) return 0;
  return left.value < right.value ? -1 : 1;
}

export function isSameAddress(left: IpAddress, right: IpAddress): boolean {
  return left.family === right.family && left.value === right.value;
}

/** fe80::/10 (RFC 4291 §2.5.6): means something on one interface alone. */
export function isLinkLocal({ family, value }: IpAddress): boolean {
  return family === "ipv6" && value >> 118n === LINK_LOCAL_TOP_BITS;
}

/** The solicited-node multicast address of an IPv6 address: ff02::1:ff00:0/104 and its low 24 bits (RFC 4291 §2.7.1). */
export function toSolicitedNodeAddress(address: IpAddress): IpAddress {
  assert(address.family === "ipv6", "solicited-node multicast is IPv6");
  return { family: "ipv6", value: SOLICITED_NODE_PREFIX | (address.value & 0xffffffn) };
}

const LINK_LOCAL_TOP_BITS = 0xfe80n >> 6n;
const SOLICITED_NODE_PREFIX = 0xff0200000000000000000001ff000000n;
const MAPPED_PREFIX = 0xffffn;

function notAnAddress(text: string): Result<never, AddressParseError> {
  return err({ code: "not-an-address", text });
}

function unmapped(value: bigint): IpAddress {
  if (value >> 32n === MAPPED_PREFIX) return { family: "ipv4", value: value & 0xffffffffn };
  return { family: "ipv6", value };
}

const MAX_IPV4_CHARACTERS = 15;
const DOTTED_DECIMAL = new RegExp(
  `^${Array(4).fill("(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])").join("\\.")}$`,
);

/** In numbers up to the end: arithmetic on bigints costs ten times as much. */
function parseIpv4Value(text: string): bigint | undefined {
  const value = parseIpv4Number(text);
  return value === undefined ? undefined : BigInt(value);
}

function parseIpv4Number(text: string): number | undefined {
  if (text.length > MAX_IPV4_CHARACTERS) return undefined;
  const octets = DOTTED_DECIMAL.exec(text);
  if (octets === null) return undefined;
  const [, first, second, third, fourth] = octets;
  return ((Number(first) * 256 + Number(second)) * 256 + Number(third)) * 256 + Number(fourth);
}

function parseIpv6Value(text: string): bigint | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? joinGroups(head) : undefined;
  const tail = parseGroups(halves[1] ?? "", true);
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return joinGroups([...head, ...zeros, ...tail]);
}

/** Groups between colons; `isLast` allows an IPv4 tail. Empty text is no group. */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const tail = isLast && index === parts.length - 1 ? parseIpv4Number(part) : undefined;
    if (tail === undefined) return undefined;
    groups.push(tail >>> 16, tail & 0xffff);
  }
  return groups;
}

/** Eight groups, two at a time: each operation on bigints costs. */
function joinGroups(groups: readonly number[]): bigint {
  let value = 0n;
  for (let index = 0; index < groups.length; index += 2) {
    const pair = (groups[index] ?? 0) * 0x10000 + (groups[index + 1] ?? 0);
    value = (value << 32n) | BigInt(pair);
  }
  return value;
}

function formatIpv4(value: bigint): string {
  const number = Number(value);
  return [24, 16, 8, 0].map(shift => String((number >>> shift) & 0xff)).join(".");
}

function formatIpv6(value: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const run = longestZeroRun(groups);
  const text = (part: readonly number[]): string => part.map(group => group.toString(16)).join(":");
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
