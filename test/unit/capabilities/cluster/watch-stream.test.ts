import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import { LineDecoder, parseWatchEvent } from "../../../../capabilities/cluster/watch-stream";

const jsonLine = fc
  .record({ type: fc.string({ unit: "binary" }), object: fc.string({ unit: "grapheme" }) })
  .map(value => JSON.stringify(value));

/** `octets` cut at the given places (shares of the length). */
function cut(octets: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const at = [...places.map(place => Math.floor(place * octets.length)), octets.length];
  at.sort((one, other) => one - other);
  return at.map((end, index) => octets.subarray(at[index - 1] ?? 0, end));
}

describe("LineDecoder", () => {
  test.prop([
    fc.array(jsonLine, { maxLength: 10 }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }),
  ])(
    "gives the same lines however the octets are cut, even inside a character",
    (lines, places) => {
      const octets = Buffer.from(lines.map(line => `${line}\n`).join(""));
      const decoder = new LineDecoder();
      expect(cut(octets, places).flatMap(chunk => decoder.push(chunk))).toEqual(lines);
    },
  );

  it("leaves out empty lines and keeps an unfinished one back", () => {
    const decoder = new LineDecoder();
    expect(decoder.push(Buffer.from("\n\r\n{}\r\n\n{"))).toEqual(["{}"]);
    expect(decoder.push(Buffer.from("}\n"))).toEqual(["{}"]);
  });

  it("does not depend on a chunk's memory after it was pushed", () => {
    const decoder = new LineDecoder();
    const chunk = Buffer.from("{}\n[1,");
    decoder.push(chunk);
    chunk.fill(0);
    expect(decoder.push(Buffer.from("2]\n"))).toEqual(["[1,2]"]);
  });

  it("refuses a line longer than its limit, complete or not", () => {
    expect(() => new LineDecoder(4).push(Buffer.from("12345"))).toThrow(ApiError);
    expect(() => new LineDecoder(4).push(Buffer.from("12345\n"))).toThrow("longer than 4 octets");
    expect(new LineDecoder(4).push(Buffer.from("1234\n1234\n"))).toEqual(["1234", "1234"]);
  });
});

describe("parseWatchEvent", () => {
  it("reads objects, bookmarks and errors", () => {
    const object = { kind: "Service", metadata: { name: "web", resourceVersion: "7" } };
    for (const type of ["ADDED", "MODIFIED", "DELETED"]) {
      expect(parseWatchEvent(JSON.stringify({ type, object }))).toEqual({ type, object });
    }
    expect(parseWatchEvent(JSON.stringify({ type: "BOOKMARK", object }))).toEqual({
      type: "BOOKMARK",
      resourceVersion: "7",
    });
    const status = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
    const event = parseWatchEvent(JSON.stringify({ type: "ERROR", object: status }));
    expect(event).toMatchObject({ type: "ERROR", error: { status: 410, reason: "Expired" } });
  });

  it("knows nothing of other types, and refuses what is no event", () => {
    expect(parseWatchEvent('{"type":"LATER","object":{}}')).toBeUndefined();
    expect(parseWatchEvent('{"type":"BOOKMARK","object":{}}')).toBeUndefined();
    for (const line of ["nonsense", "null", "1", "{}", '{"type":"ADDED","object":null}']) {
      expect(() => parseWatchEvent(line)).toThrow(ApiError);
    }
  });

  test.prop([fc.json()])("throws nothing but ApiError, whatever JSON comes", json => {
    try {
      parseWatchEvent(json);
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError);
    }
    expect(json).toBeTypeOf("string");
  });
});
