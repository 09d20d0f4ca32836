/**
 * What the threads say to each other about BFD: plain values that survive a structured clone. Addresses are canonical text.
 *
 *      main ── BfdCommand ──► packet thread ── BfdReport ──► main (metrics, events)
 *                                   └────── BfdPathMessage ──► BGP thread, by a port of their own: main may be busy
 */
import type { BfdState } from "../lib/bfd/constants";

/** One session that shall run. */
export interface BfdSessionRequest {
  /** Names the session in reports; the same key with other ends is another session. */
  readonly key: string;
  readonly peer: string;
  /** Absent: whichever address the kernel speaks to the peer from. */
  readonly local?: string;
  /** Needed for link-local peers. */
  readonly interfaceName?: string;
  /** Name of the VRF device. */
  readonly vrf?: string;
  readonly isMultiHop: boolean;
  /** Over several hops: what a packet must have left of its 255. */
  readonly minimumTtl: number;
  readonly receiveIntervalMs: number;
  readonly transmitIntervalMs: number;
  readonly detectMultiplier: number;
  readonly isPassive: boolean;
  /** Present: the echo function runs, at this interval. IPv4 over one hop alone. */
  readonly echoIntervalMs?: number;
}

/** The whole desired set; replaces the one before. */
export interface BfdCommand {
  readonly type: "bfd";
  readonly sessions: readonly BfdSessionRequest[];
}

/** Hands over the end of a `MessageChannel` on which `BfdPathMessage`s go out; it replaces the one before. */
export interface BfdPortCommand {
  readonly type: "bfdPort";
  /** A `MessagePort`, transferred. */
  readonly port: unknown;
}

/**
 * The path of a session, for whoever routes over it. A path that never was up is never `down`, and one whose session was taken
 * away says nothing more.
 */
export interface BfdPathMessage {
  readonly type: "bfdPath";
  readonly key: string;
  /** `adminDown`: the peer ended its session; the path is as good as before (RFC 5882 §4.2). */
  readonly path: "up" | "down" | "adminDown";
  /** Why, for a log line. */
  readonly words: string;
}

/** Every change of a session's state. */
export interface BfdStateReport {
  readonly type: "bfdState";
  readonly key: string;
  readonly peer: string;
  /** Empty: none. */
  readonly vrf: string;
  readonly from: BfdState;
  readonly to: BfdState;
  /** In the words of IANA. */
  readonly diagnostic: string;
  readonly remoteState: BfdState;
  readonly remoteDiagnostic: string;
}

/** Counts of one session since it was made, and how it stands. */
export interface BfdSessionCountersReport {
  readonly key: string;
  readonly peer: string;
  readonly vrf: string;
  readonly state: BfdState;
  /** What sending and detection go by now; detection is 0 before the first packet. */
  readonly transmitIntervalMs: number;
  readonly detectionTimeMs: number;
  readonly controlReceived: number;
  readonly controlSent: number;
  readonly echoReceived: number;
  readonly echoSent: number;
  readonly ups: number;
  readonly downs: number;
  /** Times that the routing protocol was told. */
  readonly notifications: number;
  /** As `BfdSessionCounters`. */
  readonly margins: readonly number[];
  readonly marginSumMs: number;
}

/** Once a second while there are sessions, in portions; `isLast` ends the list of them all. */
export interface BfdCountersReport {
  readonly type: "bfdCounters";
  readonly sessions: readonly BfdSessionCountersReport[];
  readonly isLast: boolean;
  /** Packets that were dropped since the thread started, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly sendErrors: number;
}

export type BfdReport = BfdStateReport | BfdCountersReport;
