import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "../../../../../lib/bgp/codec/message";
import { toOpenAs, type OpenMessage } from "../../../../../lib/bgp/codec/open";
import { ok } from "../../../../../lib/net/result";
import { fromHex, toHex } from "../support/golden";

const OPEN: OpenMessage = {
  type: "open",
  myAs: 65_002,
  holdTimeSeconds: 90,
  bgpIdentifier: 0x0a000002,
  capabilities: [],
};

describe("OPEN", () => {
  it("takes the AS of the 4-octet AS capability before the two-octet field (RFC 6793 §4.1)", () => {
    expect(toOpenAs(OPEN)).toBe(65_002);
    const capabilities = [{ type: "fourOctetAs", as: 4_200_000_001 }] as const;
    expect(toOpenAs({ ...OPEN, myAs: 23_456, capabilities })).toBe(4_200_000_001);
  });

  it("uses the extended parameters only when 253 octets of capabilities are not enough (RFC 9072)", () => {
    const unknown = (length: number) =>
      ({ type: "unknown", code: 200, value: new Uint8Array(length) }) as const;
    const classic: OpenMessage = { ...OPEN, capabilities: [unknown(251)] };
    const extended: OpenMessage = { ...OPEN, capabilities: [unknown(252)] };
    expect(toHex(encodeMessage(classic)).slice(56, 64)).toBe("ff02fdc8");
    expect(toHex(encodeMessage(extended)).slice(56, 72)).toBe("ffff01010200fec8");
    for (const message of [classic, extended]) {
      expect(decodeMessage(encodeMessage(message))).toEqual(ok({ message, problems: [] }));
    }
  });

  it("takes an extended form whose classic length is not 255 (RFC 9072 §2)", () => {
    const hex = `${"ff".repeat(16)}002001 04fdea005a0a000002 01ff0000`;
    expect(decodeMessage(fromHex(hex))).toEqual(ok({ message: OPEN, problems: [] }));
  });
});
