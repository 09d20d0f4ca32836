import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { encodeArpFrame } from "../../../lib/arp/message";
import { encodeNeighborFrame } from "../../../lib/ndp/message";
import {
  MAX_FILTER_RANGES,
  buildArpFilter,
  buildNdpFilter,
  toFilterRanges,
} from "../../../node/socket-filter";
import { runFilter } from "../../support/bpf";
import { anyArpFrame, anyNeighborFrame } from "../../support/frames";
import { fromHex } from "../../support/golden";

const anyNumber = fc.nat(0xffffffff);
const anyNumbers = fc.oneof(
  fc.array(anyNumber, { maxLength: 100 }),
  fc.array(fc.nat(300), { maxLength: 200 }),
);
const OTHERHOST = 3;

describe("toFilterRanges", () => {
  test.prop([anyNumbers])("covers every number with at most 32 ascending ranges", numbers => {
    const ranges = toFilterRanges(numbers);
    expect(ranges.length).toBeLessThanOrEqual(MAX_FILTER_RANGES);
    for (const [index, { first, last }] of ranges.entries()) {
      expect(first).toBeLessThanOrEqual(last);
      const before = ranges[index - 1];
      if (before !== undefined) expect(before.last).toBeLessThan(first);
    }
    for (const number of numbers) {
      expect(ranges.some(({ first, last }) => first <= number && number <= last)).toBe(true);
    }
  });

  test.prop([fc.array(anyNumber, { maxLength: MAX_FILTER_RANGES })])(
    "covers nothing else while the ranges suffice",
    numbers => {
      const covered = toFilterRanges(numbers).reduce(
        (sum, range) => sum + range.last - range.first + 1,
        0,
      );
      expect(covered).toBe(new Set(numbers).size);
    },
  );

  it("makes one range of ten thousand addresses in a row", () => {
    const numbers = Array.from({ length: 10_000 }, (_, index) => 0xc6120000 + index);
    expect(toFilterRanges(numbers)).toEqual([{ first: 0xc6120000, last: 0xc6120000 + 9999 }]);
  });
});

describe("buildArpFilter", () => {
  test.prop([anyArpFrame, anyNumbers, fc.boolean()])(
    "accepts exactly the frames whose target or sender is in a range",
    (frame, others, isOurs) => {
      const target = Number(frame.targetProtocolAddress.value);
      const ranges = toFilterRanges(isOurs ? [...others, target] : others);
      const isIn = (number: number): boolean =>
        ranges.some(({ first, last }) => first <= number && number <= last);
      const expected = isIn(target) || isIn(Number(frame.senderProtocolAddress.value));
      const program = buildArpFilter(ranges);
      const bytes = encodeArpFrame(frame);
      expect(runFilter(program, bytes) > 0).toBe(expected);
      expect(runFilter(program, bytes, OTHERHOST)).toBe(0);
    },
  );

  const request = fromHex(
    "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000201 000000000000 c0000202",
  );
  const program = buildArpFilter([{ first: 0xc0000202, last: 0xc0000202 }]);

  it.each([
    ["hardware type 6", 14, "0006"],
    ["another EtherType", 12, "86dd"],
    ["protocol type IPv6", 16, "86dd"],
    ["hardware length 8", 18, "08"],
  ])("drops %s", (_name, offset, hex) => {
    expect(runFilter(program, request)).toBeGreaterThan(0);
    const bytes = Uint8Array.from(request);
    bytes.set(fromHex(hex), offset);
    expect(runFilter(program, bytes)).toBe(0);
  });

  it("drops a frame that ends before its last field", () => {
    expect(runFilter(program, request.subarray(0, 41))).toBe(0);
  });

  it("without addresses drops everything, 0.0.0.0 included", () => {
    const bytes = Uint8Array.from(request);
    bytes.fill(0, 38);
    expect(runFilter(buildArpFilter([]), bytes)).toBe(0);
    expect(runFilter(buildArpFilter([]), request)).toBe(0);
  });
});

describe("buildNdpFilter", () => {
  test.prop([anyNeighborFrame, anyNumbers, fc.boolean()])(
    "accepts exactly the neighbor messages whose target, source or destination ends in a range",
    (frame, others, isOurs) => {
      const lows = [frame.target, frame.source, frame.destination].map(({ value }) =>
        Number(value & 0xffffffffn),
      );
      const ranges = toFilterRanges(isOurs ? [...others, ...lows.slice(-1)] : others);
      const expected = lows.some(low =>
        ranges.some(({ first, last }) => first <= low && low <= last),
      );
      const program = buildNdpFilter(ranges);
      const bytes = encodeNeighborFrame(frame);
      expect(runFilter(program, bytes) > 0).toBe(expected);
      expect(runFilter(program, bytes, OTHERHOST)).toBe(0);
    },
  );

  it.each([
    ["a router advertisement", 54, 134],
    ["hop limit 64", 21, 64],
    ["code 1", 55, 1],
    ["an extension header", 20, 0],
  ])("drops %s", (_name, offset, value) => {
    const everything = buildNdpFilter([{ first: 0, last: 0xffffffff }]);
    const bytes = fromHex(
      "3333ff000010 020000000099 86dd 60000000 0018 3a ff 20010db8000000000000000000000099" +
        "ff0200000000000000000001ff000010 87 00 0000 00000000 20010db8000000000000000000000010",
    );
    expect(runFilter(everything, bytes)).toBeGreaterThan(0);
    bytes[offset] = value;
    expect(runFilter(everything, bytes)).toBe(0);
  });
});
