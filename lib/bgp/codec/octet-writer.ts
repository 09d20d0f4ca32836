/** A growing buffer in network byte order for the encoders. Values out of range are bugs of ours and crash. */
import { assert } from "../../net/result";

export class OctetWriter {
  #octets = new Uint8Array(64);
  #view = new DataView(this.#octets.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    assert(isUnsigned(value, 0xff), `u8 ${value}`);
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    assert(isUnsigned(value, 0xffff), `u16 ${value}`);
    this.#reserve(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    assert(isUnsigned(value, 0xffff_ffff), `u32 ${value}`);
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  u64(value: bigint): this {
    assert(value >= 0n && value <= 0xffff_ffff_ffff_ffffn, `u64 ${String(value)}`);
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, value);
    this.#length += 8;
    return this;
  }

  octets(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#octets.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Writes `u16(length of what write adds)` in front of it. */
  lengthPrefixed16(write: (writer: this) => void): this {
    const at = this.#length;
    this.u16(0);
    write(this);
    const length = this.#length - at - 2;
    assert(length <= 0xffff, `field of ${length} octets`);
    this.#view.setUint16(at, length);
    return this;
  }

  /** Overwrites two octets written before. */
  patchU16(offset: number, value: number): this {
    assert(offset + 2 <= this.#length && isUnsigned(value, 0xffff), `patch ${value} at ${offset}`);
    this.#view.setUint16(offset, value);
    return this;
  }

  /** A copy of all that was written. */
  finish(): Uint8Array {
    return this.#octets.slice(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#octets.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#octets.length * 2));
    grown.set(this.#octets);
    this.#octets = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function isUnsigned(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
