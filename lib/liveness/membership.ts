/**
 * Which speakers live, as seen from one of them, and whether this one may own addresses itself. Owns no socket and no timer:
 * feed events, carry out the actions in order, call back at the deadline.
 *
 * ```
 *               configured           all peers heard, or listened long enough
 *   idle ─────────────────► listening ─────────────────────────────────► active ──┐ leave
 *                               ▲              link back, nobody heard      │      ▼
 *                               └──────────────────────────────────────────┘   leaving ► left
 * ```
 *
 * A silent peer is dead after its detection time, twice that when nobody else is heard, and sooner when its host refuses the
 * heartbeats. Whatever shows that it lives makes it alive at once: a heartbeat, a frame of its own for an address, the word
 * of another speaker. Who owns what is not decided here: see `ownership.ts`.
 */
import { SILENT_FOR_EVER_MS } from "./constants";
import { MAX_PEERS } from "./limits";
import { toNodeId, type HeartbeatBody, type InterfaceRecord } from "./message";
import {
  SILENT_INTERVALS,
  adoptTimers,
  deadlineMs,
  newPeer,
  noteRefusal,
  peerDeadlineMs,
  noteHeartbeat,
  refusalsOverMs,
  suspectFromMs,
  toOthersSigns,
  toSilentPeers,
  type Peer,
  type Standing,
} from "./peer";
import { formatMacAddress } from "../net/mac-address";
import type { ReceivedHeartbeat } from "./receiver";

export interface MembershipTimers {
  /** A heartbeat leaves this often. */
  readonly intervalMs: number;
  /** A peer that gave no sign for `multiplier` of its intervals is dead. */
  readonly multiplier: number;
}

export const DEFAULT_MEMBERSHIP_TIMERS: MembershipTimers = { intervalMs: 80, multiplier: 6 };

export type MembershipEvent =
  | { readonly type: "configured"; readonly peerNames: readonly string[] }
  /** The cluster's state is known: from now on this node may own what it is told to. */
  | { readonly type: "synced" }
  | { readonly type: "heartbeat"; readonly heartbeat: ReceivedHeartbeat }
  /** A frame of the peer answered for an address or announced one. */
  | { readonly type: "sign"; readonly peerName: string }
  /** The peer's host said that nobody listens on the heartbeat port. */
  | { readonly type: "refused"; readonly peerName: string }
  /** Whether some interface is up, has carrier and is proven to receive; true at first. */
  | { readonly type: "link"; readonly isReady: boolean }
  /** The process ends in order; `hold`: it is about to come back. */
  | { readonly type: "leave"; readonly isRestart?: boolean }
  | { readonly type: "timeout" };

/**
 * `sendHeartbeat`: now, to all peers or to one. `changed`: standing or eligibility of this node or a peer changed.
 * `announceAgain`: this node and the peer had lost each other, and the peer may have announced addresses of this node
 * meanwhile; announce again what this node owns and the peer is a candidate for.
 */
export type MembershipAction =
  | { readonly type: "sendHeartbeat"; readonly to?: string }
  | { readonly type: "changed" }
  | { readonly type: "announceAgain"; readonly peerName: string };

/** That it leaves is said three times, against loss. */
const LEAVE_SENDS = 3;
const LEAVE_INTERVAL_MS = 10;
/** A peer that said it restarts is waited for this long. */
const HOLD_MS = 10_000;

type OwnState = "idle" | "listening" | "active" | "leaving" | "left";

export class Membership {
  readonly nodeName: string;
  readonly #nodeId: bigint;
  readonly #startTimeMs: number;
  readonly #timers: MembershipTimers;
  readonly #peers = new Map<string, Peer>();
  readonly #peersByMac = new Map<string, Peer>();
  #interfaces: readonly InterfaceRecord[] = [];
  #state: OwnState = "idle";
  #isRestart = false;
  #isSynced = false;
  #isLinkReady = true;
  #listenUntilMs = 0;
  #nextSendMs = 0;
  #leaveSends = 0;
  /** Counts whatever decides about ownership. */
  #changes = 0;
  #actions: MembershipAction[] = [];

