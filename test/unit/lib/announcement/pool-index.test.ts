import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { findPoolName, indexPools } from "../../../../lib/announcement/pool-index";
import { parseIpAddress, type IpAddress } from "../../../../lib/net/ip-address";
import { rangeContains } from "../../../../lib/net/ip-prefix";
import { configure, pool } from "./builders";

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

const { pools } = configure(
  [
    pool("low", ["192.0.2.0-192.0.2.9", "192.0.2.20/32"]),
    pool("high", ["192.0.2.10-192.0.2.19", "2001:db8::/64"]),
    pool("far", ["2001:db8:1::5-2001:db8:1::9", "198.51.100.0/24"]),
  ],
  [],
);

describe("findPoolName", () => {
  it.each([
    ["192.0.1.255", undefined],
    ["192.0.2.0", "low"],
    ["192.0.2.9", "low"],
    ["192.0.2.10", "high"],
    ["192.0.2.19", "high"],
    ["192.0.2.20", "low"],
    ["192.0.2.21", undefined],
    ["198.51.100.255", "far"],
    ["2001:db8::ffff", "high"],
    ["2001:db8:1::4", undefined],
    ["2001:db8:1::9", "far"],
    ["::", undefined],
  ])("%s is in %s", (text, name) => {
    expect(findPoolName(indexPools(pools), address(text))).toBe(name);
  });

  it("finds nothing without pools", () => {
    expect(findPoolName(indexPools([]), address("192.0.2.1"))).toBeUndefined();
  });

  test.prop([fc.integer({ min: 0xc0000100, max: 0xc0000300 })])(
    "agrees with looking through every range",
    number => {
      const wanted: IpAddress = { family: "ipv4", value: BigInt(number) };
      const slow = pools.find(candidate =>
        candidate.entries.some(entry => rangeContains(entry.range, wanted)),
      );
      expect(findPoolName(indexPools(pools), wanted)).toBe(slow?.name);
    },
  );
});
