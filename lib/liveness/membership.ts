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
import { hasWanted, isSameSet, toUsableInterfaces, type WantedInterfaces } from "./interfaces";
import { toNodeId, type HeartbeatBody, type InterfaceRecord } from "./message";
import { toSilentPeers, type Standing } from "./peer";
import { PeerTable } from "./peer-table";
import type { ReceivedHeartbeat } from "./receiver";
import {
  DEFAULT_MEMBERSHIP_TIMERS,
  DEFAULT_RESTART_HOLD_MS,
  stretchInterval,
  type MembershipTimers,
} from "./timers";

export type MembershipEvent =
  | { readonly type: "configured"; readonly peerNames: readonly string[] }
  /** The cluster's state is known: from now on this node may own what it is told to. */
  | { readonly type: "synced" }
  | { readonly type: "heartbeat"; readonly heartbeat: ReceivedHeartbeat }
  /** A frame of the peer answered for an address or announced one. */
  | { readonly type: "sign"; readonly peerName: string }
  /** The kernel of the peer's host answered for the host's own address. */
  | { readonly type: "hostSign"; readonly peerName: string }
  /** The peer's host said that nobody listens on the heartbeat port. */
  | { readonly type: "refused"; readonly peerName: string }
  /** Whether some interface is up, has carrier and is proven to receive; true at first. */
  | { readonly type: "link"; readonly isReady: boolean }
  /** Whether the default gateway answers; true at first. */
  | { readonly type: "uplink"; readonly isReachable: boolean }
  /** The interfaces that heartbeats speak of, with the MAC addresses by which peers know our frames. */
  | { readonly type: "interfaces"; readonly interfaces: readonly InterfaceRecord[] }
  /** The process ends in order; `isRestart`: it is about to come back. */
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
/** A gateway that is gone for all nodes is no reason to move: that long the others may find out. */
export const UPLINK_GRACE_MS = 2_000;

type OwnState = "idle" | "listening" | "active" | "leaving" | "left";

export class Membership {
  readonly nodeName: string;
  readonly #startTimeMs: number;
  readonly #peers: PeerTable;
  #timers: MembershipTimers;
  #restartHoldMs = DEFAULT_RESTART_HOLD_MS;
  #interfaces: readonly InterfaceRecord[] = [];
  #usableInterfaces: ReadonlySet<number> = new Set();
  #state: OwnState = "idle";
  #isRestart = false;
  #isSynced = false;
  #isLinkReady = true;
  #uplinkLostMs: number | undefined;
  /** The gateway answers other speakers and not this node. */
  #isUplinkGivenUp = false;
  #listenUntilMs = 0;
  #nextSendMs = 0;
  #leaveSends = 0;
  #ownChanges = 0;
  #actions: MembershipAction[] = [];

