/**
 * Classic BPF programs for the responders' sockets: the kernel wakes us only for frames that may concern our addresses. The
 * filters may let more through than we answer, never less; user code still checks everything.
 */
import { EtherType, ETHERNET_TYPE_OFFSET } from "../lib/net/ethernet";
import { ArpOffset, HardwareType } from "../lib/arp/constants";
import { Icmpv6Type, IPPROTO_ICMPV6, NDP_HOP_LIMIT, NdpOffset } from "../lib/ndp/constants";

/** Numbers from `first` to `last`, both included; unsigned 32 bits. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** More ranges than this are merged across their narrowest gaps: jumps reach 255 instructions. */
export const MAX_FILTER_RANGES = 32;

/** The fewest ranges, at most 32 and ascending, that cover the numbers; beyond 32 they cover some others too. */
export function toFilterRanges(numbers: Iterable<number>): readonly NumberRange[] {
  const sorted = [...new Set(numbers)].sort((left, right) => left - right);
  const ranges: { first: number; last: number }[] = [];
  for (const number of sorted) {
    const open = ranges.at(-1);
    if (open?.last === number - 1) open.last = number;
    else ranges.push({ first: number, last: number });
  }
  if (ranges.length <= MAX_FILTER_RANGES) return ranges;
  const gaps = ranges
    .slice(1)
    .map((range, index) => range.first - (ranges[index]?.last ?? 0))
    .sort((left, right) => right - left);
  return mergeGaps(ranges, gaps[MAX_FILTER_RANGES - 1] ?? 0);
}

/** Frames with ARP for IPv4 whose target or sender protocol address is in a range, unless meant for another host. */
export function buildArpFilter(addresses: readonly NumberRange[]): Uint8Array {
  return assemble([
    ...dropOtherHost(),
    ...requireHalf(ETHERNET_TYPE_OFFSET, EtherType.arp),
    ...requireHalf(ArpOffset.hardwareType, HardwareType.ethernet),
    load(Code.loadWord, ArpOffset.protocolType),
    jump(Code.jumpEqual, ARP_IPV4_OVER_ETHERNET, "next", "drop"),
    ...matchRanges(ArpOffset.targetProtocolAddress, addresses, "sender"),
    { ...load(Code.loadWord, ArpOffset.senderProtocolAddress), label: "sender" },
    ...matchRanges(undefined, addresses, "drop"),
    { code: Code.return, value: ACCEPT_OCTETS, label: "accept" },
    { code: Code.return, value: 0, label: "drop" },
  ]);
}

/**
 * Neighbor messages whose target, source or destination ends in a number (low 32 bits) of a range, unless meant for another host:
 * requests and claims, who speaks from an address, and answers to one of ours.
 */
export function buildNdpFilter(lows: readonly NumberRange[]): Uint8Array {
  return assemble([
    ...dropOtherHost(),
    ...requireOctet(NdpOffset.nextHeader, IPPROTO_ICMPV6),
    ...requireOctet(NdpOffset.hopLimit, NDP_HOP_LIMIT),
    load(Code.loadOctet, NdpOffset.type),
    jump(Code.jumpEqual, Icmpv6Type.neighborSolicitation, "code", "next"),
    jump(Code.jumpEqual, Icmpv6Type.neighborAdvertisement, "next", "drop"),
    { ...load(Code.loadOctet, NdpOffset.code), label: "code" },
    jump(Code.jumpEqual, 0, "next", "drop"),
    ...matchRanges(NdpOffset.target + 12, lows, "sender"),
    { ...load(Code.loadWord, NdpOffset.source + 12), label: "sender" },
    ...matchRanges(undefined, lows, "destination"),
    { ...load(Code.loadWord, NdpOffset.destination + 12), label: "destination" },
    ...matchRanges(undefined, lows, "drop"),
    { code: Code.return, value: ACCEPT_OCTETS, label: "accept" },
    { code: Code.return, value: 0, label: "drop" },
  ]);
}

const Code = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadOctet: 0x30,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpGreaterOrEqual: 0x35,
  return: 0x06,
} as const;

/** Protocol type IPv4, hardware length 6, protocol length 4. */
const ARP_IPV4_OVER_ETHERNET = 0x08000604;
const ACCEPT_OCTETS = 0x40000;
/** Ancillary load: whom the frame is meant for. Frames of unknown VLANs are `otherHost` too. */
const PACKET_TYPE = 0xfffff004;
const PACKET_OTHERHOST = 3;

type Target = "next" | "accept" | "drop" | "sender" | "destination" | "code";

interface Instruction {
  readonly code: number;
  readonly value: number;
  readonly ifTrue?: Target;
  readonly ifFalse?: Target;
  readonly label?: Target;
}

function load(code: number, offset: number): Instruction {
  return { code, value: offset };
}

function jump(code: number, value: number, ifTrue: Target, ifFalse: Target): Instruction {
  return { code, value, ifTrue, ifFalse };
}

function dropOtherHost(): readonly Instruction[] {
  return [load(Code.loadHalf, PACKET_TYPE), jump(Code.jumpEqual, PACKET_OTHERHOST, "drop", "next")];
}

function requireHalf(offset: number, value: number): readonly Instruction[] {
  return [load(Code.loadHalf, offset), jump(Code.jumpEqual, value, "next", "drop")];
}

function requireOctet(offset: number, value: number): readonly Instruction[] {
  return [load(Code.loadOctet, offset), jump(Code.jumpEqual, value, "next", "drop")];
}

/** Loads the word, unless it is loaded already, and walks the ascending ranges: two comparisons each. */
function matchRanges(
  offset: number | undefined,
  ranges: readonly NumberRange[],
  otherwise: Target,
): readonly Instruction[] {
  const loading = offset === undefined ? [] : [load(Code.loadWord, offset)];
  const comparing = ranges.flatMap(({ first, last }, index) => [
    jump(Code.jumpGreaterOrEqual, first, "next", otherwise),
    jump(Code.jumpGreater, last, index === ranges.length - 1 ? otherwise : "next", "accept"),
  ]);
  // Nothing to match: a comparison that is false for every word but one, and leads to the same place for that one.
  const none = [jump(Code.jumpEqual, 0, otherwise, otherwise)];
  return [...loading, ...(ranges.length === 0 ? none : comparing)];
}

/** An instruction of classic BPF: code, how many to skip when true and when false, value. */
export type BpfInstruction = readonly [
  code: number,
  ifTrue: number,
  ifFalse: number,
  value: number,
];

/** The program as the kernel wants it, 8 octets an instruction. */
export function encodeBpfProgram(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}

function assemble(instructions: readonly Instruction[]): Uint8Array {
  const labels = new Map<Target, number>();
  for (const [index, { label }] of instructions.entries()) {
    if (label !== undefined) labels.set(label, index);
  }
  const program = instructions.map(({ code, value, ifTrue, ifFalse }, index): BpfInstruction => {
    const distance = (target: Target | undefined): number =>
      target === undefined || target === "next" ? 0 : (labels.get(target) ?? 0) - index - 1;
    return [code, distance(ifTrue), distance(ifFalse), value];
  });
  return encodeBpfProgram(program);
}

function mergeGaps(ranges: readonly NumberRange[], widestMerged: number): readonly NumberRange[] {
  // Equal gaps may merge more than needed, never less.
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of ranges) {
    const open = merged.at(-1);
    if (open !== undefined && first - open.last <= widestMerged) open.last = last;
    else merged.push({ first, last });
  }
  return merged;
}
