/**
 * What the packet thread says to main about BFD, and the port by which it talks to the BGP thread: plain values that survive a
 * structured clone. Addresses are canonical text. What the two threads say on that port is in `bgp-protocol.ts`.
 *
 *      main ── BfdPortCommand ──► packet thread ── BfdReport ──► main (metrics, log)
 *      BGP thread ── BfdRequests ──► packet thread ── BfdStateMessage ──► BGP thread: nothing of it waits for main
 */
import type { BfdState } from "../lib/bfd/constants";

/** Hands over one end of the `MessageChannel` between packet thread and BGP thread; it replaces the one before. */
export interface BfdPortCommand {
  readonly type: "bfdPort";
  /** A `MessagePort`, transferred. */
  readonly port: unknown;
}

/** Every change of a session's state. */
export interface BfdStateReport {
  readonly type: "bfdState";
  /** Names of the BGP sessions that go by it. */
  readonly sessions: readonly string[];
  readonly peer: string;
  /** The device it is bound to; empty: none. */
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
  readonly sessions: readonly string[];
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
  /** Messages to the BGP thread. */
  readonly notifications: number;
  /** As `BfdSessionCounters` of lib/bfd. */
  readonly margins: readonly number[];
  readonly marginSumMs: number;
}

/** Once a second while there are sessions, and once when the last is gone. All sessions, in one report or several. */
export interface BfdCountersReport {
  readonly type: "bfdCounters";
  readonly perSession: readonly BfdSessionCountersReport[];
  /** The first portion of a list. */
  readonly isFirst: boolean;
  /** The last portion of a list. */
  readonly isLast: boolean;
  /** Packets that were dropped since the thread started, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Packets that the kernel did not take. */
  readonly sendErrors: number;
}

export type BfdReport = BfdStateReport | BfdCountersReport;
