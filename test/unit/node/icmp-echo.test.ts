import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { encodeEchoRequest, isEchoReply } from "../../../node/icmp-echo";

/** An IPv4 packet without options around ICMP octets. */
function packet(icmp: Buffer, headerOctets = 20): Buffer {
  const header = Buffer.alloc(headerOctets);
  header.writeUInt8(0x40 | (headerOctets / 4), 0);
  return Buffer.concat([header, icmp]);
}

it("encodes type 8, code 0, identifier and sequence number (RFC 792)", () => {
  expect(encodeEchoRequest(0x1234, 7).toString("hex")).toBe("0800000012340007");
});

it("knows the answers to its own requests, with and without IP options", () => {
  const reply = Buffer.from("0000edcb12340007", "hex");
  expect(isEchoReply(packet(reply), 0x1234)).toBe(true);
  expect(isEchoReply(packet(reply, 24), 0x1234)).toBe(true);
  expect(isEchoReply(packet(reply), 0x1235)).toBe(false);
  expect(isEchoReply(packet(encodeEchoRequest(0x1234, 7)), 0x1234)).toBe(false);
});

test.prop([fc.uint8Array({ maxLength: 80 })])("never throws", octets => {
  expect(typeof isEchoReply(Buffer.from(octets), 1)).toBe("boolean");
});
