/**
 * Decides which datagrams are heartbeats of our peers: known node, its own address, right key, not an older boot, not a
 * repetition. Everything dear (key derivation, deciphering) comes after everything cheap, and nothing is kept about senders
 * that are not on the peer list.
 */
import { err, ok, type Result } from "../net/result";
import type { HeartbeatKeyring } from "./keyring";
import {
  decodeHeartbeatHeader,
  toNodeId,
  type HeartbeatBody,
  type HeartbeatHeader,
  type HeartbeatProblem,
} from "./message";
import { ReplayWindow } from "./replay-window";

/** A peer's name and the addresses it may speak from, in canonical text. */
export interface PeerConfig {
  readonly nodeName: string;
  readonly addresses: readonly string[];
}

/** An authentic heartbeat that was not seen before. */
export interface ReceivedHeartbeat {
  readonly nodeName: string;
  readonly header: HeartbeatHeader;
  readonly body: HeartbeatBody;
  /** No later heartbeat of that boot arrived before this one. */
  readonly isNewest: boolean;
}

/**
 * Why a datagram was dropped: a problem of its octets, or `unknownNode` (not on the peer list), `ownNode` (our own node id),
 * `wrongAddress` (the node is known, the source address is not its), `staleBoot` (an earlier start of that node), `replayed`.
 */
export type HeartbeatRefusal =
  | HeartbeatProblem
  | "unknownNode"
  | "ownNode"
  | "wrongAddress"
  | "staleBoot"
  | "replayed";

interface Peer {
  readonly nodeName: string;
  addresses: ReadonlySet<string>;
  boot?: { readonly id: bigint; readonly startTimeMs: number; readonly window: ReplayWindow };
}

export class HeartbeatReceiver {
  readonly #ownId: bigint;
  readonly #peers = new Map<bigint, Peer>();
  #keyring: HeartbeatKeyring;

  constructor(ownNodeName: string, keyring: HeartbeatKeyring) {
    this.#ownId = toNodeId(ownNodeName);
    this.#keyring = keyring;
  }

  /** Replaces peers and keys; what is known about boots and counters of peers that stay is kept. */
  configure(peers: readonly PeerConfig[], keyring: HeartbeatKeyring): void {
    this.#keyring = keyring;
    const wanted = new Map(peers.map(peer => [toNodeId(peer.nodeName), peer]));
    for (const nodeId of this.#peers.keys()) {
      if (!wanted.has(nodeId)) this.#peers.delete(nodeId);
    }
    for (const [nodeId, { nodeName, addresses }] of wanted) {
      const known = this.#peers.get(nodeId);
      if (known !== undefined) known.addresses = new Set(addresses);
      else this.#peers.set(nodeId, { nodeName, addresses: new Set(addresses) });
    }
  }

  /** Judges one datagram; `sourceAddress` in canonical text. Total. */
  receive(bytes: Uint8Array, sourceAddress: string): Result<ReceivedHeartbeat, HeartbeatRefusal> {
    const header = decodeHeartbeatHeader(bytes);
    if (!header.ok) return header;
    if (header.value.nodeId === this.#ownId) return err("ownNode");
    const peer = this.#peers.get(header.value.nodeId);
    if (peer === undefined) return err("unknownNode");
    if (!peer.addresses.has(sourceAddress)) return err("wrongAddress");
    const body = this.#keyring.open(bytes, header.value);
    return body.ok ? acceptOnce(peer, header.value, body.value) : body;
  }
}

function acceptOnce(
  peer: Peer,
  header: HeartbeatHeader,
  body: HeartbeatBody,
): Result<ReceivedHeartbeat, HeartbeatRefusal> {
  if (peer.boot?.id !== header.bootId) {
    // Only a later start replaces what is known: recorded traffic of an earlier one stays dead.
    if (peer.boot !== undefined && body.startTimeMs <= peer.boot.startTimeMs) {
      return err("staleBoot");
    }
    peer.boot = {
      id: header.bootId,
      startTimeMs: body.startTimeMs,
      window: new ReplayWindow(),
    };
  }
  const { window } = peer.boot;
  const isNewest = header.counter > window.highest;
  if (!window.accept(header.counter)) return err("replayed");
  return ok({ nodeName: peer.nodeName, header, body, isNewest });
}