  /** `startTimeMs`: wall-clock time of the process start, for the heartbeats alone. */
  constructor(
    nodeName: string,
    startTimeMs: number,
    timers: MembershipTimers = DEFAULT_MEMBERSHIP_TIMERS,
  ) {
    this.nodeName = nodeName;
    this.#nodeId = toNodeId(nodeName);
    this.#startTimeMs = startTimeMs;
    this.#timers = timers;
  }

  get intervalMs(): number {
    return this.#timers.intervalMs;
  }

  /** A peer that is silent for this long is dead. */
  get detectionMs(): number {
    return this.#timers.intervalMs * this.#timers.multiplier;
  }

  /** A loop that woke later than this may have been judged dead by others: it gives up what it owned. */
  get stallLimitMs(): number {
    return this.#timers.intervalMs * (this.#timers.multiplier - 1.25);
  }

  /** Whether the node may own an address now: this node or a peer, alive, ready and not leaving. */
  isEligible(nodeName: string): boolean {
    if (nodeName === this.nodeName) return this.#isSelfEligible();
    const peer = this.#peers.get(nodeName);
    return peer?.standing === "alive" && peer.isEligible;
  }

  /** How a peer stands; undefined for a node that is none. */
  standing(nodeName: string): Standing | undefined {
    return this.#peers.get(nodeName)?.standing;
  }

  /** Peers that live by our reckoning, but whose heartbeats stay away or are refused: their addresses are to be probed. */
  suspects(): readonly string[] {
    const suspects: string[] = [];
    for (const { nodeName, standing, isSuspect } of this.#peers.values()) {
      if (isSuspect && standing === "alive") suspects.push(nodeName);
    }
    return suspects;
  }

