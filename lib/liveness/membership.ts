/**
 * Which speakers live, as seen from one of them, and whether this one may own addresses itself. Owns no socket and no timer:
 * feed events, carry out the actions in order, call back at the deadline.
 *
 * ```
 *               configure            all peers heard, or listened long enough
 *   idle ─────────────────► listening ─────────────────────────────────► active ──┐ leave
 *                               ▲              link back, nobody heard      │      ▼
 *                               └──────────────────────────────────────────┘   leaving ► left
 * ```
 *
 * A node owns nothing while it listens: a speaker that just started must not answer beside a living owner. It tells its peers
 * by the `eligible` flag, so that they keep their addresses until it is ready to take them.
 */
import { MAX_DETECTION_MS, MAX_PEERS, MIN_DETECTION_MS } from "./limits";
import { SILENT_FOR_EVER_MS } from "./constants";
import { toNodeId, type HeartbeatBody, type SilentPeer } from "./message";
import type { ReceivedHeartbeat } from "./receiver";

export interface MembershipTimers {
  /** A heartbeat leaves this often. */
  readonly intervalMs: number;
  /** A peer that was silent for `multiplier` of its intervals is not alive. */
  readonly multiplier: number;
  /** After a start: own nothing until every peer was heard, or this long. */
  readonly listenMs: number;
}

export const DEFAULT_MEMBERSHIP_TIMERS: MembershipTimers = {
  intervalMs: 100,
  multiplier: 5,
  listenMs: 1000,
};

export type MembershipEvent =
  | { readonly type: "configured"; readonly peerNames: readonly string[] }
  /** The cluster's state is known: from now on this node may own what it is told to. */
  | { readonly type: "synced" }
  | { readonly type: "heartbeat"; readonly heartbeat: ReceivedHeartbeat }
  /** A network interface can be used again. */
  | { readonly type: "linkReturned" }
  /** The process ends in order. */
  | { readonly type: "leave" }
  | { readonly type: "timeout" };

/**
 * `sendHeartbeat`: to all peers, now. `changed`: eligibility of this node or a peer changed; elect owners anew.
 * `announceAgain`: this node and the peer had lost each other, and the peer may have announced addresses of this node
 * meanwhile; after electing, announce again what this node owns and the peer is a candidate for.
 */
export type MembershipAction =
  | { readonly type: "sendHeartbeat" }
  | { readonly type: "changed" }
  | { readonly type: "announceAgain"; readonly peerName: string };

/** That it leaves is said three times, against loss. */
const LEAVE_SENDS = 3;
const LEAVE_INTERVAL_MS = 10;
/** A heartbeat more is due once this many intervals passed without one: the peer counts as silent in ours. */
const SILENT_INTERVALS = 1.5;

interface Peer {
  readonly nodeId: bigint;
  bootId: bigint | undefined;
  lastHeardMs: number | undefined;
  intervalMs: number;
  detectionMs: number;
  isAlive: boolean;
  isEligible: boolean;
  /** Said that it goes; holds until it starts again. */
  hasLeft: boolean;
  /** It may own addresses and said that it does not hear this node. */
  hasLostUs: boolean;
}

type OwnState = "idle" | "listening" | "active" | "leaving" | "left";

export class Membership {
  readonly #nodeName: string;
  readonly #nodeId: bigint;
  readonly #startTimeMs: number;
  readonly #timers: MembershipTimers;
  readonly #peers = new Map<string, Peer>();
  #state: OwnState = "idle";
  #isSynced = false;
  #listenUntilMs = 0;
  #nextSendMs = 0;
  #leaveSends = 0;
  /** Counts whatever decides about ownership. */
  #changes = 0;
  /** The peer of the current event, when it is found again. */
  #foundPeer: string | undefined;

  /** `startTimeMs`: wall-clock time of the process start, for the heartbeats alone. */
  constructor(
    nodeName: string,
    startTimeMs: number,
    timers: MembershipTimers = DEFAULT_MEMBERSHIP_TIMERS,
  ) {
    this.#nodeName = nodeName;
    this.#nodeId = toNodeId(nodeName);
    this.#startTimeMs = startTimeMs;
    this.#timers = timers;
  }

