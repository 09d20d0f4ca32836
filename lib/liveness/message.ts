/**
 * The heartbeat between speakers: bytes ↔ values, sealing included. One datagram on UDP 7946:
 *
 * ```
 *  0      1        2      3            4         12        20        28           28+n
 * +------+--------+------+------------+---------+---------+---------+------------+---------+
 * | B5   | version| type | key number | node id | boot id | counter | body (n)   | tag (16)|
 * +------+--------+------+------------+---------+---------+---------+------------+---------+
 * body:
 *  0               8       10    11      12      14      16
 * +---------------+-------+-----+-------+-------+-------+----------------+-----------------+
 * | start time ms | I ms  | m   | flags | S     | F     | silent (10·S)  | interfaces (12·F)|
 * +---------------+-------+-----+-------+-------+-------+----------------+-----------------+
 * ```
 *
 * The body is AES-256-GCM ciphertext and the first 28 octets are its associated data; nonce = 4 zero octets ‖ counter. Without
 * a secret the body stands in the clear and the tag is zero.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { viewOf } from "../net/ethernet";
import type { MacAddress } from "../net/mac-address";
import { assert, err, ok, type Result } from "../net/result";
import {
  BodyOffset,
  HEARTBEAT_MAGIC,
  HEARTBEAT_VERSION,
  HeaderOffset,
  HeartbeatFlag,
  HeartbeatType,
  INTERFACE_RECORD_OCTETS,
  InterfaceState,
  SILENT_PEER_OCTETS,
  TAG_OCTETS,
} from "./constants";
import { MAX_HEARTBEAT_OCTETS } from "./limits";

/** What identifies a heartbeat; authenticated, not encrypted. */
export interface HeartbeatHeader {
  /** Which secret sealed the body; 0 = none. */
  readonly keyNumber: number;
  /** First 8 octets of SHA-256 of the node name. */
  readonly nodeId: bigint;
  /** Random for each start of a speaker. */
  readonly bootId: bigint;
  /** From 1, never reused within a boot. */
  readonly counter: bigint;
}

export interface SilentPeer {
  readonly nodeId: bigint;
  /** Time since the sender last heard it; 65,535 = longer or never. */
  readonly silentMs: number;
}

export interface InterfaceRecord {
  /** First 4 octets of SHA-256 of the interface name. */
  readonly nameHash: number;
  readonly mac: MacAddress;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** Frames of other hosts arrive on it. */
  readonly isProven: boolean;
}

export interface HeartbeatBody {
  /** Milliseconds since the epoch at process start: orders boot ids, nothing else. */
  readonly startTimeMs: number;
  /** The sender's own interval and multiplier: receivers time it by these. */
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly isEligible: boolean;
  readonly isLeaving: boolean;
  readonly isRestartHold: boolean;
  readonly isSilentListCut: boolean;
  /** The default gateway of the sender does not answer any more. */
  readonly isUplinkLost: boolean;
  readonly silentPeers: readonly SilentPeer[];
  readonly interfaces: readonly InterfaceRecord[];
}

/**
 * Why a datagram is no heartbeat. `unsupported`: not our magic, version or type. `unauthenticated`: sealed with another key,
 * altered, or not sealed although a key is required. `malformed`: a count larger than the body holds, or an absurd start time.
 */
export type HeartbeatProblem =
  | "truncated"
  | "oversized"
  | "unsupported"
  | "unauthenticated"
  | "malformed";

/** First 8 octets of SHA-256 of the node name. */
export function toNodeId(nodeName: string): bigint {
  return createHash("sha256").update(nodeName).digest().readBigUInt64BE(0);
}

/** First 4 octets of SHA-256 of the interface name. */
export function toInterfaceNameHash(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0);
}

/**
 * Encodes and, with a key of 32 octets, seals a heartbeat. When the list of silent peers does not fit into 1200 octets, the
 * longest silences are left out and the body says so.
 */