  /** Peers whose frames could not be told from a stranger's. */
  peersWithoutMac(): readonly string[] {
    return [...this.#peers.values()]
      .filter(({ macs }) => macs.length === 0)
      .map(({ nodeName }) => nodeName);
  }

  /** It has said that it goes, often enough. */
  get hasLeft(): boolean {
    return this.#state === "left";
  }

  /** The last sign of the peer; undefined before the first. */
  lastSignMs(nodeName: string): number | undefined {
    return this.#peers.get(nodeName)?.lastSignMs;
  }

  /** The peer that speaks from the MAC address, by its heartbeats or its node address. */
  peerByMac(macText: string): string | undefined {
    return this.#peersByMac.get(macText)?.nodeName;
  }

  /** Where unicast probes of the peer go. */
  macsOf(nodeName: string): readonly string[] {
    return this.#peers.get(nodeName)?.macs ?? [];
  }

  /** A peer that was never heard and whose node address answers from this MAC. */
  learnMac(nodeName: string, macText: string): void {
    const peer = this.#peers.get(nodeName);
    if (peer === undefined || peer.bootId !== undefined) return;
    this.#setMacs(peer, [macText]);
  }

  /** Names of all speakers that live, this one included unless it leaves, sorted. */
  aliveNames(): readonly string[] {
    const names = [...this.#peers.values()]
      .filter(({ standing }) => standing === "alive")
      .map(({ nodeName }) => nodeName);
    if (this.#state === "listening" || this.#state === "active") names.push(this.nodeName);
    return names.sort();
  }

  /** The interfaces that heartbeats speak of, with the MAC addresses by which peers know our frames. */
  setInterfaces(interfaces: readonly InterfaceRecord[]): void {
    this.#interfaces = interfaces;
  }

  /** What the next heartbeat says. */
  heartbeatBody(nowMs: number): HeartbeatBody {
    const isGoing = this.#state === "leaving" || this.#state === "left";
    return {
      startTimeMs: this.#startTimeMs,
      intervalMs: this.#timers.intervalMs,
      multiplier: this.#timers.multiplier,
      isEligible: this.#isSelfEligible(),
      isLeaving: isGoing && !this.#isRestart,
      isRestartHold: isGoing && this.#isRestart,
      isSilentListCut: false,
      silentPeers: toSilentPeers(this.#peers.values(), nowMs),
      interfaces: this.#interfaces,
    };
  }

  handle(event: MembershipEvent, nowMs: number): readonly MembershipAction[] {
    const changesBefore = this.#changes;
    const wasEligible = this.#isSelfEligible();
    this.#actions = [];
    this.#apply(event, nowMs);
    const actions = this.#actions;
    if (this.#isSelfEligible() !== wasEligible) {
      this.#changes += 1;
      // Others wait for that word, to take or to leave what is ours.
      if (!actions.some(({ type }) => type === "sendHeartbeat") && this.#state !== "left") {
        actions.push({ type: "sendHeartbeat" });
      }
    }
    if (this.#changes !== changesBefore) actions.unshift({ type: "changed" });
    return this.#isSelfEligible() ? actions : actions.filter(a => a.type !== "announceAgain");
  }

  /** When `{ type: "timeout" }` is due next; undefined before `configured` and after leaving. Early calls are harmless. */
  nextDeadlineMs(): number | undefined {
    if (this.#state === "idle" || this.#state === "left") return undefined;
    if (this.#state === "leaving") return this.#nextSendMs;
    let nextMs = this.#nextSendMs;
    if (this.#state === "listening") nextMs = Math.min(nextMs, this.#listenUntilMs);
    const othersSignMs = toOthersSigns(this.#peers.values());
    for (const peer of this.#peers.values()) {
      nextMs = Math.min(nextMs, peerDeadlineMs(peer, othersSignMs(peer)));
    }
    return nextMs;
  }

  #apply(event: MembershipEvent, nowMs: number): void {
    switch (event.type) {
      case "configured":
        this.#configure(event.peerNames, nowMs);
        return;
      case "synced":
        this.#isSynced = true;
        return;
      case "heartbeat":
        this.#hear(event.heartbeat, nowMs);
        this.#finishListening(nowMs);
        return;
      case "sign":
        this.#noteWireSign(event.peerName, nowMs);
        return;
      case "refused":
        this.#noteRefusal(event.peerName, nowMs);
        return;
      case "link":
        this.#setLink(event.isReady, nowMs);
        return;
      case "leave":
        this.#leave(event.isRestart === true, nowMs);
        return;
      case "timeout":
        this.#timeout(nowMs);
    }
  }

  #isSelfEligible(): boolean {
    return this.#state === "active" && this.#isSynced && this.#isLinkReady;
  }

  #enter(state: OwnState): void {
    if (this.#state !== state) this.#changes += 1;
    this.#state = state;
  }

  #setPeer(peer: Peer, standing: Standing, isEligible: boolean): void {
    if (peer.standing !== standing || peer.isEligible !== isEligible) this.#changes += 1;
    peer.standing = standing;
    peer.isEligible = isEligible;
  }

  #setMacs(peer: Peer, macs: readonly string[]): void {
    for (const mac of peer.macs) {
      if (this.#peersByMac.get(mac) === peer) this.#peersByMac.delete(mac);
    }
    peer.macs = macs;
    for (const mac of macs) this.#peersByMac.set(mac, peer);
  }

  #configure(peerNames: readonly string[], nowMs: number): void {
    const wanted = new Set(peerNames.filter(name => name !== this.nodeName).slice(0, MAX_PEERS));
    for (const [name, peer] of this.#peers) {
      if (wanted.has(name)) continue;
      this.#setMacs(peer, []);
      this.#peers.delete(name);
      this.#changes += 1;
    }
    for (const name of wanted) {
      if (!this.#peers.has(name)) this.#peers.set(name, newPeer(name, this.#timers));
    }
    if (this.#state === "idle") {
      this.#listen(nowMs);
      this.#nextSendMs = nowMs + this.#timers.intervalMs;
      this.#actions.push({ type: "sendHeartbeat" });
    }
    this.#finishListening(nowMs);
  }

  #listen(nowMs: number): void {
    this.#enter("listening");
    this.#listenUntilMs = nowMs + 2 * this.detectionMs;
  }

  /** Ends listening when nothing is left to wait for. */
  #finishListening(nowMs: number): void {
    if (this.#state !== "listening") return;
    const isEveryPeerKnown = [...this.#peers.values()].every(
      ({ standing }) => standing === "alive" || standing === "left",
    );
    if (isEveryPeerKnown || nowMs >= this.#listenUntilMs) this.#enter("active");
  }

  #noteRefusal(peerName: string, nowMs: number): void {
    const peer = this.#peers.get(peerName);
    if (peer === undefined) return;
    noteRefusal(peer, nowMs);
    this.#suspect(peer, nowMs);
  }

  #hear({ nodeName, header, body, isNewest }: ReceivedHeartbeat, nowMs: number): void {
    const peer = this.#peers.get(nodeName);
    if (peer === undefined) return;
    const hasGone = peer.standing === "left" || peer.standing === "held";
    const heard = noteHeartbeat(peer, header.bootId, nowMs);
    if (heard.wasSuspect) this.#changes += 1;
    if (heard.wasLost && !body.isLeaving) this.#foundAgain(nodeName);
    const isBack = heard.isNewBoot || !hasGone;
    if (isNewest) this.#heed(peer, body, { nowMs, isBack });
    // A heartbeat that was overtaken is a sign of life, but what it says is out of date.
    else if (isBack) this.#setPeer(peer, "alive", peer.isEligible);
  }

  /** Takes over what the peer's newest heartbeat says. */
  #heed(
    peer: Peer,
    body: HeartbeatBody,
    { nowMs, isBack }: { readonly nowMs: number; readonly isBack: boolean },
  ): void {
    if (body.isLeaving) this.#setPeer(peer, "left", false);
    else if (body.isRestartHold) {
      if (peer.standing !== "held") peer.heldUntilMs = nowMs + HOLD_MS;
      this.#setPeer(peer, "held", false);
    } else if (isBack) this.#setPeer(peer, "alive", body.isEligible);
    const hadLostUs = peer.hasLostUs;
    peer.hasLostUs = this.#isLostTo(body);
    if (hadLostUs && !peer.hasLostUs) this.#foundAgain(peer.nodeName);
    adoptTimers(peer, body.intervalMs, body.multiplier);
    this.#setMacs(
      peer,
      body.interfaces.map(({ mac }) => formatMacAddress(mac)),
    );
    if (peer.standing === "alive") this.#believeReports(peer, body, nowMs);
  }

  #foundAgain(peerName: string): void {
    if (this.#actions.some(a => a.type === "announceAgain" && a.peerName === peerName)) return;
    this.#actions.push({ type: "announceAgain", peerName });
  }

  /**
   * What another speaker heard prolongs a life, and never ends one. A peer that is not listed was heard by it within 1.5
   * intervals; the earliest such moment is taken, so that reports never delay the verdict on one that died.
   */
  #believeReports(reporter: Peer, body: HeartbeatBody, nowMs: number): void {
    const listedMs = new Map(body.silentPeers.map(({ nodeId, silentMs }) => [nodeId, silentMs]));
    for (const peer of this.#peers.values()) {
      if (peer === reporter) continue;
      const silentMs = listedMs.get(peer.nodeId);
      if (silentMs === undefined && body.isSilentListCut) continue;
      if (silentMs === SILENT_FOR_EVER_MS) continue;
      const ageMs = silentMs ?? SILENT_INTERVALS * peer.intervalMs;
      if (ageMs < peer.detectionMs) this.#noteSign(peer, nowMs - ageMs, nowMs);
    }
  }

  #noteWireSign(peerName: string, nowMs: number): void {
    const peer = this.#peers.get(peerName);
    if (peer !== undefined) this.#noteSign(peer, nowMs, nowMs);
  }

