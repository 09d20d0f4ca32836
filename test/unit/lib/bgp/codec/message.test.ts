import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  decodeMessage,
  encodeMessage,
  INITIAL_CONTEXT,
  type CodecContext,
} from "../../../../../lib/bgp/codec/message";
import { ok } from "../../../../../lib/net/result";
import { message, notification, update } from "../support/arbitraries";
import { loadMessages, fromHex, toContext } from "../support/golden";

const ROOMY: CodecContext = {
  isExternal: false,
  hasFourOctetAs: true,
  families: ["ipv4-unicast", "ipv6-unicast"],
  allowsIpv6NextHopForIpv4: true,
  maxMessageOctets: 65_535,
  hasEnhancedRouteRefresh: true,
};

describe("encodeMessage and decodeMessage", () => {
  test.prop([message])("decode inverts encode over the full ranges", value => {
    const decoded = decodeMessage(encodeMessage(value, ROOMY), ROOMY);
    expect(decoded).toEqual(ok({ message: value, problems: [] }));
  });

  test.prop([fc.uint8Array({ maxLength: 300 }), fc.boolean()])(
    "never throws on random octets and gives a value or a reset",
    (octets, isExternal) => {
      const result = decodeMessage(octets, { ...ROOMY, isExternal });
      if (!result.ok) expect(result.error.reaction).toBe("reset");
    },
  );

  const seeds = loadMessages();

  test.prop(
    [fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })],
    {
      numRuns: 2_000,
    },
  )("never throws on a captured message with changed octets", (seed, changes) => {
    const octets = fromHex(seed.hex);
    for (const [at, octet] of changes) octets[16 + (at % (octets.length - 16))] = octet;
    const result = decodeMessage(octets, toContext(seed.context));
    if (!result.ok) {
      expect(result.error.reaction).toBe("reset");
      expect([1, 2, 3, 7]).toContain(result.error.code);
    } else {
      expect(result.value.problems.every(({ reaction }) => reaction !== "reset")).toBe(true);
    }
  });

  test.prop([update])("does not alias its input", value => {
    const octets = encodeMessage(value, ROOMY);
    const decoded = decodeMessage(octets, ROOMY);
    octets.fill(0);
    expect(decoded).toEqual(ok({ message: value, problems: [] }));
  });

  test.prop([notification])("a NOTIFICATION keeps its data", value => {
    expect(decodeMessage(encodeMessage(value))).toEqual(ok({ message: value, problems: [] }));
  });

  it("refuses to encode more than the peer takes (RFC 4271 §4.1, RFC 8654 §4)", () => {
    const data = new Uint8Array(4096 - 21);
    const value = { type: "notification", code: 6, subcode: 2, data } as const;
    expect(encodeMessage(value)).toHaveLength(4096);
    const larger = { ...value, data: new Uint8Array(4096 - 20) };
    expect(() => encodeMessage(larger)).toThrow("4097");
    expect(encodeMessage(larger, ROOMY)).toHaveLength(4097);
  });

  it("reads an UPDATE of 4097 octets only with extended messages", () => {
    const octets = new Uint8Array(4097);
    octets.fill(0xff, 0, 16);
    octets.set([0x10, 0x01, 2], 16);
    expect(decodeMessage(octets, INITIAL_CONTEXT)).toMatchObject({
      ok: false,
      error: { code: 1, subcode: 2, data: new Uint8Array([0x10, 0x01]) },
    });
    expect(decodeMessage(octets, ROOMY).ok).toBe(true);
  });
});
