import { describe, expect, it } from "vitest";
import { formatIpAddress } from "../../../lib/net/ip-address";
import {
  parseIpv4DefaultGateways,
  parseIpv6DefaultGateways,
  readDefaultGateways,
  type Gateway,
} from "../../../node/gateways";

const toText = ({ address, interfaceName }: Gateway): string =>
  `${formatIpAddress(address)}%${interfaceName}`;

describe("IPv4 default gateways", () => {
  const header =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
  const route = (destination: string, gateway: string, flags: string): string =>
    `eth0\t${destination}\t${gateway}\t${flags}\t0\t0\t0\t00000000\t0\t0\t0`;

  it("are those of default routes by way of a gateway, each once", () => {
    const text = [
      header,
      route("00000000", "0102A8C0", "0003"),
      route("00000000", "0102A8C0", "0003"),
      route("00000000", "00000000", "0001"),
      route("0002A8C0", "0902A8C0", "0003"),
      route("00000000", "not hex", "0003"),
      "",
    ].join("\n");
    expect(parseIpv4DefaultGateways(text).map(toText)).toEqual(["192.168.2.1%eth0"]);
  });
});

describe("IPv6 default gateways", () => {
  const zero = "0".repeat(32);
  const route = (destination: string, gateway: string, flags: string): string =>
    `${destination} 00 ${zero} 00 ${gateway} 00000400 00000002 00000000 ${flags}     eth1`;

  it("are those of default routes by way of a gateway, link-local ones too, each once", () => {
    const text = [
      "fd000000000000000000000000000000 40 " +
        `${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth1`,
      route(zero, "fe80000000000000000000000000000a", "00000003"),
      route(zero, "fe80000000000000000000000000000a", "00000003"),
      route(zero, zero, "00000001"),
      route(zero, "short", "00000003"),
      "",
    ].join("\n");
    expect(parseIpv6DefaultGateways(text).map(toText)).toEqual(["fe80::a%eth1"]);
  });
});

it("are none where there is no table", () => {
  expect(readDefaultGateways({ ipv4: "/nowhere", ipv6: "/nowhere" })).toEqual([]);
});
