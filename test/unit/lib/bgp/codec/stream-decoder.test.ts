import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../../../lib/bgp/codec/message";
import { StreamDecoder } from "../../../../../lib/bgp/codec/stream-decoder";
import { message } from "../support/arbitraries";
import { fromHex, loadMessages, toHex } from "../support/golden";

const KEEPALIVE = encodeMessage({ type: "keepalive" });
const ROOMY = { hasFourOctetAs: true, maxMessageOctets: 65_535 };

function readAll(decoder: StreamDecoder, chunks: Iterable<Uint8Array>): string[] {
  const messages: string[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      if (!frame.ok) return [...messages, `error ${frame.error.code}/${frame.error.subcode}`];
      messages.push(toHex(frame.value.octets));
    }
  }
  return messages;
}

function* cut(octets: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let offset = 0;
  for (let index = 0; offset < octets.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    yield octets.slice(offset, offset + size);
    offset += size;
  }
}

describe("StreamDecoder", () => {
  test.prop([
    fc.array(message, { minLength: 1, maxLength: 5 }),
    fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 6 }),
  ])("gives the same messages for any chunking", (values, sizes) => {
    const encoded = values.map(value => encodeMessage(value, ROOMY));
    const decoder = new StreamDecoder();
    decoder.maxMessageOctets = 65_535;
    const stream = Uint8Array.from(encoded.flatMap(octets => [...octets]));
    expect(readAll(decoder, cut(stream, sizes))).toEqual(encoded.map(toHex));
    expect(decoder.pendingOctets).toBe(0);
  });

  it("gives every captured message when the stream comes octet by octet", () => {
    const cases = loadMessages();
    const stream = fromHex(cases.map(({ hex }) => hex).join(""));
    expect(readAll(new StreamDecoder(), cut(stream, [1]))).toEqual(
      cases.map(({ hex }) => hex.replaceAll(" ", "")),
    );
  });

  it("waits for the rest of every proper prefix", () => {
    for (const { hex } of loadMessages()) {
      const octets = fromHex(hex);
      for (let length = 1; length < octets.length; length += 1) {
        const decoder = new StreamDecoder();
        decoder.push(octets.subarray(0, length));
        expect(decoder.next()).toBeUndefined();
        expect(decoder.pendingOctets).toBe(length);
      }
    }
  });

  it("refuses a length above the maximum before the body has come, and stays refused", () => {
    const decoder = new StreamDecoder();
    const header = KEEPALIVE.slice();
    header.set([0xff, 0xff, 2], 16);
    decoder.push(header);
    const first = decoder.next();
    expect(first).toMatchObject({ ok: false, error: { code: 1, subcode: 2 } });
    decoder.push(KEEPALIVE);
    expect(decoder.next()).toEqual(first);
    expect(decoder.pendingOctets).toBe(0);
  });

  it("takes the new maximum from the next message of the same chunk on", () => {
    const long = new Uint8Array(5_000);
    long.set(KEEPALIVE);
    long.set([5_000 >> 8, 5_000 & 0xff, 2], 16);
    const decoder = new StreamDecoder();
    decoder.push(new Uint8Array([...KEEPALIVE, ...long]));
    expect(decoder.next()).toMatchObject({ ok: true, value: { type: 4 } });
    decoder.maxMessageOctets = 65_535;
    expect(decoder.next()).toMatchObject({ ok: true, value: { type: 2 } });
  });

  it("holds no more than one message and the last chunk", () => {
    const decoder = new StreamDecoder();
    const stream = new Uint8Array(64 * 19);
    for (let index = 0; index < 64; index += 1) stream.set(KEEPALIVE, index * 19);
    let seen = 0;
    for (const chunk of cut(stream, [7])) {
      decoder.push(chunk);
      while (decoder.next() !== undefined) seen += 1;
      expect(decoder.pendingOctets).toBeLessThan(19 + 7);
    }
    expect(seen).toBe(64);
  });
});
