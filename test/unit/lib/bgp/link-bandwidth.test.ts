import { describe, expect, it } from "vitest";
import { linkBandwidth } from "../../../../lib/bgp/link-bandwidth";

describe("linkBandwidth", () => {
  it("writes type, subtype, AS and an IEEE 754 number of octets per second", () => {
    // 125,000,000 is 0x4cee6b28 as a float32.
    expect(linkBandwidth(64512, 125_000_000).toString(16)).toBe("4004fc004cee6b28");
  });

  it("names AS_TRANS for an AS of four octets", () => {
    expect(linkBandwidth(4_200_000_001, 0).toString(16)).toBe("40045ba000000000");
  });
});
