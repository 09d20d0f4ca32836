/**
 * The certificate of the webhooks: an authority of our own and a server certificate signed by it (RFC 5280, ECDSA on P-256).
 * The API server trusts the authority through the `caBundle` of the webhook configurations, nobody else does.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { parseIpAddress, toAddressBytes } from "../../lib/net/ip-address";
import * as der from "./der";

const DAY_MS = 24 * 60 * 60 * 1000;
const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 365;
/** MetalLB renews below this too. */
export const RENEW_BELOW_DAYS = 90;

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** A new authority, valid for ten years. Its name is the one that MetalLB's has. */
export function createAuthority(nowMs: number): CertifiedKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = distinguishedName("cert", "metallb");
  const certificate = issue({
    issuer: name,
    subject: name,
    subjectKey: privateKey,
    issuerKey: privateKey,
    nowMs,
    days: AUTHORITY_DAYS,
    extensions: [
      extension(Oid.basicConstraints, true, der.sequence(der.boolean(true))),
      // keyCertSign and cRLSign, bits 5 and 6 (§4.2.1.3).
      extension(Oid.keyUsage, true, der.der(0x03, Buffer.from([1, 0x06]))),
    ],
  });
  return { certificate, key: pem(privateKey) };
}

/** A server certificate for these names and addresses, signed by the authority, valid for a year. */
export function createServerCertificate(
  authority: CertifiedKey,
  hosts: readonly string[],
  nowMs: number,
): CertifiedKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const alternatives = hosts.map(host => generalName(host));
  const certificate = issue({
    issuer: distinguishedName("cert", "metallb"),
    subject: distinguishedName(hosts[0] ?? "herald", "metallb"),
    subjectKey: privateKey,
    issuerKey: createPrivateKey(authority.key),
    nowMs,
    days: SERVER_DAYS,
    extensions: [
      extension(Oid.basicConstraints, true, der.sequence()),
      extension(Oid.extendedKeyUsage, false, der.sequence(der.oid(Oid.serverAuth))),
      extension(Oid.subjectAltName, false, der.sequence(...alternatives)),
    ],
  });
  return { certificate, key: pem(privateKey) };
}

/** True while the pair is the authority's, names every host and is valid for longer than the renewal time. */
export function isServerCertificateGood(
  authority: CertifiedKey,
  server: CertifiedKey,
  hosts: readonly string[],
  nowMs: number,
): boolean {
  try {
    const certificate = new X509Certificate(server.certificate);
    return (
      certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(server.key)) &&
      Date.parse(certificate.validTo) - nowMs > RENEW_BELOW_DAYS * DAY_MS &&
      hosts.every(host => namesHost(certificate, host))
    );
  } catch {
    // Whatever cannot be read is not good: a new one is made.
    return false;
  }
}

const Oid = {
  commonName: "2.5.4.3",
  organizationName: "2.5.4.10",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
} as const;

interface IssueOptions {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly subjectKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly nowMs: number;
  readonly days: number;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280 §4.1. An hour is given away at the start to clocks that run behind. */
function issue(options: IssueOptions): string {
  const algorithm = der.sequence(der.oid(Oid.ecdsaWithSha256));
  const serialNumber = randomBytes(16);
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40;
  const spki = createPublicKey(options.subjectKey).export({ type: "spki", format: "der" });
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(serialNumber),
    algorithm,
    options.issuer,
    der.sequence(
      der.time(options.nowMs - DAY_MS / 24),
      der.time(options.nowMs + options.days * DAY_MS),
    ),
    options.subject,
    spki,
    der.explicit(3, der.sequence(...options.extensions)),
  );
  const signature = sign("sha256", toBeSigned, options.issuerKey);
  const octets = der.sequence(toBeSigned, algorithm, der.bitString(signature));
  const lines = octets.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string, organization: string): Buffer {
  const attribute = (type: string, value: string): Buffer =>
    der.set(der.sequence(der.oid(type), der.utf8String(value)));
  return der.sequence(
    attribute(Oid.organizationName, organization),
    attribute(Oid.commonName, commonName),
  );
}

function extension(type: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [der.boolean(true)] : [];
  return der.sequence(der.oid(type), ...critical, der.octetString(value));
}

/** GeneralName (§4.2.1.6): `[7] iPAddress` or `[2] dNSName`. */
function generalName(host: string): Buffer {
  const address = parseIpAddress(host);
  if (address.ok) return der.der(0x87, toAddressBytes(address.value));
  return der.der(0x82, Buffer.from(host, "latin1"));
}

function namesHost(certificate: X509Certificate, host: string): boolean {
  const isAddress = parseIpAddress(host).ok;
  const found = isAddress ? certificate.checkIP(host) : certificate.checkHost(host);
  return found !== undefined;
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
