/** The little of ASN.1 DER (X.690) that a certificate needs: encoding only. */

const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value with any tag; `parts` are the octets of its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.sequence, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.set, ...parts);
}

/** A context-specific constructed value, as in `[3] EXPLICIT`. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return der(0xa0 | number, ...parts);
}

/** A positive integer from its octets, most significant first. */
export function integer(octets: Uint8Array): Buffer {
  const needsZero = ((octets[0] ?? 0) & 0x80) !== 0;
  return der(Tag.integer, needsZero ? Buffer.from([0]) : Buffer.alloc(0), octets);
}

export function boolean(value: boolean): Buffer {
  return der(Tag.boolean, Buffer.from([value ? 0xff : 0]));
}

/** Whole octets: no unused bits. */
export function bitString(octets: Uint8Array): Buffer {
  return der(Tag.bitString, Buffer.from([0]), octets);
}

export function octetString(...parts: readonly Uint8Array[]): Buffer {
  return der(Tag.octetString, ...parts);
}

export function utf8String(text: string): Buffer {
  return der(Tag.utf8String, Buffer.from(text, "utf8"));
}

/** A time in a certificate: UTCTime before 2050, GeneralizedTime from then on (RFC 5280 §4.1.2.5). Whole seconds. */
export function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-:T]/g, "");
  if (digits >= "2050") return der(Tag.generalizedTime, Buffer.from(`${digits}Z`, "latin1"));
  return der(Tag.utcTime, Buffer.from(`${digits.slice(2)}Z`, "latin1"));
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(Tag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) octets.unshift((left & 0x7f) | 0x80);
  return octets;
}

function length(value: number): Buffer {
  if (value < 0x80) return Buffer.from([value]);
  const octets: number[] = [];
  for (let left = value; left > 0; left >>>= 8) octets.unshift(left & 0xff);
  return Buffer.from([0x80 | octets.length, ...octets]);
}
