/** Golden vectors of BGP: loads `test/golden/bgp`, and turns messages into JSON and back. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  INITIAL_CONTEXT,
  type BgpMessage,
  type CodecContext,
} from "../../../../../lib/bgp/codec/message";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../../../../../lib/net/ip-address";
import { formatIpPrefix, parseIpPrefix, type IpPrefix } from "../../../../../lib/net/ip-prefix";

const ROOT = join(__dirname, "../../../../golden/bgp");

/** A message as the wire has it and as the decoder shall give it. */
export interface GoldenMessage {
  readonly name: string;
  readonly source: string;
  readonly context?: Partial<CodecContext>;
  readonly hex: string;
  /** What the encoder makes of `decoded`, where the source chose another of several legal encodings. */
  readonly encodesTo?: string;
  readonly decoded: unknown;
}

/** A malformed message, what is wrong with it and what follows. */
export interface MalformedMessage {
  readonly name: string;
  readonly source: string;
  readonly context?: Partial<CodecContext>;
  readonly hex: string;
  /** First defect: of a `reset` the code, subcode and data of the NOTIFICATION. */
  readonly error: {
    readonly reaction: "reset" | "treatAsWithdraw" | "attributeDiscard";
    readonly code: number;
    readonly subcode: number;
    readonly data?: string;
    readonly reason: string;
  };
}

/** Every message as other implementations sent it. */
export function loadMessages(): readonly GoldenMessage[] {
  return loadFolder("messages") as readonly GoldenMessage[];
}

/** Every malformed message. */
export function loadMalformed(): readonly MalformedMessage[] {
  return loadFolder("malformed") as readonly MalformedMessage[];
}

/** The cases of a folder; an empty folder is an error, so that tests cannot pass by finding nothing. */
function loadFolder(folder: string): readonly unknown[] {
  const names = readdirSync(join(ROOT, folder)).filter(name => name.endsWith(".json"));
  if (names.length === 0) throw new Error(`no golden vectors in ${folder}`);
  return names
    .sort()
    .map((name): unknown => JSON.parse(readFileSync(join(ROOT, folder, name), "utf8")));
}

export function toContext(context: Partial<CodecContext> | undefined): CodecContext {
  return { ...INITIAL_CONTEXT, ...context };
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString("hex");
}

/** Plain JSON of a message: addresses and prefixes as text, octets and 64-bit numbers as hexadecimal. */
export function toJson(message: BgpMessage): unknown {
  return JSON.parse(
    JSON.stringify(message, (_key, value: unknown) => {
      if (value instanceof Uint8Array) return toHex(value);
      if (typeof value === "bigint") return value.toString(16).padStart(16, "0");
      if (isPrefix(value)) return formatIpPrefix(value);
      return isAddress(value) ? formatIpAddress(value) : value;
    }),
  );
}

/** The message of its JSON. */
export function fromJson(json: unknown): BgpMessage {
  return JSON.parse(JSON.stringify(json), (key, value: unknown) =>
    revive(key, value),
  ) as BgpMessage;
}

function revive(key: string, value: unknown): unknown {
  switch (key) {
    case "address":
    case "nextHop":
    case "linkLocalNextHop":
      return toAddress(value as string);
    case "nlri":
    case "withdrawn":
      return (value as string[]).map(toPrefix);
    case "value":
    case "data":
      return fromHex(value as string);
    case "communities":
      return (value as unknown[]).map(entry =>
        typeof entry === "string" ? BigInt(`0x${entry}`) : entry,
      );
    default:
      return value;
  }
}

/** The address of its text; wrong text is a bug of the test. */
export function toAddress(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

/** The prefix of its text; wrong text is a bug of the test. */
export function toPrefix(text: string): IpPrefix {
  const parsed = parseIpPrefix(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

function isAddress(value: unknown): value is IpAddress {
  return typeof value === "object" && value !== null && "family" in value && "value" in value;
}

function isPrefix(value: unknown): value is IpPrefix {
  return isAddress(value) && "lengthBits" in value;
}
