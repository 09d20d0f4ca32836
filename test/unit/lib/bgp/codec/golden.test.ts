import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "../../../../../lib/bgp/codec/message";
import {
  fromHex,
  fromJson,
  loadMessages,
  loadMalformed,
  toContext,
  toHex,
  toJson,
} from "../support/golden";

describe("messages of other implementations", () => {
  const cases = loadMessages();

  it.each(cases)("decodes $name ($source)", ({ hex, context, decoded }) => {
    const result = decodeMessage(fromHex(hex), toContext(context));
    expect(result).toMatchObject({ ok: true, value: { problems: [] } });
    expect(result.ok && toJson(result.value.message)).toEqual(decoded);
  });

  it.each(cases)("encodes $name ($source)", ({ hex, encodesTo, context, decoded }) => {
    const octets = encodeMessage(fromJson(decoded), toContext(context));
    expect(toHex(octets)).toBe((encodesTo ?? hex).replaceAll(" ", ""));
    const again = decodeMessage(octets, toContext(context));
    expect(again.ok && toJson(again.value.message)).toEqual(decoded);
  });

  it("has every message type from at least two daemons", () => {
    const daemons = new Map<string, Set<string>>();
    for (const { decoded, source } of cases) {
      const { type } = decoded as { type: string };
      daemons.set(type, (daemons.get(type) ?? new Set()).add(source));
    }
    for (const type of ["open", "update", "notification", "keepalive", "routeRefresh"]) {
      expect(daemons.get(type)?.size, type).toBeGreaterThanOrEqual(3);
    }
  });

  it.each(cases)("gives an error for every proper prefix of $name", ({ hex, context }) => {
    const octets = fromHex(hex);
    for (let length = 0; length < octets.length; length += 1) {
      const result = decodeMessage(octets.subarray(0, length), toContext(context));
      expect(result).toMatchObject({ ok: false, error: { code: 1, subcode: 2 } });
    }
  });
});

describe("malformed messages", () => {
  it.each(loadMalformed())("$name", ({ hex, context, error }) => {
    const result = decodeMessage(fromHex(hex), toContext(context));
    const found = result.ok ? result.value.problems[0] : result.error;
    expect(found).toMatchObject({
      reaction: error.reaction,
      code: error.code,
      subcode: error.subcode,
      reason: error.reason,
    });
    expect(result.ok).toBe(error.reaction !== "reset");
    if (error.data !== undefined) expect(toHex(found?.data ?? new Uint8Array())).toBe(error.data);
  });
});
