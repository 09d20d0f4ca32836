import { test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  decodeIpSocketAddress,
  encodeGroupRequest,
  encodeIpSocketAddress,
  encodeNetlinkSocketAddress,
  encodePacketSocketAddress,
} from "../../../node/socket-address";
import { anyIpv4, anyIpv6, ip } from "../../support/frames";
import { fromHex, toHex } from "../../support/golden";

describe("socket addresses", () => {
  it.each([
    [
      "sockaddr_in",
      encodeIpSocketAddress(ip("192.0.2.1"), 7946),
      "0200 1f0a c0000201 0000000000000000",
    ],
    [
      "sockaddr_in6",
      encodeIpSocketAddress(ip("2001:db8::1"), 7946),
      "0a00 1f0a 00000000 20010db8000000000000000000000001 00000000",
    ],
    [
      "sockaddr_ll",
      encodePacketSocketAddress(4, 0x0806),
      "1100 0806 04000000 0000 00 00 0000000000000000",
    ],
    ["sockaddr_nl", encodeNetlinkSocketAddress(0x111), "1000 0000 00000000 11010000"],
    [
      "ipv6_mreq",
      encodeGroupRequest(ip("ff02::1:ff00:10"), 4),
      "ff0200000000000000000001ff000010 04000000",
    ],
  ])("%s has the kernel's layout", (_name, bytes, hex) => {
    expect(toHex(bytes)).toBe(toHex(fromHex(hex)));
  });

  test.prop([anyIpv4])("of IPv4 come back", address => {
    expect(decodeIpSocketAddress(encodeIpSocketAddress(address, 1))).toEqual(address);
  });

  test.prop([anyIpv6])("of IPv6 come back", address => {
    expect(decodeIpSocketAddress(encodeIpSocketAddress(address, 1))).toEqual(address);
  });

  it("of other families are no IP addresses", () => {
    expect(decodeIpSocketAddress(encodePacketSocketAddress(1, 1))).toBeUndefined();
  });
});
