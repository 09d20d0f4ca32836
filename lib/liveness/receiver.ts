/**
 * Decides which datagrams are heartbeats of our peers: known node, right key, an address it may speak from, not an older boot,
 * not a repetition. An authentic heartbeat may come from an address that is not listed (a node has more than the cluster
 * knows), but it never displaces a boot that was heard from a listed one. A start that seems earlier than the one before it
 * (the clock of the node was set back) is believed when it is new to us and the other one has fallen silent. Everything dear
 * (key derivation, deciphering) comes after everything cheap, and nothing is kept about senders that are not on the peer list.
 */
import { err, ok, type Result } from "../net/result";
import type { HeartbeatKeyring } from "./keyring";
import { MAX_REMEMBERED_BOOTS } from "./limits";
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
  boot?: Boot;
  /** Boots that were replaced, the latest last. */
  readonly earlierBoots: bigint[];
}

interface Boot {
  readonly id: bigint;
  readonly startTimeMs: number;
  readonly window: ReplayWindow;
  /** It was first heard from a listed address. */
  readonly isListed: boolean;
  lastHeardMs: number;
}

/** A boot that was not heard for this long may be followed by one that says it started earlier. */
const SILENT_BOOT_MS = 1_000;

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
      else {
        this.#peers.set(nodeId, { nodeName, addresses: new Set(addresses), earlierBoots: [] });
      }
    }
  }

  /** Judges one datagram; `sourceAddress` in canonical text. Total. */
  receive(
    bytes: Uint8Array,
    sourceAddress: string,
    nowMs: number,
  ): Result<ReceivedHeartbeat, HeartbeatRefusal> {
    const header = decodeHeartbeatHeader(bytes);
    if (!header.ok) return header;
    if (header.value.nodeId === this.#ownId) return err("ownNode");
    const peer = this.#peers.get(header.value.nodeId);
    if (peer === undefined) return err("unknownNode");
    const isListed = peer.addresses.has(sourceAddress);
    // In the clear the address is all that tells who speaks.
    if (!isListed && !this.#keyring.isSealing) return err("wrongAddress");
    const body = this.#keyring.open(bytes, header.value);
    if (!body.ok) return body;
    return acceptOnce(peer, { header: header.value, body: body.value, isListed, nowMs });
  }
}

interface Authentic {
  readonly header: HeartbeatHeader;
  readonly body: HeartbeatBody;
  readonly isListed: boolean;
  readonly nowMs: number;
}

function acceptOnce(peer: Peer, authentic: Authentic): Result<ReceivedHeartbeat, HeartbeatRefusal> {
  const { header, body, isListed, nowMs } = authentic;
  const refusal = refuseBoot(peer, authentic);
  if (refusal !== undefined) return err(refusal);
  const boot = peer.boot?.id === header.bootId ? peer.boot : replaceBoot(peer, authentic);
  const isNewest = header.counter > boot.window.highest;
  if (!boot.window.accept(header.counter)) return err("replayed");
  boot.lastHeardMs = nowMs;
  const { nodeName } = peer;
  return ok({ nodeName, header, body, isNewest, isListedSource: isListed });
}

/** Only a later start replaces what is known, or a new one after silence: recorded traffic of an earlier one stays dead. */
function refuseBoot(
  { boot, earlierBoots }: Peer,
  { header, body, isListed, nowMs }: Authentic,
): HeartbeatRefusal | undefined {
  if (boot === undefined || boot.id === header.bootId) return undefined;
  if (boot.isListed && !isListed) return "wrongAddress";
  if (earlierBoots.includes(header.bootId)) return "staleBoot";
  const isLater = body.startTimeMs > boot.startTimeMs;
  return isLater || nowMs - boot.lastHeardMs >= SILENT_BOOT_MS ? undefined : "staleBoot";
}

function replaceBoot(peer: Peer, { header, body, isListed, nowMs }: Authentic): Boot {
  if (peer.boot !== undefined) peer.earlierBoots.push(peer.boot.id);
  if (peer.earlierBoots.length > MAX_REMEMBERED_BOOTS) peer.earlierBoots.shift();
  const { startTimeMs } = body;
  const boot = {
    id: header.bootId,
    startTimeMs,
    window: new ReplayWindow(),
    isListed,
    lastHeardMs: nowMs,
  };
  peer.boot = boot;
  return boot;
}