  /** Whether the node may own an address now: this node or a peer, alive, ready and not leaving. */
  isEligible(nodeName: string): boolean {
    if (nodeName === this.#nodeName) return this.#isSelfEligible();
    const peer = this.#peers.get(nodeName);
    return peer !== undefined && peer.isAlive && peer.isEligible;
  }

  /** Names of all speakers that live, this one included unless it leaves, sorted. */
  aliveNames(): readonly string[] {
    const names = [...this.#peers].filter(([, peer]) => peer.isAlive).map(([name]) => name);
    if (this.#state === "listening" || this.#state === "active") names.push(this.#nodeName);
    return names.sort();
  }

  /** What the next heartbeat says. */
  heartbeatBody(nowMs: number): HeartbeatBody {
    return {
      startTimeMs: this.#startTimeMs,
      intervalMs: this.#timers.intervalMs,
      multiplier: this.#timers.multiplier,
      isEligible: this.#isSelfEligible(),
      isLeaving: this.#state === "leaving" || this.#state === "left",
      isRestartHold: false,
      isSilentListCut: false,
      silentPeers: this.#silentPeers(nowMs),
      interfaces: [],
    };
  }

  handle(event: MembershipEvent, nowMs: number): readonly MembershipAction[] {
    const changesBefore = this.#changes;
    this.#foundPeer = undefined;
    const isSendDue = this.#apply(event, nowMs);
    const actions: MembershipAction[] = [];
    if (this.#changes !== changesBefore) actions.push({ type: "changed" });
    if (isSendDue) actions.push({ type: "sendHeartbeat" });
    const peerName = this.#toFoundPeer();
    if (peerName !== undefined) actions.push({ type: "announceAgain", peerName });
    return actions;
  }

  /** A method, because the compiler would not see that `#apply` sets the field. */
  #toFoundPeer(): string | undefined {
    return this.#isSelfEligible() ? this.#foundPeer : undefined;
  }

  /** When `{ type: "timeout" }` is due next; undefined before `configured` and after leaving. Early calls are harmless. */
  nextDeadlineMs(): number | undefined {
    if (this.#state === "idle" || this.#state === "left") return undefined;
    if (this.#state === "leaving") return this.#nextSendMs;
    let deadlineMs = this.#nextSendMs;
    if (this.#state === "listening") deadlineMs = Math.min(deadlineMs, this.#listenUntilMs);
    for (const peer of this.#peers.values()) {
      if (peer.isAlive) deadlineMs = Math.min(deadlineMs, toExpiryMs(peer));
    }
    return deadlineMs;
  }

  /** Applies the event; true when a heartbeat is to be sent. */
  #apply(event: MembershipEvent, nowMs: number): boolean {
    switch (event.type) {
      case "configured":
        this.#configure(event.peerNames);
        return this.#begin(nowMs);
      case "synced":
        return this.#sync();
      case "heartbeat":
        this.#hear(event.heartbeat, nowMs);
        return this.#finishListening(nowMs);
      case "linkReturned":
        return this.#listenAgain(nowMs);
      case "leave":
        return this.#leave(nowMs);
      case "timeout":
        return this.#timeout(nowMs);
    }
  }

  #isSelfEligible(): boolean {
    return this.#state === "active" && this.#isSynced;
  }

  #enter(state: OwnState): void {
    if (this.#state !== state) this.#changes += 1;
    this.#state = state;
  }

  #setPeer(peer: Peer, isAlive: boolean, isEligible: boolean): void {
    if (peer.isAlive !== isAlive || peer.isEligible !== isEligible) this.#changes += 1;
    peer.isAlive = isAlive;
    peer.isEligible = isEligible;
  }

  /** True when that makes this node eligible. */
  #sync(): boolean {
    if (this.#isSynced) return false;
    this.#isSynced = true;
    this.#changes += 1;
    return this.#state === "active";
  }

  #configure(peerNames: readonly string[]): void {
    const wanted = new Set(peerNames.filter(name => name !== this.#nodeName).slice(0, MAX_PEERS));
    for (const [name, peer] of this.#peers) {
      if (wanted.has(name)) continue;
      this.#setPeer(peer, false, false);
      this.#peers.delete(name);
    }
    for (const name of wanted) {
      if (!this.#peers.has(name)) this.#peers.set(name, newPeer(name, this.#timers));
    }
  }

  #begin(nowMs: number): boolean {
    if (this.#state !== "idle") return this.#finishListening(nowMs);
    this.#enter("listening");
    this.#listenUntilMs = nowMs + this.#timers.listenMs;
    this.#nextSendMs = nowMs + this.#timers.intervalMs;
    this.#finishListening(nowMs);
    return true;
  }

  /** Ends listening when nothing is left to wait for; true when that makes this node eligible. */
  #finishListening(nowMs: number): boolean {
    if (this.#state !== "listening") return false;
    const isEveryPeerKnown = [...this.#peers.values()].every(peer => peer.isAlive || peer.hasLeft);
    if (!isEveryPeerKnown && nowMs < this.#listenUntilMs) return false;
    this.#enter("active");
    return this.#isSynced;
  }

  #hear({ nodeName, header, body, isNewest }: ReceivedHeartbeat, nowMs: number): void {
    const peer = this.#peers.get(nodeName);
    if (peer === undefined) return;
    // Whoever left in order announced nothing since.
    const wasLost = !peer.isAlive && !peer.hasLeft && peer.lastHeardMs !== undefined;
    if (peer.bootId !== header.bootId) {
      peer.bootId = header.bootId;
      peer.hasLeft = false;
    }
    peer.hasLeft ||= body.isLeaving;
    if (wasLost && !peer.hasLeft) this.#foundPeer = nodeName;
    peer.lastHeardMs = nowMs;
    // A heartbeat that was overtaken is a sign of life, but what it says is out of date.
    this.#setPeer(peer, !peer.hasLeft, isNewest ? body.isEligible : peer.isEligible);
    if (isNewest) this.#heed(nodeName, peer, body);
  }

  /** Takes over what the peer's newest heartbeat says. */
  #heed(nodeName: string, peer: Peer, body: HeartbeatBody): void {
    const hadLostUs = peer.hasLostUs;
    peer.hasLostUs = this.#isLostTo(body);
    if (hadLostUs && !peer.hasLostUs) this.#foundPeer = nodeName;
    peer.intervalMs = body.intervalMs;
    const detectionMs = body.intervalMs * body.multiplier;
    peer.detectionMs = clamp(detectionMs, MIN_DETECTION_MS, MAX_DETECTION_MS);
  }

  /**
   * Whether the sender may own addresses and counts this node as dead: this node was stopped, or what it sends does not
   * arrive, and it may know nothing of that.
   */
  #isLostTo(body: HeartbeatBody): boolean {
    const detectionMs = this.#timers.intervalMs * this.#timers.multiplier;
    return (
      body.isEligible &&
      body.silentPeers.some(
        ({ nodeId, silentMs }) => nodeId === this.#nodeId && silentMs >= detectionMs,
      )
    );
  }

  /**
   * A link came back while nobody can be heard: this node was cut off, and others answer for its addresses by now. It listens
   * first, as after a start.
   */
  #listenAgain(nowMs: number): boolean {
    const peers = [...this.#peers.values()];
    if (this.#state !== "active" || peers.length === 0) return false;
    if (peers.some(peer => peer.isAlive)) return false;
    this.#enter("listening");
    this.#listenUntilMs = nowMs + this.#timers.listenMs;
    return true;
  }

  #leave(nowMs: number): boolean {
    if (this.#state === "leaving" || this.#state === "left") return false;
    this.#nextSendMs = nowMs;
    const hasNobodyToTell = this.#state === "idle" || this.#peers.size === 0;
    this.#enter(hasNobodyToTell ? "left" : "leaving");
    return this.#sendLeaving(nowMs);
  }

  #timeout(nowMs: number): boolean {
    if (this.#state === "idle" || this.#state === "left") return false;
    if (this.#state === "leaving") return this.#sendLeaving(nowMs);
    for (const peer of this.#peers.values()) {
      if (peer.isAlive && toExpiryMs(peer) <= nowMs) this.#setPeer(peer, false, false);
    }
    const isReady = this.#finishListening(nowMs);
    if (nowMs < this.#nextSendMs) return isReady;
    const nextMs = this.#nextSendMs + this.#timers.intervalMs;
    // After a stall the beat starts anew instead of catching up.
    this.#nextSendMs = nextMs > nowMs ? nextMs : nowMs + this.#timers.intervalMs;
    return true;
  }

  #sendLeaving(nowMs: number): boolean {
    if (this.#state !== "leaving" || nowMs < this.#nextSendMs) return false;
    this.#leaveSends += 1;
    this.#nextSendMs = nowMs + LEAVE_INTERVAL_MS;
    if (this.#leaveSends >= LEAVE_SENDS) this.#enter("left");
    return true;
  }

  #silentPeers(nowMs: number): readonly SilentPeer[] {
    const silent: SilentPeer[] = [];
    for (const { nodeId, lastHeardMs, intervalMs } of this.#peers.values()) {
      const silentMs = lastHeardMs === undefined ? SILENT_FOR_EVER_MS : nowMs - lastHeardMs;
      if (silentMs < SILENT_INTERVALS * intervalMs) continue;
      silent.push({ nodeId, silentMs: clamp(Math.round(silentMs), 0, SILENT_FOR_EVER_MS) });
    }
    return silent;
  }
}

function newPeer(nodeName: string, timers: MembershipTimers): Peer {
  return {
    nodeId: toNodeId(nodeName),
    bootId: undefined,
    lastHeardMs: undefined,
    intervalMs: timers.intervalMs,
    detectionMs: timers.intervalMs * timers.multiplier,
    isAlive: false,
    isEligible: false,
    hasLeft: false,
    hasLostUs: false,
  };
}

function toExpiryMs(peer: Peer): number {
  return (peer.lastHeardMs ?? 0) + peer.detectionMs;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