  /** `startTimeMs`: wall-clock time of the process start, for the heartbeats alone. */
  constructor(
    nodeName: string,
    startTimeMs: number,
    timers: MembershipTimers = DEFAULT_MEMBERSHIP_TIMERS,
  ) {
    this.nodeName = nodeName;
    this.#startTimeMs = startTimeMs;
    this.#timers = timers;
    this.#peers = new PeerTable({
      nodeId: toNodeId(nodeName),
      detectionMs: () => this.detectionMs,
      restartHoldMs: () => this.#restartHoldMs,
      onFoundAgain: peerName => this.#announceAgain(peerName),
      onAsk: to => this.#actions.push({ type: "sendHeartbeat", to }),
    });
  }

  get intervalMs(): number {
    return stretchInterval(this.#timers, this.#peers.size + 1);
  }

  get multiplier(): number {
    return this.#timers.multiplier;
  }

  /** A peer that is silent for this long is dead. */
  get detectionMs(): number {
    return this.intervalMs * this.#timers.multiplier;
  }

  /** A loop that woke later than this may have been judged dead by others, if there are any: it gives up what it owned. */
  get stallLimitMs(): number {
    if (this.#peers.size === 0) return Infinity;
    return this.intervalMs * (this.#timers.multiplier - 1.25);
  }

  /** From now on; peers learn it by the next heartbeat. */
  setTimers(timers: MembershipTimers, restartHoldMs = DEFAULT_RESTART_HOLD_MS): void {
    this.#timers = timers;
    this.#restartHoldMs = restartHoldMs;
  }

  /**
   * Whether the node may own an address now that wants one of the interfaces: this node or a peer, alive, ready and not leaving,
   * with one of them usable.
   */
  isEligible(nodeName: string, wanted?: WantedInterfaces): boolean {
    if (nodeName === this.nodeName) {
      return this.#isSelfEligible() && hasWanted(wanted, this.#usableInterfaces);
    }
    const peer = this.#peers.get(nodeName);
    if (peer?.standing !== "alive" || !peer.isEligible) return false;
    return hasWanted(wanted, peer.usableInterfaces);
  }

  /** How a peer stands; undefined for a node that is none. */
  standing(nodeName: string): Standing | undefined {
    return this.#peers.get(nodeName)?.standing;
  }

  /** Peers that live by our reckoning, but whose heartbeats stay away or are refused: their addresses are to be probed. */
  suspects(): readonly string[] {
    return this.#peers.names(({ standing, isSuspect }) => isSuspect && standing === "alive");
  }

  /** Peers whose frames could not be told from a stranger's. */
  peersWithoutMac(): readonly string[] {
    return this.#peers.names(({ stations }) => stations.length === 0);
  }

  /** It has said that it goes, often enough. */
  get hasLeft(): boolean {
    return this.#state === "left";
  }

  /** It is about to come back. */
  get isRestarting(): boolean {
    return this.#isRestart;
  }

  /** The last sign of the peer; undefined before the first. */
  lastSignMs(nodeName: string): number | undefined {
    return this.#peers.get(nodeName)?.lastSignMs;
  }

  /** The peer that speaks from the MAC address, by its heartbeats or its node address. */
  peerByMac(macText: string): string | undefined {
    return this.#peers.byMac(macText)?.nodeName;
  }

  /** Where unicast probes of the peer go. */
  macsOf(nodeName: string): readonly string[] {
    return (this.#peers.get(nodeName)?.stations ?? []).map(({ macText }) => macText);
  }

  /** The peer's MAC address on the segment of our interface: that of its interface of the same name, or its only one. */
  macBeside(nodeName: string, interfaceNameHash: number): string | undefined {
    const stations = this.#peers.get(nodeName)?.stations ?? [];
    const named = stations.find(({ nameHash }) => nameHash === interfaceNameHash);
    return (named ?? (stations.length === 1 ? stations[0] : undefined))?.macText;
  }

  /** A peer that was never heard and whose node address answers from this MAC. */
  learnMac(nodeName: string, macText: string): void {
    this.#peers.learnMac(nodeName, macText);
  }

  /** Names of all speakers that live, this one included unless it leaves, sorted. */
  aliveNames(): readonly string[] {
    const names = this.#peers.names(({ standing }) => standing === "alive");
    if (this.#state === "listening" || this.#state === "active") names.push(this.nodeName);
    return names.sort();
  }

  /** As the event `interfaces`, before anything else happens. */
  setInterfaces(interfaces: readonly InterfaceRecord[]): void {
    this.#interfaces = interfaces;
    this.#usableInterfaces = toUsableInterfaces(interfaces);
  }

  /** What the next heartbeat says. */
  heartbeatBody(nowMs: number): HeartbeatBody {
    const isGoing = this.#state === "leaving" || this.#state === "left";
    return {
      startTimeMs: this.#startTimeMs,
      intervalMs: this.intervalMs,
      multiplier: this.#timers.multiplier,
      isEligible: this.#isSelfEligible(),
      isLeaving: isGoing && !this.#isRestart,
      isRestartHold: isGoing && this.#isRestart,
      isSilentListCut: false,
      isUplinkLost: this.#uplinkLostMs !== undefined,
      silentPeers: toSilentPeers(this.#peers.values(), nowMs),
      interfaces: this.#interfaces,
    };
  }

  handle(event: MembershipEvent, nowMs: number): readonly MembershipAction[] {
    const changesBefore = this.#changes;
    const wasEligible = this.#isSelfEligible();
    this.#actions = [];
    this.#apply(event, nowMs);
    this.#judgeUplink(nowMs);
    const actions = this.#actions;
    const isEligible = this.#isSelfEligible();
    if (isEligible !== wasEligible) {
      this.#ownChanges += 1;
      // Others wait for that word, to take or to leave what is ours.
      if (!actions.some(({ type }) => type === "sendHeartbeat") && this.#state !== "left") {
        actions.push({ type: "sendHeartbeat" });
      }
    }
    if (this.#changes !== changesBefore) actions.unshift({ type: "changed" });
    return isEligible ? actions : actions.filter(({ type }) => type !== "announceAgain");
  }

  /**
   * When `{ type: "timeout" }` is due next; undefined before `configured`, after leaving, and while there is nobody to speak to. Early
   * calls are harmless.
   */
  nextDeadlineMs(): number | undefined {
    if (this.#state === "idle" || this.#state === "left") return undefined;
    if (this.#state === "leaving") return this.#nextSendMs;
    if (this.#peers.size === 0) return undefined;
    const listenUntilMs = this.#state === "listening" ? this.#listenUntilMs : Infinity;
    return Math.min(this.#nextSendMs, listenUntilMs, this.#peers.nextDeadlineMs());
  }

  get #changes(): number {
    return this.#ownChanges + this.#peers.changes;
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
        this.#peers.hear(event.heartbeat, nowMs);
        this.#finishListening(nowMs);
        return;
      case "sign":
        this.#peers.noteWireSign(event.peerName, nowMs);
        return;
      case "hostSign":
        this.#peers.noteHostSign(event.peerName, nowMs);
        return;
      case "refused":
        this.#peers.noteRefusal(event.peerName, nowMs);
        return;
      default:
        this.#applyOwn(event, nowMs);
    }
  }

  /** What happens to this node alone. */
  #applyOwn(
    event: MembershipEvent & {
      readonly type: "link" | "uplink" | "interfaces" | "leave" | "timeout";
    },
    nowMs: number,
  ): void {
    switch (event.type) {
      case "link":
        this.#setLink(event.isReady, nowMs);
        return;
      case "uplink":
        this.#uplinkLostMs = event.isReachable ? undefined : (this.#uplinkLostMs ?? nowMs);
        return;
      case "interfaces":
        this.#changeInterfaces(event.interfaces);
        return;
      case "leave":
        this.#leave(event.isRestart === true, nowMs);
        return;
      case "timeout":
        this.#timeout(nowMs);
    }
  }

  /** Others wait for that word: what this node cannot announce any more is theirs at once. */
  #changeInterfaces(interfaces: readonly InterfaceRecord[]): void {
    const before = this.#usableInterfaces;
    this.setInterfaces(interfaces);
    if (isSameSet(before, this.#usableInterfaces)) return;
    this.#ownChanges += 1;
    const isHeard = this.#state === "listening" || this.#state === "active";
    if (isHeard) this.#actions.push({ type: "sendHeartbeat" });
  }

  #isSelfEligible(): boolean {
    return (
      this.#state === "active" && this.#isSynced && this.#isLinkReady && !this.#isUplinkGivenUp
    );
  }

  #enter(state: OwnState): void {
    if (this.#state !== state) this.#ownChanges += 1;
    this.#state = state;
  }

  #announceAgain(peerName: string): void {
    if (this.#actions.some(a => a.type === "announceAgain" && a.peerName === peerName)) return;
    this.#actions.push({ type: "announceAgain", peerName });
  }

  #configure(peerNames: readonly string[], nowMs: number): void {
    const others = peerNames.filter(name => name !== this.nodeName);
    this.#peers.configure(others, this.#timers);
    if (this.#state === "idle") {
      this.#listen(nowMs);
      this.#nextSendMs = nowMs + this.intervalMs;
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
    const missing = this.#peers.names(
      ({ standing }) => standing === "unknown" || standing === "dead",
    );
    if (missing.length === 0 || nowMs >= this.#listenUntilMs) this.#enter("active");
  }

  /**
   * A node whose gateway is silent gives up only when the gateway answers another one that may own addresses: one that is
   * gone for all is no reason to move anything.
   */
  #judgeUplink(nowMs: number): void {
    const lostMs = this.#uplinkLostMs;
    if (lostMs === undefined || nowMs - lostMs < UPLINK_GRACE_MS) {
      this.#isUplinkGivenUp = false;
      return;
    }
    const better = this.#peers.names(
      peer => peer.standing === "alive" && peer.isEligible && !peer.isUplinkLost,
    );
    this.#isUplinkGivenUp = better.length > 0;
  }

  /** A link came back while nobody can be heard: listen first, as after a start. */
  #setLink(isReady: boolean, nowMs: number): void {
    if (this.#isLinkReady === isReady) return;
    this.#isLinkReady = isReady;
    if (!isReady || this.#state !== "active" || this.#peers.size === 0) return;
    const heard = this.#peers.names(({ standing }) => standing === "alive");
    if (heard.length === 0) this.#listen(nowMs);
  }

  #leave(isRestart: boolean, nowMs: number): void {
    if (this.#state === "leaving" || this.#state === "left") return;
    this.#isRestart = isRestart && this.#restartHoldMs > 0;
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
    this.#peers.judge(nowMs);
    this.#finishListening(nowMs);
    if (nowMs < this.#nextSendMs) return;
    const nextMs = this.#nextSendMs + this.intervalMs;
    // After a stall the beat starts anew instead of catching up.
    this.#nextSendMs = nextMs > nowMs ? nextMs : nowMs + this.intervalMs;
    this.#actions.push({ type: "sendHeartbeat" });
  }

  #sendLeaving(nowMs: number): void {
    if (this.#state !== "leaving" || nowMs < this.#nextSendMs) return;
    this.#leaveSends += 1;
    this.#nextSendMs = nowMs + LEAVE_INTERVAL_MS;
    this.#actions.push({ type: "sendHeartbeat" });
    if (this.#leaveSends >= LEAVE_SENDS) this.#enter("left");
  }
}
