/**
 * The certificate of the webhooks: an authority of our own and a server certificate signed by it (RFC 5280, RSA-2048 as
 * MetalLB's). The API server trusts the authority through the `caBundle` of the webhook configurations, nobody else does.
 */
import { createPrivateKey, generateKeyPair, randomBytes, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { promisify } from "node:util";
import forge from "node-forge";
import { parseIpAddress } from "../../lib/net/ip-address";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const AUTHORITY_DAYS = 3650;
const SERVER_DAYS = 365;
/** MetalLB renews below this too. */
export const RENEW_BELOW_DAYS = 90;
/** An authority outlives every certificate that it signs. */
const AUTHORITY_RENEW_BELOW_DAYS = SERVER_DAYS + RENEW_BELOW_DAYS;

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

/** A new authority, valid for ten years. Its name is the one that MetalLB's has. */
export async function createAuthority(nowMs: number): Promise<CertifiedKey> {
  const key = await createKey();
  const certificate = issue({
    commonName: AUTHORITY_NAME,
    subjectKey: key,
    issuerKey: key,
    nowMs,
    days: AUTHORITY_DAYS,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { certificate, key };
}

/** A server certificate for these names and addresses, signed by the authority, valid for a year. */
export async function createServerCertificate(
  authority: CertifiedKey,
  hosts: readonly string[],
  nowMs: number,
): Promise<CertifiedKey> {
  const key = await createKey();
  const certificate = issue({
    commonName: hosts[0] ?? "herald",
    subjectKey: key,
    issuerKey: authority.key,
    nowMs,
    days: SERVER_DAYS,
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: hosts.map(generalName) },
    ],
  });
  return { certificate, key };
}

/** True while the pair belongs together and can sign certificates that it outlives. */
export function isAuthorityGood(authority: CertifiedKey, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(authority.certificate);
    const key = createPrivateKey(authority.key);
    return (
      key.asymmetricKeyType === "rsa" &&
      certificate.checkPrivateKey(key) &&
      isValidFor(certificate, AUTHORITY_RENEW_BELOW_DAYS, nowMs)
    );
  } catch {
    return false;
  }
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
      isValidFor(certificate, RENEW_BELOW_DAYS, nowMs) &&
      hosts.every(host => namesHost(certificate, host))
    );
  } catch {
    // Whatever cannot be read is not good: a new one is made.
    return false;
  }
}

/** Whether a server can be opened with the pair, whatever it names and for however long. */
export function canServeWith({ certificate, key }: CertifiedKey): boolean {
  try {
    createSecureContext({ cert: certificate, key });
    return true;
  } catch {
    return false;
  }
}

/** Whether the text is a certificate in PEM. */
export function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== "";
  } catch {
    return false;
  }
}

/** The names and addresses in a certificate; none when it cannot be read. */
export function hostsOf(certificate: string): readonly string[] {
  try {
    const names = new X509Certificate(certificate).subjectAltName ?? "";
    return names
      .split(", ")
      .map(name => /^(?:DNS|IP Address):(.+)$/.exec(name)?.[1])
      .filter(name => name !== undefined);
  } catch {
    return [];
  }
}

const AUTHORITY_NAME = "cert";

interface IssueOptions {
  readonly commonName: string;
  /** PEM, as is the other. */
  readonly subjectKey: string;
  readonly issuerKey: string;
  readonly nowMs: number;
  readonly days: number;
  readonly extensions: readonly Readonly<Record<string, unknown>>[];
}

/** An hour is given away at the start to clocks that run behind. */
function issue(options: IssueOptions): string {
  const certificate = forge.pki.createCertificate();
  const { n, e } = forge.pki.privateKeyFromPem(options.subjectKey);
  certificate.publicKey = forge.pki.setRsaPublicKey(n, e);
  // A leading 4 keeps it positive and of full length (§4.1.2.2).
  certificate.serialNumber = `4${randomBytes(16).toString("hex").slice(1)}`;
  certificate.validity.notBefore = new Date(options.nowMs - HOUR_MS);
  certificate.validity.notAfter = new Date(options.nowMs + options.days * DAY_MS);
  certificate.setSubject(distinguishedName(options.commonName));
  certificate.setIssuer(distinguishedName(AUTHORITY_NAME));
  certificate.setExtensions([...options.extensions]);
  certificate.sign(forge.pki.privateKeyFromPem(options.issuerKey), forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate).replaceAll("\r", "");
}

function distinguishedName(commonName: string): { name: string; value: string }[] {
  return [
    { name: "organizationName", value: "metallb" },
    { name: "commonName", value: commonName },
  ];
}

/** GeneralName (§4.2.1.6): `[7] iPAddress` or `[2] dNSName`. */
function generalName(host: string): Readonly<Record<string, unknown>> {
  return parseIpAddress(host).ok ? { type: 7, ip: host } : { type: 2, value: host };
}

function namesHost(certificate: X509Certificate, host: string): boolean {
  const isAddress = parseIpAddress(host).ok;
  const found = isAddress ? certificate.checkIP(host) : certificate.checkHost(host);
  return found !== undefined;
}

function isValidFor(certificate: X509Certificate, days: number, nowMs: number): boolean {
  return Date.parse(certificate.validTo) - nowMs > days * DAY_MS;
}

/** Made aside from the event loop: reviews under way do not wait a quarter of a second for it. */
async function createKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
