import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { chooseBgpIdentifier, identifierOfName } from "../../../../lib/bgp/bgp-identifier";
import { formatIpAddress } from "../../../../lib/net/ip-address";
import { toAddress } from "./support/golden";

const NOTHING = {
  routerId: undefined,
  nodeIpv4: undefined,
  interfaceIpv4: undefined,
  nodeName: "node-a",
};

describe("chooseBgpIdentifier", () => {
  it("prefers the configured router id, then the node's address, then the interface's", () => {
    const interfaceIpv4 = toAddress("192.0.2.1");
    const nodeIpv4 = toAddress("10.0.0.7");
    const routerId = toAddress("10.0.0.1");
    expect(chooseBgpIdentifier({ ...NOTHING, interfaceIpv4 })).toBe(0xc000_0201);
    expect(chooseBgpIdentifier({ ...NOTHING, interfaceIpv4, nodeIpv4 })).toBe(0x0a00_0007);
    expect(chooseBgpIdentifier({ ...NOTHING, interfaceIpv4, nodeIpv4, routerId })).toBe(
      0x0a00_0001,
    );
  });

  it("never takes an IPv6 address or 0.0.0.0 (RFC 6286)", () => {
    const sources = { ...NOTHING, routerId: toAddress("0.0.0.0"), nodeIpv4: toAddress("fd00::1") };
    expect(chooseBgpIdentifier(sources)).toBe(identifierOfName("node-a"));
  });

  it("falls back to MetalLB's number of the node's name", () => {
    const value = BigInt(chooseBgpIdentifier(NOTHING));
    expect(formatIpAddress({ family: "ipv4", value })).toBe("171.77.153.120");
  });

  test.prop([fc.string()])("is an unsigned number above 0 for any name", nodeName => {
    const identifier = identifierOfName(nodeName);
    expect(Number.isInteger(identifier)).toBe(true);
    expect(identifier).toBeGreaterThan(0);
    expect(identifier).toBeLessThanOrEqual(0xffff_ffff);
  });
});
