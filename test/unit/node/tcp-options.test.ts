import { describe, expect, it } from "vitest";
import { parseIpAddress } from "../../../lib/net/ip-address";
import { encodeMd5Signature } from "../../../node/tcp-options";

function signature(peer: string, password: string): Buffer {
  const address = parseIpAddress(peer);
  if (!address.ok) throw new Error(peer);
  return encodeMd5Signature(address.value, password);
}

describe("struct tcp_md5sig", () => {
  it("names an IPv4 peer and holds the key without a terminator", () => {
    const bytes = signature("192.0.2.2", "secret");
    expect(bytes).toHaveLength(216);
    expect(bytes.subarray(0, 8).toString("hex")).toBe("02000000c0000202");
    expect(bytes.readUInt16LE(130)).toBe(6);
    expect(bytes.subarray(136, 143).toString("latin1")).toBe("secret\0");
  });

  it("names an IPv6 peer", () => {
    const bytes = signature("2001:db8::2", "s");
    expect(bytes.readUInt16LE(0)).toBe(10);
    expect(bytes.subarray(8, 24).toString("hex")).toBe("20010db8000000000000000000000002");
  });

  it("counts octets, not characters, up to 80", () => {
    expect(signature("192.0.2.2", "ü".repeat(40)).readUInt16LE(130)).toBe(80);
    for (const password of ["", "x".repeat(81), "ü".repeat(41)]) {
      expect(() => signature("192.0.2.2", password)).toThrow(/1 to 80 octets/);
    }
  });

  it("is not told when it is refused", () => {
    const password = `canary${"x".repeat(80)}`;
    expect(() => signature("192.0.2.2", password)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("canary") as string }),
    );
  });
});
