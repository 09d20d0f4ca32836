import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { decodeArpFrame, encodeArpFrame, type ArpFrame } from "../../../../lib/arp/message";
import { formatIpAddress } from "../../../../lib/net/ip-address";
import { formatMacAddress } from "../../../../lib/net/mac-address";
import { ok } from "../../../../lib/net/result";
import {
  anyArpFrame,
  anyMutations,
  expectPrefixesTruncated,
  ip,
  mac,
  mutate,
} from "../../../support/frames";
import { fromHex, loadGolden, toHex } from "../../../support/golden";

const ARP_FRAME_OCTETS = 42;

type ArpFrameText = Record<Exclude<keyof ArpFrame, "operation">, string> & { operation: 1 | 2 };

function toText(frame: ArpFrame): ArpFrameText {
  return {
    destination: formatMacAddress(frame.destination),
    source: formatMacAddress(frame.source),
    operation: frame.operation,
    senderHardwareAddress: formatMacAddress(frame.senderHardwareAddress),
    senderProtocolAddress: formatIpAddress(frame.senderProtocolAddress),
    targetHardwareAddress: formatMacAddress(frame.targetHardwareAddress),
    targetProtocolAddress: formatIpAddress(frame.targetProtocolAddress),
  };
}

function fromText(text: ArpFrameText): ArpFrame {
  return {
    destination: mac(text.destination),
    source: mac(text.source),
    operation: text.operation,
    senderHardwareAddress: mac(text.senderHardwareAddress),
    senderProtocolAddress: ip(text.senderProtocolAddress),
    targetHardwareAddress: mac(text.targetHardwareAddress),
    targetProtocolAddress: ip(text.targetProtocolAddress),
  };
}

function codeOf(bytes: Uint8Array): string {
  const decoded = decodeArpFrame(bytes);
  return decoded.ok ? "ok" : decoded.error.code;
}

describe("golden ARP frames", () => {
  for (const golden of loadGolden<ArpFrameText>("arp")) {
    it(`${golden.name} (${golden.source})`, () => {
      const bytes = fromHex(golden.hex);
      const decoded = decodeArpFrame(bytes);
      expect(decoded.ok && toText(decoded.value)).toEqual(golden.decoded);
      const encoded = encodeArpFrame(fromText(golden.decoded));
      expect(toHex(encoded)).toBe(toHex(bytes.subarray(0, ARP_FRAME_OCTETS)));
      expectPrefixesTruncated(bytes.subarray(0, ARP_FRAME_OCTETS), codeOf);
    });
  }
});

describe("decodeArpFrame", () => {
  test.prop([anyArpFrame])("inverts encodeArpFrame", frame => {
    expect(decodeArpFrame(encodeArpFrame(frame))).toEqual(ok(frame));
  });

  test.prop([anyArpFrame, fc.uint8Array({ maxLength: 1472 })])("ignores padding", (frame, pad) => {
    const padded = new Uint8Array([...encodeArpFrame(frame), ...pad]);
    expect(decodeArpFrame(padded)).toEqual(ok(frame));
  });

  test.prop([fc.uint8Array({ maxLength: 128 })])("never throws on random octets", bytes => {
    expect(["truncated", "unsupported"]).toContain(codeOf(bytes));
  });

  test.prop([anyArpFrame, anyMutations], { numRuns: 2000 })(
    "never throws on mutated octets",
    (frame, mutations) => {
      expect(["ok", "unsupported"]).toContain(codeOf(mutate(encodeArpFrame(frame), mutations)));
    },
  );

  const request = fromHex(
    "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000201 000000000000 c0000202",
  );
  it.each([
    ["EtherType", 12, "86dd", 0x86dd],
    ["hardware type", 14, "0006", 6],
    ["protocol type", 16, "86dd", 0x86dd],
    ["hardware length", 18, "08", 8],
    ["protocol length", 19, "10", 16],
    ["operation", 20, "0000", 0],
    ["operation", 20, "0003", 3],
    ["operation", 20, "0009", 9],
    ["operation", 20, "ffff", 65535],
  ])("refuses %s at %i = %s", (field, offset, hex, value) => {
    const bytes = Uint8Array.from(request);
    bytes.set(fromHex(hex), offset);
    expect(decodeArpFrame(bytes)).toEqual({
      ok: false,
      error: { code: "unsupported", field, value },
    });
  });

  it("does not alias its input", () => {
    const bytes = Uint8Array.from(request);
    const decoded = decodeArpFrame(bytes);
    bytes.fill(0);
    expect(decoded.ok && formatMacAddress(decoded.value.source)).toBe("02:00:00:00:00:0a");
  });
});
