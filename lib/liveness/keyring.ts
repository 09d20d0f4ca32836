/**
 * The keys of heartbeats. Every sender and boot has a key of its own, derived from the shared secret, so that nonces of
 * different nodes never meet: HKDF-SHA-256(secret, salt "l2-heartbeat", info = namespace ‖ node id ‖ boot id).
 */
import { createHash, hkdfSync } from "node:crypto";
import { viewOf } from "../net/ethernet";
import { err, type Result } from "../net/result";
import { PLAINTEXT_KEY_NUMBER } from "./constants";
import {
  openHeartbeat,
  type HeartbeatBody,
  type HeartbeatHeader,
  type HeartbeatProblem,
} from "./message";

const SALT = "l2-heartbeat";
const KEY_OCTETS = 32;

interface CachedKey {
  readonly bootId: bigint;
  readonly keyNumber: number;
  readonly key: Uint8Array;
}

export class HeartbeatKeyring {
  readonly #secrets: readonly Uint8Array[];
  readonly #namespace: string;
  /** The last key of each sender that opened something: bounded by the number of authenticated senders. */
  readonly #opening = new Map<bigint, CachedKey>();

  /** `secrets`: the current one first, then those still accepted while speakers change over. None = no encryption. */
  constructor(secrets: readonly Uint8Array[], namespace: string) {
    this.#secrets = secrets;
    this.#namespace = namespace;
  }

  /** Whether heartbeats are sealed; if so, those in the clear are refused. */
  get isSealing(): boolean {
    return this.#secrets.length > 0;
  }

  /** Key number and key for what this node and boot sends; no key when nothing is sealed. */
  sealingKey(nodeId: bigint, bootId: bigint): { keyNumber: number; key: Uint8Array | undefined } {
    const [secret] = this.#secrets;
    if (secret === undefined) return { keyNumber: PLAINTEXT_KEY_NUMBER, key: undefined };
    const key = deriveHeartbeatKey(secret, this.#namespace, nodeId, bootId);
    return { keyNumber: toKeyNumber(secret), key };
  }

  /** Opens a datagram with whichever secret fits its header; `unauthenticated` when none does. */
  open(bytes: Uint8Array, header: HeartbeatHeader): Result<HeartbeatBody, HeartbeatProblem> {
    if (!this.isSealing) return openHeartbeat(bytes, undefined);
    const cached = this.#opening.get(header.nodeId);
    if (cached?.bootId === header.bootId && cached.keyNumber === header.keyNumber) {
      return openHeartbeat(bytes, cached.key);
    }
    for (const secret of this.#secrets) {
      if (toKeyNumber(secret) !== header.keyNumber) continue;
      const key = deriveHeartbeatKey(secret, this.#namespace, header.nodeId, header.bootId);
      const opened = openHeartbeat(bytes, key);
      if (!opened.ok && opened.error === "unauthenticated") continue;
      const { bootId, keyNumber } = header;
      this.#opening.set(header.nodeId, { bootId, keyNumber, key });
      return opened;
    }
    return err("unauthenticated");
  }
}

/** The number that says which secret sealed a heartbeat: 1 … 255, an octet of its hash, the same on every node. */
function toKeyNumber(secret: Uint8Array): number {
  const [octet = 0] = createHash("sha256").update("l2-heartbeat-number").update(secret).digest();
  return 1 + (octet % 255);
}

/** The 32 octets of key for one sender and boot. */
export function deriveHeartbeatKey(
  secret: Uint8Array,
  namespace: string,
  nodeId: bigint,
  bootId: bigint,
): Uint8Array {
  const ids = new Uint8Array(16);
  viewOf(ids).setBigUint64(0, nodeId);
  viewOf(ids).setBigUint64(8, bootId);
  const info = Buffer.concat([Buffer.from(namespace, "utf8"), ids]);
  return new Uint8Array(hkdfSync("sha256", secret, SALT, info, KEY_OCTETS));
}
