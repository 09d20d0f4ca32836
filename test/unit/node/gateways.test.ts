import { describe, expect, it } from "vitest";
import { formatIpAddress } from "../../../lib/net/ip-address";
import { parseDefaultGateways, readDefaultGateways } from "../../../node/gateways";

const HEADER =
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
const route = (destination: string, gateway: string, flags: string): string =>
  `eth0\t${destination}\t${gateway}\t${flags}\t0\t0\t0\t00000000\t0\t0\t0`;

describe("default gateways", () => {
  it("are those of default routes by way of a gateway, each once", () => {
    const text = [
      HEADER,
      route("00000000", "0102A8C0", "0003"),
      route("00000000", "0102A8C0", "0003"),
      route("00000000", "00000000", "0001"),
      route("0002A8C0", "0902A8C0", "0003"),
      route("00000000", "not hex", "0003"),
      "",
    ].join("\n");
    expect(parseDefaultGateways(text).map(formatIpAddress)).toEqual(["192.168.2.1"]);
  });

  it("are none where there is no table", () => {
    expect(readDefaultGateways("/nowhere")).toEqual([]);
  });
});
