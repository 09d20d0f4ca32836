/** Loads golden vectors: one JSON file per case under test/golden/<room>, octets as hexadecimal spaced by field. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface GoldenCase<Decoded> {
  readonly name: string;
  /** RFC example, or a capture with program and version. */
  readonly source: string;
  readonly hex: string;
  readonly decoded: Decoded;
  /** False when our encoder would write the same message in other octets. */
  readonly isCanonical?: boolean;
}

const GOLDEN_DIR = join(__dirname, "..", "golden");

/** Every case of the room, by file name; an empty or missing folder throws, so that no test passes for want of vectors. */
export function loadGolden<Decoded>(room: string): readonly GoldenCase<Decoded>[] {
  const folder = join(GOLDEN_DIR, room);
  const files = readdirSync(folder)
    .filter(file => file.endsWith(".json"))
    .sort();
  if (files.length === 0) throw new Error(`no golden vectors in ${folder}`);
  return files.map(file => readCase<Decoded>(join(folder, file)));
}

/** The octets of hexadecimal text; blanks are ignored. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hexadecimal: ${text}`);
  return new Uint8Array(Buffer.from(digits, "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function readCase<Decoded>(path: string): GoldenCase<Decoded> {
  const value = JSON.parse(readFileSync(path, "utf8")) as GoldenCase<Decoded>;
  if (typeof value.name !== "string" || typeof value.hex !== "string") {
    throw new Error(`${path} is not a golden case`);
  }
  return value;
}
