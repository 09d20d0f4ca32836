import { test, fc } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  formatIpPrefix,
  formatIpRange,
  parseIpPrefix,
  parseIpRange,
  rangeContains,
  rangesOverlap,
  toIpRange,
  toPrefixes,
  type IpRange,
} from "../../../../lib/net/ip-prefix";

const range = fc
  .tuple(fc.bigInt({ min: 0n, max: 0xffffffffn }), fc.bigInt({ min: 0n, max: 0xffffffffn }))
  .map(
    ([one, other]): IpRange => ({
      family: "ipv4",
      first: one < other ? one : other,
      last: one < other ? other : one,
    }),
  );

function parsed(text: string): IpRange {
  const result = parseIpRange(text);
  if (!result.ok) throw new Error(`${text}: ${result.error.code}`);
  return result.value;
}

describe("prefixes and ranges", () => {
  test.prop([range])("the prefixes of a range cover it without gap or overlap", one => {
    const ranges = toPrefixes(one).map(toIpRange);
    expect(ranges[0]?.first).toBe(one.first);
    expect(ranges.at(-1)?.last).toBe(one.last);
    for (const [index, part] of ranges.entries()) {
      if (index > 0) expect(part.first).toBe((ranges[index - 1]?.last ?? -1n) + 1n);
    }
    expect(ranges.length).toBeLessThanOrEqual(64);
  });

  test.prop([range])("text and back", one => {
    expect(parsed(formatIpRange(one))).toEqual(one);
  });

  test.prop([range, range])("overlap is symmetric and means a common address", (left, right) => {
    const common = left.first > right.first ? left.first : right.first;
    const isCommon =
      rangeContains(left, { family: "ipv4", value: common }) &&
      rangeContains(right, { family: "ipv4", value: common });
    expect(rangesOverlap(left, right)).toBe(isCommon);
    expect(rangesOverlap(right, left)).toBe(isCommon);
  });

  it("splits a range into the minimal aligned prefixes, ascending", () => {
    expect(toPrefixes(parsed("10.0.0.255-10.0.1.5")).map(formatIpPrefix)).toEqual([
      "10.0.0.255/32",
      "10.0.1.0/30",
      "10.0.1.4/31",
    ]);
  });

  it.each([
    ["198.51.100.10/24", "198.51.100.0/24"],
    ["::ffff:10.0.0.0/120", "10.0.0.0/24"],
    ["192.168.9.1-192.168.9.5", "192.168.9.1-192.168.9.5"],
    [" 192.168.9.1 - 192.168.9.5 ", "192.168.9.1-192.168.9.5"],
    ["10.0.0.0-10.0.0.255", "10.0.0.0/24"],
    ["10.0.0.1", "10.0.0.1"],
    ["10.0.0.1/32", "10.0.0.1"],
    ["FC00::/124", "fc00::/124"],
    ["::/0", "::/0"],
    ["0.0.0.0/0", "0.0.0.0/0"],
  ])("reads %j as %s", (text, canonical) => {
    expect(formatIpRange(parsed(text))).toBe(canonical);
  });

  it.each([
    ["10.0.0.0/33", "bad-length"],
    ["10.0.0.0/-1", "bad-length"],
    ["10.0.0.0/024", "bad-length"],
    ["10.0.0.0/", "bad-length"],
    ["::ffff:10.0.0.0/95", "bad-length"],
    ["10.0.0.0/24/8", "not-a-range"],
    ["a/24", "not-a-range"],
    ["10.0.0.1-", "not-a-range"],
    ["a-b", "not-a-range"],
    ["10.0.0.1-10.0.0.2-10.0.0.3", "not-a-range"],
    ["", "not-a-range"],
    ["10.0.0.9-10.0.0.1", "ends-reversed"],
    ["10.0.0.1-fc00::5", "mixed-families"],
  ])("refuses %j: %s", (text, code) => {
    expect(parseIpRange(text)).toMatchObject({ ok: false, error: { code } });
  });

  it("masks host bits away", () => {
    expect(parseIpPrefix("192.168.10.77/24")).toEqual({
      ok: true,
      value: { family: "ipv4", value: 0xc0a80a00n, lengthBits: 24 },
    });
  });
});
