/**
 * Decides which datagrams are heartbeats of our peers: known node, right key, an address it may speak from, not an older boot,
 * not a repetition. An authentic heartbeat may come from an address that is not listed (a node has more than the cluster
 * knows), but it never displaces a boot that was heard from a listed one. Everything dear (key derivation, deciphering) comes after everything cheap, and nothing is kept about senders
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
  /** It came from one of the peer's listed addresses. */
  readonly isListedSource: boolean;
}

/**
 * Why a datagram was dropped: a problem of its octets, or `unknownNode` (not on the peer list), `ownNode` (our own node id),
 * `wrongAddress` (the node is known, the source address is not its, and that is not enough), `staleBoot` (an earlier start of that node), `replayed`.
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
  boot?: {
    readonly id: bigint;
    readonly startTimeMs: number;
    readonly window: ReplayWindow;
    /** It was first heard from a listed address. */
    readonly isListed: boolean;
  };
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
    const isListed = peer.addresses.has(sourceAddress);
    // In the clear the address is all that tells who speaks.
    if (!isListed && !this.#keyring.isSealing) return err("wrongAddress");
    const body = this.#keyring.open(bytes, header.value);
    return body.ok ? acceptOnce(peer, header.value, body.value, isListed) : body;
  }
}

function acceptOnce(
  peer: Peer,
  header: HeartbeatHeader,
  body: HeartbeatBody,
  isListed: boolean,
): Result<ReceivedHeartbeat, HeartbeatRefusal> {
  const refusal = refuseBoot(peer, header, body, isListed);
  if (refusal !== undefined) return err(refusal);
  const boot =
    peer.boot?.id === header.bootId
      ? peer.boot
      : {
          id: header.bootId,
          startTimeMs: body.startTimeMs,
          window: new ReplayWindow(),
          isListed,
        };
  peer.boot = boot;
  const isNewest = header.counter > boot.window.highest;
  if (!boot.window.accept(header.counter)) return err("replayed");
  const { nodeName } = peer;
  return ok({ nodeName, header, body, isNewest, isListedSource: isListed });
}

/** Only a later start replaces what is known: recorded traffic of an earlier one stays dead. */
function refuseBoot(
  { boot }: Peer,
  header: HeartbeatHeader,
  body: HeartbeatBody,
  isListed: boolean,
): HeartbeatRefusal | undefined {
  if (boot === undefined || boot.id === header.bootId) return undefined;
  if (boot.isListed && !isListed) return "wrongAddress";
  return body.startTimeMs <= boot.startTimeMs ? "staleBoot" : undefined;
}