export function encodeHeartbeat(
  header: HeartbeatHeader,
  body: HeartbeatBody,
  key: Uint8Array | undefined,
): Uint8Array {
  const associated = new Uint8Array(HeaderOffset.body);
  const view = viewOf(associated);
  view.setUint8(HeaderOffset.magic, HEARTBEAT_MAGIC);
  view.setUint8(HeaderOffset.version, HEARTBEAT_VERSION);
  view.setUint8(HeaderOffset.type, HeartbeatType.heartbeat);
  view.setUint8(HeaderOffset.keyNumber, header.keyNumber);
  view.setBigUint64(HeaderOffset.nodeId, header.nodeId);
  view.setBigUint64(HeaderOffset.bootId, header.bootId);
  view.setBigUint64(HeaderOffset.counter, header.counter);
  const plaintext = encodeBody(body);
  if (key === undefined) return concat(associated, plaintext, new Uint8Array(TAG_OCTETS));
  const cipher = createCipheriv("aes-256-gcm", key, toNonce(associated));
  cipher.setAAD(associated);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return concat(associated, ciphertext, cipher.getAuthTag());
}

/** Reads the first 28 octets, trusting nothing in them yet. Total. */
export function decodeHeartbeatHeader(
  bytes: Uint8Array,
): Result<HeartbeatHeader, HeartbeatProblem> {
  if (bytes.length > MAX_HEARTBEAT_OCTETS) return err("oversized");
  if (bytes.length < HeaderOffset.body + BodyOffset.lists + TAG_OCTETS) return err("truncated");
  const view = viewOf(bytes);
  const isOurs =
    view.getUint8(HeaderOffset.magic) === HEARTBEAT_MAGIC &&
    view.getUint8(HeaderOffset.version) === HEARTBEAT_VERSION &&
    view.getUint8(HeaderOffset.type) === HeartbeatType.heartbeat;
  if (!isOurs) return err("unsupported");
  return ok({
    keyNumber: view.getUint8(HeaderOffset.keyNumber),
    nodeId: view.getBigUint64(HeaderOffset.nodeId),
    bootId: view.getBigUint64(HeaderOffset.bootId),
    counter: view.getBigUint64(HeaderOffset.counter),
  });
}

/**
 * Opens the body of a datagram whose header was decoded: authenticates it with the key, or, without key, insists on a zero
 * tag. Total; the value does not alias `bytes`.
 */
export function openHeartbeat(
  bytes: Uint8Array,
  key: Uint8Array | undefined,
): Result<HeartbeatBody, HeartbeatProblem> {
  const tagOffset = bytes.length - TAG_OCTETS;
  const tag = bytes.subarray(tagOffset);
  const sealed = bytes.subarray(HeaderOffset.body, tagOffset);
  if (key === undefined) {
    return tag.every(octet => octet === 0) ? decodeBody(sealed) : err("unauthenticated");
  }
  const associated = bytes.subarray(0, HeaderOffset.body);
  const decipher = createDecipheriv("aes-256-gcm", key, toNonce(associated), {
    authTagLength: TAG_OCTETS,
  });
  decipher.setAAD(associated);
  decipher.setAuthTag(tag);
  try {
    const plaintext = decipher.update(sealed);
    decipher.final();
    return decodeBody(plaintext);
  } catch {
    // The only failure of `final`: the tag does not match.
    return err("unauthenticated");
  }
}

function toNonce(associated: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set(associated.subarray(HeaderOffset.counter, HeaderOffset.counter + 8), 4);
  return nonce;
}

