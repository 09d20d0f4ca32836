/**
 * The other speakers, and what is known of each: takes in heartbeats, signs and refusals, and judges who is alive. Knows nothing
 * of this node's own state; driven by `Membership` alone.
 */
import { isSameSet, toUsableInterfaces } from "./interfaces";
import { SILENT_FOR_EVER_MS } from "./constants";
import { MAX_PEERS } from "./limits";
import type { HeartbeatBody } from "./message";
import {
  SILENT_INTERVALS,
  adoptTimers,
  deadlineMs,
  heldDeadlineMs,
  newPeer,
  noteHeartbeat,
  noteRefusal,
  peerDeadlineMs,
  refusalsOverMs,
  suspectFromMs,
  toOthersSigns,
  type Peer,
  type Standing,
  type Station,
} from "./peer";
import { formatMacAddress } from "../net/mac-address";
import type { ReceivedHeartbeat } from "./receiver";
import type { MembershipTimers } from "./timers";

export interface PeerTableOptions {
  readonly nodeId: bigint;
  /** Silence this long ends a life: this node's own, for what others say about it. */
  readonly detectionMs: () => number;
  readonly restartHoldMs: () => number;
  /** This node and the peer had lost each other. */
  readonly onFoundAgain: (peerName: string) => void;
  /** The peer is to be asked at once whether it listens. */
  readonly onAsk: (peerName: string) => void;
}

