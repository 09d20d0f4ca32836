import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  makeCease,
  readShutdownText,
  unwrapHardReset,
  wrapInHardReset,
} from "../../../../../lib/bgp/codec/notification";
import { CeaseSubcode } from "../../../../../lib/bgp/constants";

const { administrativeShutdown, administrativeReset, peerDeconfigured } = CeaseSubcode;

describe("shutdown communication (RFC 9003)", () => {
  it("carries a text there and back, inside a hard reset too", () => {
    const cease = makeCease(administrativeShutdown, "node draining");
    expect(readShutdownText(cease)).toBe("node draining");
    expect(readShutdownText(wrapInHardReset(cease))).toBe("node draining");
    expect(unwrapHardReset(wrapInHardReset(cease))).toEqual(cease);
  });

  it("sends no data without a text and reads none from other subcodes", () => {
    expect(makeCease(administrativeReset).data).toHaveLength(0);
    expect(readShutdownText(makeCease(administrativeReset))).toBeUndefined();
    expect(readShutdownText(makeCease(peerDeconfigured, "text"))).toBeUndefined();
  });

  test.prop([fc.string({ unit: "grapheme", maxLength: 400 })])(
    "is cut to 255 octets between characters",
    text => {
      const { data } = makeCease(administrativeShutdown, text);
      expect(data.length).toBeLessThanOrEqual(256);
      const sent = new TextDecoder("utf-8", { ignoreBOM: true }).decode(data.subarray(1));
      expect(text.startsWith(sent)).toBe(true);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 300 })])(
    "reads any octets as one short line without control characters",
    data => {
      const read = readShutdownText({ type: "notification", code: 6, subcode: 2, data });
      if (read === undefined) return;
      expect(Array.from(read).length).toBeLessThanOrEqual(128);
      expect(read).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    },
  );

  it("replaces escape sequences, line ends and invalid UTF-8", () => {
    const text = new TextEncoder().encode('a\n"b"\u001b[31mc\u202e');
    const data = new Uint8Array([text.length + 1, ...text, 0xff]);
    const read = readShutdownText({ type: "notification", code: 6, subcode: 2, data });
    expect(read).toBe('a "b" [31mc \ufffd');
  });

  it("ignores a length that runs over the data", () => {
    const data = new Uint8Array([9, 0x61]);
    expect(readShutdownText({ type: "notification", code: 6, subcode: 2, data })).toBeUndefined();
  });
});
