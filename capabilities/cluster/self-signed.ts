/**
 * A certificate that signs itself (RFC 5280, ECDSA P-256), for a server whose callers do not know an authority: metrics as MetalLB
 * gives them. Written out in DER, which has one way to say a thing, so that no node has to carry a library for it.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate and its private key, both PEM. */
export interface SelfSigned {
  readonly certificate: string;
  readonly key: string;
}

const HOUR_MS = 60 * 60 * 1000;
const VALID_MS = 10 * 365 * 24 * HOUR_MS;

const Tag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
} as const;

/** The identifiers' contents, as DER has them. */
const ECDSA_WITH_SHA256 = Buffer.from("2a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("550403", "hex");
const SUBJECT_ALT_NAME = Buffer.from("551d11", "hex");

/** A new pair for this DNS name, valid for ten years; an hour is given away at the start to clocks that run behind. */
export function createSelfSigned(host: string, nowMs: number): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(Tag.sequence, der(Tag.objectIdentifier, ECDSA_WITH_SHA256));
  const body = der(
    Tag.sequence,
    der(Tag.version, der(Tag.integer, Buffer.from([2]))),
    der(Tag.integer, serialNumber()),
    algorithm,
    distinguishedName(host),
    der(Tag.sequence, time(nowMs - HOUR_MS), time(nowMs + VALID_MS)),
    distinguishedName(host),
    publicKey.export({ type: "spki", format: "der" }),
    der(Tag.extensions, der(Tag.sequence, subjectAltName(host))),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = der(Tag.sequence, body, algorithm, bitString(signature));
  return {
    certificate: toPem(certificate),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** Tag, length in its shortest form (X.690 §10.1), contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const digits = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length, ...digits]), content]);
}

/** Positive, of 16 octets (§4.1.2.2). */
function serialNumber(): Buffer {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return octets;
}

function distinguishedName(commonName: string): Buffer {
  const name = der(Tag.utf8String, Buffer.from(commonName));
  const attribute = der(Tag.sequence, der(Tag.objectIdentifier, COMMON_NAME), name);
  return der(Tag.sequence, der(Tag.set, attribute));
}

/** Two digits of the year up to 2049, four from then on (§4.1.2.5). */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, "");
  const isShort = digits < "2050";
  const text = isShort ? digits.slice(2) : digits;
  return der(isShort ? Tag.utcTime : Tag.generalizedTime, Buffer.from(text));
}

function subjectAltName(host: string): Buffer {
  const names = der(Tag.sequence, der(Tag.dnsName, Buffer.from(host)));
  return der(
    Tag.sequence,
    der(Tag.objectIdentifier, SUBJECT_ALT_NAME),
    der(Tag.octetString, names),
  );
}

/** No unused bits. */
function bitString(octets: Uint8Array): Buffer {
  return der(Tag.bitString, Buffer.from([0]), octets);
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
