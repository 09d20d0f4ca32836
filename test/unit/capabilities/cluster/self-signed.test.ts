import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { describe, expect, it } from "vitest";
import { createSelfSigned } from "../../../../capabilities/cluster/self-signed";

const nowMs = Date.parse("2026-11-25T12:00:00Z");
const { certificate, key } = createSelfSigned("metrics", nowMs);
const read = new X509Certificate(certificate);

describe("createSelfSigned", () => {
  it("gives a pair that a server can be opened with", () => {
    expect(() => createSecureContext({ cert: certificate, key })).not.toThrow();
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
  });

  it("signs itself", () => {
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.issuer).toBe(read.subject);
  });

  it("names its host, for ten years and an hour before (RFC 5280 §4.1.2.5)", () => {
    expect(read.checkHost("metrics")).toBe("metrics");
    expect(Date.parse(read.validFrom)).toBe(nowMs - 3_600_000);
    expect(Date.parse(read.validTo)).toBe(nowMs + 10 * 365 * 24 * 3_600_000);
  });

  it("writes years from 2050 on with four digits", () => {
    const late = createSelfSigned("metrics", Date.parse("2045-06-01T00:00:00Z"));
    expect(new X509Certificate(late.certificate).validTo).toContain("2055");
  });

  it("has another positive serial number each time", () => {
    const other = new X509Certificate(createSelfSigned("metrics", nowMs).certificate);
    expect(other.serialNumber).not.toBe(read.serialNumber);
    expect(read.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });
});