export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #peersByMac = new Map<string, Peer>();
  /** Counts whatever decides about ownership. */
  #changes = 0;

  constructor(options: PeerTableOptions) {
    this.#options = options;
  }

  get changes(): number {
    return this.#changes;
  }

  get size(): number {
    return this.#peers.size;
  }

  get(nodeName: string): Peer | undefined {
    return this.#peers.get(nodeName);
  }

  values(): Iterable<Peer> {
    return this.#peers.values();
  }

  /** Names of the peers for which the condition holds. */
  names(isWanted: (peer: Peer) => boolean): string[] {
    const names: string[] = [];
    for (const peer of this.#peers.values()) if (isWanted(peer)) names.push(peer.nodeName);
    return names;
  }

  byMac(macText: string): Peer | undefined {
    return this.#peersByMac.get(macText);
  }

  /** Replaces the set of peers; what is known of those that stay is kept. */
  configure(peerNames: readonly string[], timers: MembershipTimers): void {
    const wanted = new Set(peerNames.slice(0, MAX_PEERS));
    for (const [name, peer] of this.#peers) {
      if (wanted.has(name)) continue;
      this.#setStations(peer, []);
      this.#peers.delete(name);
      this.#changes += 1;
    }
    for (const name of wanted) {
      if (!this.#peers.has(name)) this.#peers.set(name, newPeer(name, timers));
    }
  }

  hear({ nodeName, header, body, isNewest }: ReceivedHeartbeat, nowMs: number): void {
    const peer = this.#peers.get(nodeName);
    if (peer === undefined) return;
    const { standing } = peer;
    const heard = noteHeartbeat(peer, header.bootId, nowMs);
    if (heard.wasSuspect) this.#changes += 1;
    if (heard.wasLost && !body.isLeaving) this.#options.onFoundAgain(nodeName);
    const isBack = heard.isNewBoot || standing !== "left";
    if (isNewest) this.#heed(peer, body, { nowMs, isBack });
    // A heartbeat that was overtaken is a sign of life, but what it says is out of date.
    else if (isBack && standing !== "held") this.#set(peer, "alive", peer.isEligible);
  }

  /** A frame of the peer answered for an address or announced one. */
  noteWireSign(peerName: string, nowMs: number): void {
    const peer = this.#peers.get(peerName);
    if (peer !== undefined) this.#noteSign(peer, nowMs, nowMs);
  }

  /** The host of the peer answered for its own address. */
  noteHostSign(peerName: string, nowMs: number): void {
    const peer = this.#peers.get(peerName);
    if (peer?.standing === "held") peer.hostSignMs = nowMs;
  }

  noteRefusal(peerName: string, nowMs: number): void {
    const peer = this.#peers.get(peerName);
    if (peer === undefined) return;
    noteRefusal(peer, nowMs);
    this.#suspect(peer, nowMs);
  }

  /** A peer that was never heard and whose node address answers from this MAC. */
  learnMac(nodeName: string, macText: string): void {
    const peer = this.#peers.get(nodeName);
    if (peer === undefined || peer.bootId !== undefined) return;
    this.#setStations(peer, [{ macText, nameHash: undefined }]);
  }

  /** Who is suspect now, who is dead. */
  judge(nowMs: number): void {
    const othersSignMs = toOthersSigns(this.#peers.values());
    for (const peer of this.#peers.values()) this.#judge(peer, othersSignMs(peer), nowMs);
  }

  /** When `judge` has something to do; Infinity when nothing is to be expected. */
  nextDeadlineMs(): number {
    let nextMs = Infinity;
    const othersSignMs = toOthersSigns(this.#peers.values());
    for (const peer of this.#peers.values()) {
      nextMs = Math.min(nextMs, peerDeadlineMs(peer, othersSignMs(peer)));
    }
    return nextMs;
  }

  #set(peer: Peer, standing: Standing, isEligible: boolean): void {
    if (peer.standing !== standing || peer.isEligible !== isEligible) this.#changes += 1;
    peer.standing = standing;
    peer.isEligible = isEligible;
  }

  #setStations(peer: Peer, stations: readonly Station[]): void {
    for (const { macText } of peer.stations) {
      if (this.#peersByMac.get(macText) === peer) this.#peersByMac.delete(macText);
    }
    peer.stations = stations;
    for (const { macText } of stations) this.#peersByMac.set(macText, peer);
  }

  #setUsable(peer: Peer, usable: ReadonlySet<number>): void {
    if (peer.usableInterfaces !== undefined && isSameSet(peer.usableInterfaces, usable)) return;
    peer.usableInterfaces = usable;
    this.#changes += 1;
  }

  /** Takes over what the peer's newest heartbeat says. */
  #heed(
    peer: Peer,
    body: HeartbeatBody,
    { nowMs, isBack }: { readonly nowMs: number; readonly isBack: boolean },
  ): void {
    this.#heedStanding(peer, body, { nowMs, isBack });
    const hadLostUs = peer.hasLostUs;
    peer.hasLostUs = this.#isLostTo(body);
    if (hadLostUs && !peer.hasLostUs) this.#options.onFoundAgain(peer.nodeName);
    if (peer.isUplinkLost !== body.isUplinkLost) this.#changes += 1;
    peer.isUplinkLost = body.isUplinkLost;
    adoptTimers(peer, body.intervalMs, body.multiplier);
    const stations = body.interfaces.map(({ mac, nameHash }) => ({
      macText: formatMacAddress(mac),
      nameHash,
    }));
    // One that goes has closed its interfaces already or soon will: who it was is still of use.
    const isGoing = body.isLeaving || body.isRestartHold;
    if (stations.length > 0 || !isGoing) {
      this.#setStations(peer, stations);
      this.#setUsable(peer, toUsableInterfaces(body.interfaces));
    }
    if (peer.standing === "alive") this.#believeReports(peer, body, nowMs);
  }

  #heedStanding(
    peer: Peer,
    body: HeartbeatBody,
    { nowMs, isBack }: { readonly nowMs: number; readonly isBack: boolean },
  ): void {
    if (body.isLeaving) this.#set(peer, "left", false);
    else if (body.isRestartHold) this.#hold(peer, nowMs);
    // It is there again, but knows nothing yet: it is waited for until it may own what was its.
    else if (peer.standing === "held" && !body.isEligible) return;
    else if (isBack) this.#set(peer, "alive", body.isEligible);
  }

  #hold(peer: Peer, nowMs: number): void {
    if (peer.standing !== "held") {
      peer.heldUntilMs = nowMs + this.#options.restartHoldMs();
      peer.hostSignMs = undefined;
    }
    this.#set(peer, "held", false);
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

  #noteSign(peer: Peer, signMs: number, nowMs: number): void {
    if (signMs <= (peer.lastSignMs ?? -Infinity)) return;
    peer.lastSignMs = signMs;
    if (peer.standing === "left" || peer.standing === "held") return;
    const heardMs = peer.lastHeartbeatMs ?? -Infinity;
    // What its last heartbeat said is out of date; a frame for an address is proof enough.
    const isEligible = nowMs - heardMs >= peer.detectionMs || peer.isEligible;
    this.#set(peer, "alive", isEligible);
  }

  /**
   * Whether the sender may own addresses and counts this node as dead: this node was stopped, or what it sends does not
   * arrive, and it may know nothing of that.
   */
  #isLostTo(body: HeartbeatBody): boolean {
    const { nodeId: ownId, detectionMs } = this.#options;
    return (
      body.isEligible &&
      body.silentPeers.some(({ nodeId, silentMs }) => nodeId === ownId && silentMs >= detectionMs())
    );
  }

  #suspect(peer: Peer, nowMs: number): void {
    if (peer.isSuspect || suspectFromMs(peer) > nowMs) return;
    peer.isSuspect = true;
    this.#changes += 1;
  }

  #judge(peer: Peer, othersSignMs: number, nowMs: number): void {
    if (peer.standing === "held" && heldDeadlineMs(peer) <= nowMs) this.#endHold(peer, nowMs);
    if (peer.standing !== "alive") return;
    this.#suspect(peer, nowMs);
    const { refusals } = peer;
    if (deadlineMs(peer, othersSignMs) <= nowMs) {
      this.#set(peer, "dead", false);
      peer.refusals = undefined;
      return;
    }
    if (refusals === undefined) return;
    if ((refusals.resendsMs[0] ?? Infinity) <= nowMs) {
      refusals.resendsMs = refusals.resendsMs.filter(dueMs => dueMs > nowMs);
      this.#options.onAsk(peer.nodeName);
    }
    if (refusalsOverMs(peer) <= nowMs) peer.refusals = undefined;
  }

  /** One that is there again and still not ready is judged as usual: others take what was its. */
  #endHold(peer: Peer, nowMs: number): void {
    const isHeard = nowMs - (peer.lastHeartbeatMs ?? -Infinity) < peer.detectionMs;
    this.#set(peer, isHeard ? "alive" : "dead", false);
  }
}
