import { test, fc } from "@fast-check/vitest";
import { isIP } from "node:net";
import { describe, expect, it } from "vitest";
import {
  compareAddresses,
  formatIpAddress,
  fromAddressBytes,
  isLinkLocal,
  parseIpAddress,
  toAddressBytes,
  toSolicitedNodeAddress,
  type IpAddress,
} from "../../../../lib/net/ip-address";

const ipv4 = fc
  .bigInt({ min: 0n, max: (1n << 32n) - 1n })
  .map((value): IpAddress => ({ family: "ipv4", value }));
const ipv6 = fc
  .bigInt({ min: 1n << 48n, max: (1n << 128n) - 1n })
  .map((value): IpAddress => ({ family: "ipv6", value }));
const address = fc.oneof(ipv4, ipv6);

function parsed(text: string): IpAddress {
  const result = parseIpAddress(text);
  if (!result.ok) throw new Error(text);
  return result.value;
}

describe("IP addresses", () => {
  test.prop([address])("parse inverts format", one => {
    expect(parsed(formatIpAddress(one))).toEqual(one);
  });

  test.prop([address])("octets and back", one => {
    expect(fromAddressBytes(toAddressBytes(one))).toEqual(one);
  });

  test.prop([
    fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV6().map(text => `${text}:1`),
    ),
  ])("accepts only what Node's own parser accepts", text => {
    if (parseIpAddress(text).ok) expect(isIP(text)).not.toBe(0);
  });

  test.prop([fc.oneof(fc.ipV4(), fc.ipV6())])("accepts every address fast-check makes", text => {
    if (!text.includes("%")) expect(parseIpAddress(text).ok).toBe(true);
  });

  test.prop([address, address])("orders like the octets, IPv4 first", (left, right) => {
    const order = Buffer.compare(toAddressBytes(left), toAddressBytes(right));
    if (left.family === right.family) expect(compareAddresses(left, right)).toBe(order);
    else expect(compareAddresses(left, right)).toBe(left.family === "ipv4" ? -1 : 1);
  });

  it.each([
    ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["fc00:f853:0ccd:e799::", "fc00:f853:ccd:e799::"],
    ["::", "::"],
    ["::1", "::1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["192.168.1.240", "192.168.1.240"],
  ])("prints %s as %s (RFC 5952)", (text, canonical) => {
    expect(formatIpAddress(parsed(text))).toBe(canonical);
  });

  it.each([
    "",
    " 1.2.3.4",
    "010.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "fe80::1%eth0",
    "router.example",
    "1::2::3",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "::1.2.3",
    "1.2.3.4::",
    ":",
    ":::",
  ])("refuses %j", text => {
    expect(parseIpAddress(text)).toEqual({ ok: false, error: { code: "not-an-address", text } });
  });

  it.each([
    ["fe80::1", true],
    ["febf:ffff::1", true],
    ["fec0::1", false],
    ["2001:db8::1", false],
    ["169.254.0.1", false],
  ])("%s is link-local: %s", (text, expected) => {
    expect(isLinkLocal(parsed(text))).toBe(expected);
  });

  it("derives the solicited-node group from the low 24 bits (RFC 4291 §2.7.1)", () => {
    expect(formatIpAddress(toSolicitedNodeAddress(parsed("4037::1:800:200e:8c6c")))).toBe(
      "ff02::1:ff0e:8c6c",
    );
  });
});