  #noteSign(peer: Peer, signMs: number, nowMs: number): void {
    if (signMs <= (peer.lastSignMs ?? -Infinity)) return;
    peer.lastSignMs = signMs;
    if (peer.standing === "left" || peer.standing === "held") return;
    const heardMs = peer.lastHeartbeatMs ?? -Infinity;
    // What its last heartbeat said is out of date; a frame for an address is proof enough.
    const isEligible = nowMs - heardMs >= peer.detectionMs || peer.isEligible;
    this.#setPeer(peer, "alive", isEligible);
  }

  /**
   * Whether the sender may own addresses and counts this node as dead: this node was stopped, or what it sends does not
   * arrive, and it may know nothing of that.
   */
  #isLostTo(body: HeartbeatBody): boolean {
    return (
      body.isEligible &&
      body.silentPeers.some(
        ({ nodeId, silentMs }) => nodeId === this.#nodeId && silentMs >= this.detectionMs,
      )
    );
  }

  /** A link came back while nobody can be heard: listen first, as after a start. */
  #setLink(isReady: boolean, nowMs: number): void {
    if (this.#isLinkReady === isReady) return;
    this.#isLinkReady = isReady;
    if (!isReady || this.#state !== "active" || this.#peers.size === 0) return;
    const isAnybodyHeard = [...this.#peers.values()].some(({ standing }) => standing === "alive");
    if (!isAnybodyHeard) this.#listen(nowMs);
  }

  #leave(isRestart: boolean, nowMs: number): void {
    if (this.#state === "leaving" || this.#state === "left") return;
    this.#isRestart = isRestart;
    this.#nextSendMs = nowMs;
    const hasNobodyToTell = this.#state === "idle" || this.#peers.size === 0;
    this.#enter(hasNobodyToTell ? "left" : "leaving");
    this.#sendLeaving(nowMs);
  }

  #timeout(nowMs: number): void {
    if (this.#state === "idle" || this.#state === "left") return;
    if (this.#state === "leaving") {
      this.#sendLeaving(nowMs);
      return;
    }
    const othersSignMs = toOthersSigns(this.#peers.values());
    for (const peer of this.#peers.values()) this.#judge(peer, othersSignMs(peer), nowMs);
    this.#finishListening(nowMs);
    if (nowMs < this.#nextSendMs) return;
    const nextMs = this.#nextSendMs + this.#timers.intervalMs;
    // After a stall the beat starts anew instead of catching up.
    this.#nextSendMs = nextMs > nowMs ? nextMs : nowMs + this.#timers.intervalMs;
    this.#actions.push({ type: "sendHeartbeat" });
  }

  #suspect(peer: Peer, nowMs: number): void {
    if (peer.isSuspect || suspectFromMs(peer) > nowMs) return;
    peer.isSuspect = true;
    this.#changes += 1;
  }

  #judge(peer: Peer, othersSignMs: number, nowMs: number): void {
    if (peer.standing === "held" && peer.heldUntilMs <= nowMs) this.#setPeer(peer, "dead", false);
    if (peer.standing !== "alive") return;
    this.#suspect(peer, nowMs);
    const { refusals } = peer;
    if (deadlineMs(peer, othersSignMs) <= nowMs) {
      this.#setPeer(peer, "dead", false);
      peer.refusals = undefined;
      return;
    }
    if (refusals === undefined) return;
    if ((refusals.resendsMs[0] ?? Infinity) <= nowMs) {
      refusals.resendsMs = refusals.resendsMs.filter(dueMs => dueMs > nowMs);
      this.#actions.push({ type: "sendHeartbeat", to: peer.nodeName });
    }
    if (refusalsOverMs(peer) <= nowMs) peer.refusals = undefined;
  }

  #sendLeaving(nowMs: number): void {
    if (this.#state !== "leaving" || nowMs < this.#nextSendMs) return;
    this.#leaveSends += 1;
    this.#nextSendMs = nowMs + LEAVE_INTERVAL_MS;
    this.#actions.push({ type: "sendHeartbeat" });
    if (this.#leaveSends >= LEAVE_SENDS) this.#enter("left");
  }
}
