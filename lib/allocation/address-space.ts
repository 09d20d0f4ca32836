/**
 * The usable addresses of one family of one pool, numbered 0 … capacity-1 in the order in which they are given away: entries
 * in the order of `spec.addresses`, ascending inside an entry. Numbers are computed, never listed, so a /8, a /64 and a /30 cost
 * the same. With `avoidBuggyIPs` the IPv4 addresses that end in .0 or .255 have no number at all.
 */
import { toPrefixes, type IpRange } from "../net/ip-prefix";
import { addressBits, type IpFamily } from "../net/ip-address";
import type { Ordinal } from "./free-ordinals";

/** The largest value of an int64: what a counter says when there are too many addresses to count. */
export const COUNTER_MAX = 9_223_372_036_854_775_807n;

/** Host bits from which MetalLB stops counting a prefix. */
const UNCOUNTED_HOST_BITS = 62;

interface Block {
  readonly first: bigint;
  readonly last: bigint;
  /** Ordinal of the first usable address of this block. */
  readonly ordinal: bigint;
  readonly count: bigint;
}

export class AddressSpace {
  readonly family: IpFamily;
  /** How many addresses can be given away; exact, without the saturation of `countedCapacity`. */
  readonly capacity: bigint;
  /**
   * The capacity as status and metrics print it: a prefix of 62 or more host bits, or a sum beyond int64, gives
   * `COUNTER_MAX`; never negative.
   */
  readonly countedCapacity: bigint;
  /** Blocks in the order of the pool's entries, for number → address. */
  private readonly byOrdinal: readonly Block[];
  /** The same blocks by address, for address → number. */
  private readonly byAddress: readonly Block[];
  private readonly skipsBuggy: boolean;

  /** Ranges of other families are left out; the others must not overlap. */
  constructor(family: IpFamily, ranges: readonly IpRange[], options: { avoidBuggyIps: boolean }) {
    this.family = family;
    this.skipsBuggy = options.avoidBuggyIps && family === "ipv4";
    const own = ranges.filter(range => range.family === family);
    const blocks: Block[] = [];
    let ordinal = 0n;
    for (const { first, last } of own) {
      const count = this.usableBelow(last + 1n) - this.usableBelow(first);
      blocks.push({ first, last, ordinal, count });
      ordinal += count;
    }
    this.capacity = ordinal;
    this.countedCapacity = own.some(isUncounted) ? COUNTER_MAX : saturated(ordinal);
    this.byOrdinal = blocks.filter(block => block.count > 0n);
    this.byAddress = blocks.toSorted((left, right) => (left.first < right.first ? -1 : 1));
  }

  /** The number of an address; undefined when the address is not in the space or must be avoided. */
  ordinalOf(value: bigint): Ordinal | undefined {
    const block = lastWhere(this.byAddress, candidate => candidate.first <= value);
    if (block === undefined || value > block.last || this.isAvoided(value)) return undefined;
    return toOrdinal(block.ordinal + this.usableBelow(value) - this.usableBelow(block.first));
  }

  /** The address with a number below `capacity`. */
  addressAt(ordinal: Ordinal): bigint | undefined {
    const block = lastWhere(this.byOrdinal, candidate => candidate.ordinal <= ordinal);
    if (block === undefined) return undefined;
    const offset = BigInt(ordinal) - block.ordinal;
    if (offset >= block.count) return undefined;
    if (!this.skipsBuggy) return block.first + offset;
    const rank = this.usableBelow(block.first) + offset;
    return (rank / 254n) * 256n + 1n + (rank % 254n);
  }

  private isAvoided(value: bigint): boolean {
    if (!this.skipsBuggy) return false;
    const lastOctet = value & 0xffn;
    return lastOctet === 0n || lastOctet === 0xffn;
  }

  /** How many usable addresses of the whole family are below `value`. */
  private usableBelow(value: bigint): bigint {
    return this.skipsBuggy ? value - ((value + 255n) >> 8n) - (value >> 8n) : value;
  }
}

/** Whether a prefix of the range is too large to be counted. */
function isUncounted(range: IpRange): boolean {
  const bits = addressBits(range.family);
  return toPrefixes(range).some(prefix => bits - prefix.lengthBits >= UNCOUNTED_HOST_BITS);
}

/** The count, at most `COUNTER_MAX`. */
export function saturated(count: bigint): bigint {
  return count > COUNTER_MAX ? COUNTER_MAX : count;
}

function toOrdinal(number: bigint): Ordinal {
  return number <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(number) : number;
}

/** The last element of a list, sorted so that `holds` is true for a head of it, for which `holds` is true. */
export function lastWhere<Element>(
  list: readonly Element[],
  holds: (element: Element) => boolean,
): Element | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const element = list[middle];
    if (element !== undefined && holds(element)) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : list[low - 1];
}
