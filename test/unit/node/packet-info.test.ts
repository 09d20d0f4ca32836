import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { parsePacketInfo } from "../../../node/packet-info";
import { ip } from "../../support/frames";

/** One control message: header of 16 octets, data, padded to 8. */
function control(level: number, type: number, data: Buffer): Buffer {
  const bytes = Buffer.alloc((16 + data.length + 7) & ~7);
  bytes.writeBigUInt64LE(BigInt(16 + data.length), 0);
  bytes.writeInt32LE(level, 8);
  bytes.writeInt32LE(type, 12);
  data.copy(bytes, 16);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

const IPV4_INFO = control(0, 8, Buffer.from("03000000c0000209c0000201", "hex"));
const IPV4_TTL = control(0, 2, int32(255));

it("reads interface, destination and TTL of an IPv4 datagram (ip(7))", () => {
  const expected = { interfaceIndex: 3, destination: ip("192.0.2.1"), ttl: 255 };
  expect(parsePacketInfo(Buffer.concat([IPV4_TTL, IPV4_INFO]))).toEqual(expected);
  expect(parsePacketInfo(Buffer.concat([IPV4_INFO, IPV4_TTL]))).toEqual(expected);
});

it("reads them of an IPv6 datagram (RFC 3542), whatever stands between", () => {
  const address = "20010db8000000000000000000000001";
  const info = control(41, 50, Buffer.from(`${address}07000000`, "hex"));
  const other = control(1, 35, Buffer.alloc(16));
  const hopLimit = control(41, 52, int32(64));
  expect(parsePacketInfo(Buffer.concat([other, info, hopLimit]))).toEqual({
    interfaceIndex: 7,
    destination: ip("2001:db8::1"),
    ttl: 64,
  });
});

it("knows nothing without one of them, or when a message is cut or runs over", () => {
  const overrun = Buffer.from(IPV4_INFO);
  overrun.writeBigUInt64LE(400n, 0);
  const short = control(0, 8, Buffer.alloc(4));
  for (const octets of [
    Buffer.alloc(0),
    IPV4_TTL,
    IPV4_INFO,
    Buffer.concat([IPV4_TTL, IPV4_INFO.subarray(0, 20)]),
    Buffer.concat([IPV4_TTL, overrun]),
    Buffer.concat([IPV4_TTL, short]),
  ]) {
    expect(parsePacketInfo(octets)).toBeUndefined();
  }
});

test.prop([fc.uint8Array({ maxLength: 160 })])("is total", octets => {
  expect(() => parsePacketInfo(Buffer.from(octets))).not.toThrow();
});
