/** What is known about one other speaker, and the rules by which it is judged alive or dead. */
import { MAX_DETECTION_MS, MIN_DETECTION_MS } from "./limits";
import { SILENT_FOR_EVER_MS } from "./constants";
import { toNodeId, type SilentPeer } from "./message";

/**
 * `unknown`: never heard since this node started. `dead`: its time is over. `left`: said that it goes, and gave no sign from a new
 * start yet. `held`: restarts, its addresses are kept for it.
 */
export type Standing = "unknown" | "alive" | "dead" | "left" | "held";

/** The first refusal of a heartbeat and those after it. */
export interface Refusals {
  readonly sinceMs: number;
  count: number;
  /** When to ask again; empty when asked often enough. */
  resendsMs: number[];
}

export interface Peer {
  readonly nodeName: string;
  readonly nodeId: bigint;
  bootId: bigint | undefined;
  standing: Standing;
  /** It lives by our reckoning, but its heartbeats stay away or are refused: its addresses are to be probed. */
  isSuspect: boolean;
  /** What its last heartbeat said; true for one that is known by its frames alone. */
  isEligible: boolean;
  lastHeartbeatMs: number | undefined;
  /** Its last heartbeat, its last frame for an address, or what another speaker heard of it, whichever is later. */
  lastSignMs: number | undefined;
  intervalMs: number;
  detectionMs: number;
  /** While it restarts: until when it is waited for. */
  heldUntilMs: number;
  /** While it restarts: its host answered for its own address then. */
  hostSignMs: number | undefined;
  refusals: Refusals | undefined;
  /** It may own addresses and said that it does not hear this node. */
  hasLostUs: boolean;
  /** It said that its default gateway does not answer. */
  isUplinkLost: boolean;
  stations: readonly Station[];
  /** Hashes of the names of its interfaces that are up, have carrier and receive; undefined when only its frames are known. */
  usableInterfaces: ReadonlySet<number> | undefined;
}

/** A MAC address that the peer speaks from, and the interface it said it belongs to. */
export interface Station {
  readonly macText: string;
  /** First 4 octets of SHA-256 of the name; undefined when only the peer's frames are known. */
  readonly nameHash: number | undefined;
}

/** Silence this many intervals long makes a peer suspect: its addresses are probed. */
export const SUSPECT_INTERVALS = 3;
/** A peer counts as silent in our heartbeats after this many intervals without one. */
export const SILENT_INTERVALS = 1.5;
/** A refused heartbeat is repeated after these times, and judged after the last. */
const REFUSED_RESENDS_MS = [20, 40] as const;
const REFUSED_VERDICT_MS = 120;
const REFUSALS_NEEDED = 2;

export function newPeer(
  nodeName: string,
  timers: { readonly intervalMs: number; readonly multiplier: number },
): Peer {
  return {
    nodeName,
    nodeId: toNodeId(nodeName),
    bootId: undefined,
    standing: "unknown",
    isSuspect: false,
    isEligible: false,
    lastHeartbeatMs: undefined,
    lastSignMs: undefined,
    intervalMs: timers.intervalMs,
    detectionMs: timers.intervalMs * timers.multiplier,
    heldUntilMs: 0,
    hostSignMs: undefined,
    refusals: undefined,
    hasLostUs: false,
    isUplinkLost: false,
    stations: [],
    usableInterfaces: undefined,
  };
}

/** Times this peer as it wishes, within reason. */
export function adoptTimers(peer: Peer, intervalMs: number, multiplier: number): void {
  peer.intervalMs = Math.max(1, intervalMs);
  peer.detectionMs = Math.min(
    MAX_DETECTION_MS,
    Math.max(MIN_DETECTION_MS, intervalMs * multiplier),
  );
}

/** Notes a heartbeat: the peer lives. What was before is told. */
export function noteHeartbeat(
  peer: Peer,
  bootId: bigint,
  nowMs: number,
): { readonly isNewBoot: boolean; readonly wasSuspect: boolean; readonly wasLost: boolean } {
  const isNewBoot = peer.bootId !== bootId;
  const { isSuspect: wasSuspect } = peer;
  const silentMs = nowMs - (peer.lastHeartbeatMs ?? nowMs);
  // Whoever left in order announced nothing since.
  const wasLost = silentMs >= peer.detectionMs && peer.standing !== "left" && !isNewBoot;
  peer.bootId = bootId;
  peer.lastHeartbeatMs = nowMs;
  peer.lastSignMs = nowMs;
  peer.refusals = undefined;
  peer.isSuspect = false;
  return { isNewBoot, wasSuspect, wasLost };
}

