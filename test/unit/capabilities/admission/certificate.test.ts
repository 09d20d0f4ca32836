import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import {
  createAuthority,
  createServerCertificate,
  hostsOf,
  isAuthorityGood,
  isServerCertificateGood,
  RENEW_BELOW_DAYS,
} from "../../../../capabilities/admission/certificate";

const DAY_MS = 24 * 60 * 60 * 1000;
const hosts = ["metallb-webhook-service.metallb-system.svc", "127.0.0.1", "fd00:1::2"];

describe("createAuthority", () => {
  it("signs itself, may sign others and lives ten years (RFC 5280 §4.2.1.9)", async () => {
    const nowMs = Date.UTC(2026, 10, 25);
    const { certificate, key } = await createAuthority(nowMs);
    const read = new X509Certificate(certificate);
    expect(read.ca).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(Date.parse(read.validTo)).toBe(nowMs + 3650 * DAY_MS);
    expect(read.subject).toBe("O=metallb\nCN=cert");
  });
});

describe("createServerCertificate", () => {
  it("names every host, as name or address", async () => {
    const authority = await createAuthority(Date.now());
    const { certificate } = await createServerCertificate(authority, hosts, Date.now());
    const read = new X509Certificate(certificate);
    expect(read.ca).toBe(false);
    expect(read.checkHost(hosts[0]!)).toBe(hosts[0]);
    expect(read.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(read.checkIP("fd00:1::2")).toBe("fd00:1::2");
    expect(read.checkHost("elsewhere.svc")).toBeUndefined();
    expect(read.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(
      hostsOf(certificate).map(
        host => new URL(`https://${host.includes(":") ? `[${host}]` : host}`).hostname,
      ),
    ).toEqual([hosts[0], "127.0.0.1", "[fd00:1::2]"]);
  });

  it("is a certificate that a TLS client accepts which trusts the authority alone", async () => {
    const authority = await createAuthority(Date.now());
    const { certificate, key } = await createServerCertificate(authority, hosts, Date.now());
    const server = createServer({ cert: certificate, key }, (_request, response) => {
      response.end("heard");
    });
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const ca = authority.certificate;
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request({ host: "127.0.0.1", port, ca, agent: false }, answer => {
          answer.resume();
          resolve(answer.statusCode);
        });
        asked.on("error", reject);
        asked.end();
      });
      expect(status).toBe(200);
    } finally {
      server.close();
    }
  });

  it("uses UTCTime before 2050 and GeneralizedTime from then on (RFC 5280 §4.1.2.5)", async () => {
    const nowMs = Date.UTC(2049, 5, 1);
    const authority = await createAuthority(nowMs);
    const { certificate } = await createServerCertificate(authority, hosts, nowMs);
    const read = new X509Certificate(certificate);
    expect(read.raw.includes(Buffer.from("490531230000Z", "latin1"))).toBe(true);
    expect(read.raw.includes(Buffer.from("20500601000000Z", "latin1"))).toBe(true);
    expect(Date.parse(read.validTo)).toBe(nowMs + 365 * DAY_MS);
  });
});

describe("isServerCertificateGood", async () => {
  const nowMs = Date.UTC(2026, 10, 25);
  const authority = await createAuthority(nowMs);
  const server = await createServerCertificate(authority, hosts, nowMs);
  const other = await createAuthority(nowMs);
  const lateMs = nowMs + (365 - RENEW_BELOW_DAYS) * DAY_MS;

  it.each([
    { what: "just made", of: authority, pair: server, names: hosts, atMs: nowMs, good: true },
    {
      what: "of some names",
      of: authority,
      pair: server,
      names: [hosts[0]!],
      atMs: nowMs,
      good: true,
    },
    {
      what: "of another authority",
      of: other,
      pair: server,
      names: hosts,
      atMs: nowMs,
      good: false,
    },
    {
      what: "without a name",
      of: authority,
      pair: server,
      names: ["other"],
      atMs: nowMs,
      good: false,
    },
    { what: "near its end", of: authority, pair: server, names: hosts, atMs: lateMs, good: false },
    {
      what: "with another key",
      of: authority,
      pair: { certificate: server.certificate, key: other.key },
      names: hosts,
      atMs: nowMs,
      good: false,
    },
    {
      what: "that is no certificate",
      of: authority,
      pair: { certificate: "", key: "" },
      names: hosts,
      atMs: nowMs,
      good: false,
    },
  ])("is $good for one $what", ({ of, pair, names, atMs, good }) => {
    expect(isServerCertificateGood(of, pair, names, atMs)).toBe(good);
  });
});

describe("isAuthorityGood", async () => {
  const nowMs = Date.UTC(2026, 10, 25);
  const authority = await createAuthority(nowMs);
  const other = await createAuthority(nowMs);
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const ellipticKey = elliptic.export({ type: "pkcs8", format: "pem" }).toString();

  it.each([
    { what: "just made", pair: authority, days: 0, good: true },
    { what: "that outlives a certificate made now", pair: authority, days: 3190, good: true },
    { what: "that does not", pair: authority, days: 3200, good: false },
    { what: "with a foreign key", pair: { ...authority, key: other.key }, days: 0, good: false },
    {
      what: "with a key of another kind",
      pair: { ...authority, key: ellipticKey },
      days: 0,
      good: false,
    },
    { what: "that cannot be read", pair: { certificate: "", key: "" }, days: 0, good: false },
  ])("is $good for one $what", ({ pair, days, good }) => {
    expect(isAuthorityGood(pair, nowMs + days * DAY_MS)).toBe(good);
  });
});
