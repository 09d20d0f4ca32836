import { test, fc } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  formatMacAddress,
  isSameMac,
  parseMacAddress,
  toMulticastMac,
} from "../../../../lib/net/mac-address";

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

describe("MAC addresses", () => {
  test.prop([mac])("text and back, in either case", one => {
    const text = formatMacAddress(one);
    for (const given of [text, text.toUpperCase()]) {
      const parsed = parseMacAddress(given);
      expect(parsed.ok && isSameMac(parsed.value, one)).toBe(true);
    }
  });

  test.prop([mac, mac])("are the same only with the same octets", (left, right) => {
    expect(isSameMac(left, right)).toBe(Buffer.compare(left, right) === 0);
  });

  it.each(["", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01", "2:0:0:0:0:1"])(
    "refuses %j",
    text => {
      expect(parseMacAddress(text)).toEqual({ ok: false, error: { text } });
    },
  );

  it("maps an IPv6 group to 33:33 and its last four octets (RFC 2464 §7)", () => {
    const group = Buffer.from("ff0200000000000000000001ff0e8c6c", "hex");
    expect(formatMacAddress(toMulticastMac(group))).toBe("33:33:ff:0e:8c:6c");
  });
});