/** What a heartbeat says about the silence of others. */
export function toSilentPeers(peers: Iterable<Peer>, nowMs: number): readonly SilentPeer[] {
  const silent: SilentPeer[] = [];
  for (const { nodeId, lastHeartbeatMs, intervalMs, refusals } of peers) {
    const silentMs = lastHeartbeatMs === undefined ? SILENT_FOR_EVER_MS : nowMs - lastHeartbeatMs;
    if (silentMs < SILENT_INTERVALS * intervalMs && refusals === undefined) continue;
    silent.push({ nodeId, silentMs: Math.min(SILENT_FOR_EVER_MS, Math.round(silentMs)) });
  }
  return silent;
}

/** For each peer the last sign of any other: from the two latest of all, or a hundred peers would cost ten thousand steps. */
export function toOthersSigns(peers: Iterable<Peer>): (peer: Peer) => number {
  let latest: Peer | undefined;
  let latestMs = -Infinity;
  let secondMs = -Infinity;
  for (const peer of peers) {
    const signMs = peer.lastSignMs ?? -Infinity;
    if (signMs > latestMs) {
      secondMs = latestMs;
      latestMs = signMs;
      latest = peer;
    } else secondMs = Math.max(secondMs, signMs);
  }
  return peer => (peer === latest ? secondMs : latestMs);
}

/** From when on the peer is suspect: too long without heartbeat, or refused. */
export function suspectFromMs(peer: Peer): number {
  const silentMs = (peer.lastHeartbeatMs ?? -Infinity) + SUSPECT_INTERVALS * peer.intervalMs;
  return Math.min(silentMs, peer.refusals?.sinceMs ?? Infinity);
}

/**
 * When the peer is to be declared dead if nothing more is heard of it: its detection time after the last sign. Twice that when
 * nobody else was heard after it: then the fault may be here. `othersSignMs` is the last sign of any other peer.
 */
export function deadlineMs(peer: Peer, othersSignMs: number): number {
  const signMs = peer.lastSignMs ?? -Infinity;
  const isAlone = othersSignMs < signMs;
  return Math.min(signMs + peer.detectionMs * (isAlone ? 2 : 1), refusedDeadMs(peer));
}

/**
 * Notes that the host of the peer refused a heartbeat (port unreachable). It only counts when the peer was heard shortly
 * before: a port that was closed all along is mere silence.
 */
export function noteRefusal(peer: Peer, nowMs: number): void {
  if (peer.refusals !== undefined) {
    peer.refusals.count += 1;
    return;
  }
  const heardMs = peer.lastHeartbeatMs ?? -Infinity;
  if (peer.standing !== "alive" || nowMs - heardMs > SUSPECT_INTERVALS * peer.intervalMs) return;
  const resendsMs = REFUSED_RESENDS_MS.map(afterMs => nowMs + afterMs);
  peer.refusals = { sinceMs: nowMs, count: 1, resendsMs };
}

/** When refusals come to nothing or to a verdict; Infinity without any. */
export function refusalsOverMs(peer: Peer): number {
  return peer.refusals === undefined ? Infinity : peer.refusals.sinceMs + REFUSED_VERDICT_MS;
}

/**
 * When a peer that restarts is not waited for any longer: the time is over, or its host, which had answered for its own
 * address since, is silent: the machine went down, not only the speaker.
 */
export function heldDeadlineMs(peer: Peer): number {
  return Math.min(peer.heldUntilMs, (peer.hostSignMs ?? Infinity) + peer.detectionMs);
}

/** When something is to be done or decided about the peer if nothing more is heard of it. */
export function peerDeadlineMs(peer: Peer, othersSignMs: number): number {
  if (peer.standing === "held") return heldDeadlineMs(peer);
  if (peer.standing !== "alive") return Infinity;
  const resendMs = Math.min(
    peer.refusals?.resendsMs[0] ?? Infinity,
    peer.isSuspect ? Infinity : suspectFromMs(peer),
  );
  return Math.min(deadlineMs(peer, othersSignMs), refusalsOverMs(peer), resendMs);
}

function refusedDeadMs(peer: Peer): number {
  const { refusals } = peer;
  if (refusals === undefined || refusals.count < REFUSALS_NEEDED) return Infinity;
  return (peer.lastSignMs ?? -Infinity) > refusals.sinceMs ? Infinity : refusalsOverMs(peer);
}