function encodeBody(body: HeartbeatBody): Uint8Array {
  const roomOctets = MAX_HEARTBEAT_OCTETS - HeaderOffset.body - TAG_OCTETS - BodyOffset.lists;
  const interfaceOctets = body.interfaces.length * INTERFACE_RECORD_OCTETS;
  assert(interfaceOctets <= roomOctets, "interface records fit into a heartbeat");
  const maxSilent = Math.floor((roomOctets - interfaceOctets) / SILENT_PEER_OCTETS);
  const isCut = body.isSilentListCut || body.silentPeers.length > maxSilent;
  const silentPeers = [...body.silentPeers]
    .sort((left, right) => left.silentMs - right.silentMs)
    .slice(0, maxSilent);
  const bytes = new Uint8Array(
    BodyOffset.lists + silentPeers.length * SILENT_PEER_OCTETS + interfaceOctets,
  );
  const view = viewOf(bytes);
  view.setBigUint64(BodyOffset.startTimeMs, BigInt(body.startTimeMs));
  view.setUint16(BodyOffset.intervalMs, body.intervalMs);
  view.setUint8(BodyOffset.multiplier, body.multiplier);
  view.setUint8(BodyOffset.flags, toFlags(body, isCut));
  view.setUint16(BodyOffset.silentCount, silentPeers.length);
  view.setUint16(BodyOffset.interfaceCount, body.interfaces.length);
  let offset: number = BodyOffset.lists;
  for (const peer of silentPeers) {
    view.setBigUint64(offset, peer.nodeId);
    view.setUint16(offset + 8, peer.silentMs);
    offset += SILENT_PEER_OCTETS;
  }
  for (const record of body.interfaces) {
    view.setUint32(offset, record.nameHash);
    bytes.set(record.mac, offset + 4);
    view.setUint8(offset + 10, toInterfaceState(record));
    offset += INTERFACE_RECORD_OCTETS;
  }
  return bytes;
}

function decodeBody(bytes: Uint8Array): Result<HeartbeatBody, HeartbeatProblem> {
  const view = viewOf(bytes);
  const silentCount = view.getUint16(BodyOffset.silentCount);
  const interfaceCount = view.getUint16(BodyOffset.interfaceCount);
  const interfacesOffset = BodyOffset.lists + silentCount * SILENT_PEER_OCTETS;
  const end = interfacesOffset + interfaceCount * INTERFACE_RECORD_OCTETS;
  // Octets beyond the lists are left to later versions.
  if (end > bytes.length) return err("malformed");
  const startTimeMs = view.getBigUint64(BodyOffset.startTimeMs);
  if (startTimeMs > BigInt(Number.MAX_SAFE_INTEGER)) return err("malformed");
  const flags = view.getUint8(BodyOffset.flags);
  return ok({
    startTimeMs: Number(startTimeMs),
    intervalMs: view.getUint16(BodyOffset.intervalMs),
    multiplier: view.getUint8(BodyOffset.multiplier),
    isEligible: (flags & HeartbeatFlag.eligible) !== 0,
    isLeaving: (flags & HeartbeatFlag.leaving) !== 0,
    isRestartHold: (flags & HeartbeatFlag.restartHold) !== 0,
    isSilentListCut: (flags & HeartbeatFlag.silentListCut) !== 0,
    isUplinkLost: (flags & HeartbeatFlag.uplinkLost) !== 0,
    silentPeers: Array.from({ length: silentCount }, (_, index) => {
      const offset = BodyOffset.lists + index * SILENT_PEER_OCTETS;
      return { nodeId: view.getBigUint64(offset), silentMs: view.getUint16(offset + 8) };
    }),
    interfaces: Array.from({ length: interfaceCount }, (_, index) =>
      readInterfaceRecord(bytes, interfacesOffset + index * INTERFACE_RECORD_OCTETS),
    ),
  });
}

function readInterfaceRecord(bytes: Uint8Array, offset: number): InterfaceRecord {
  const view = viewOf(bytes);
  const state = view.getUint8(offset + 10);
  return {
    nameHash: view.getUint32(offset),
    mac: Uint8Array.from(bytes.subarray(offset + 4, offset + 10)),
    isUp: (state & InterfaceState.up) !== 0,
    hasCarrier: (state & InterfaceState.carrier) !== 0,
    isProven: (state & InterfaceState.proven) !== 0,
  };
}

function toFlags(body: HeartbeatBody, isCut: boolean): number {
  return (
    (body.isEligible ? HeartbeatFlag.eligible : 0) |
    (body.isLeaving ? HeartbeatFlag.leaving : 0) |
    (body.isRestartHold ? HeartbeatFlag.restartHold : 0) |
    (isCut ? HeartbeatFlag.silentListCut : 0) |
    (body.isUplinkLost ? HeartbeatFlag.uplinkLost : 0)
  );
}

function toInterfaceState(record: InterfaceRecord): number {
  return (
    (record.isUp ? InterfaceState.up : 0) |
    (record.hasCarrier ? InterfaceState.carrier : 0) |
    (record.isProven ? InterfaceState.proven : 0)
  );
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
