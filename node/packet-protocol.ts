/**
 * What main and packet thread say to each other: plain values that survive a structured clone. Addresses are canonical text.
 * The packet thread decides ownership itself, by its own clock and its own heartbeats; nothing in it waits for main.
 */
import type { ConflictReport, ConflictSettings } from "../lib/net/address-conflict";
import type { MembershipTimers } from "../lib/liveness/timers";
import type { BfdPortCommand, BfdReport } from "./bfd-protocol";

/** One address of the cluster and who may announce it. */
export interface AnnouncementEntry {
  readonly address: string;
  /** Names of the interfaces it may be announced on. */
  readonly interfaces: readonly string[] | "all";
  /** Node names in election order, this node included or not; the first that lives owns the address. */
  readonly candidates: readonly string[];
}

/** A speaker and the addresses it speaks from. */
export interface PeerAddresses {
  readonly nodeName: string;
  readonly addresses: readonly string[];
}

export interface HeartbeatConfig {
  readonly port: number;
  /** Own addresses to speak from; none = every address of both families. */
  readonly bindAddresses: readonly string[];
  readonly peers: readonly PeerAddresses[];
  /** Shared secret; without it heartbeats travel in the clear. A changed one is accepted beside the one before. */
  readonly secret?: Uint8Array;
  /** Product namespace: speakers of different installations do not understand each other. */
  readonly namespace: string;
}

export interface ConfigureCommand {
  readonly type: "configure";
  readonly nodeName: string;
  readonly heartbeat: HeartbeatConfig;
  /** Regular expressions, unanchored; interfaces with a matching name are left alone. */
  readonly excludedInterfaces: readonly string[];
  /** How long a better node leaves an address to the one that serves it, Infinity: for ever; 10 s if absent. */
  readonly failbackMs?: number;
  /** How often heartbeats leave, and how many may be missed; every 80 ms and 6 if absent. */
  readonly timers?: MembershipTimers;
  /** How long a speaker that restarts is waited for; 10 s if absent, 0: not at all. */
  readonly restartHoldMs?: number;
  /** False: nobody answers in the place of a speaker that restarts. */
  readonly isStandInAllowed?: boolean;
  /** Whether strangers are asked about before an address is announced, and what is done about them afterwards. */
  readonly conflicts?: ConflictSettings;
}

/** The whole desired set; replaces the one before. The first one makes this node eligible. */
export interface AnnounceCommand {
  readonly type: "announce";
  readonly entries: readonly AnnouncementEntry[];
}

/** Whether the default gateway answers, as main finds by ICMP. */
export interface UplinkCommand {
  readonly type: "uplink";
  readonly isReachable: boolean;
}

/** Leaves in order; `isRestart`: it is about to come back, what it owns is kept for it. */
export interface StopCommand {
  readonly type: "stop";
  readonly isRestart?: boolean;
}

export type PacketCommand = ConfigureCommand | AnnounceCommand | UplinkCommand | StopCommand;

export interface InterfaceReport {
  readonly name: string;
  readonly index: number;
  /** Empty for interfaces without MAC address. */
  readonly mac: string;
  readonly isUsable: boolean;
  readonly reason?: string;
}

/** Counts since the thread started. */
export interface AddressCountersReport {
  readonly address: string;
  readonly requestsReceived: number;
  readonly responsesSent: number;
  readonly gratuitousSent: number;
}

export interface PacketTotals {
  /** Outcomes of received frames by name: `answered`, `notAnnounced`, `claimedByOther`, `truncated` … */
  readonly arp: Readonly<Record<string, number>>;
  readonly ndp: Readonly<Record<string, number>>;
  /** Requests that tell neighbors by name where an address is, and those of them that were answered. */
  readonly directed: { readonly sent: number; readonly confirmed: number };
  /** `sent`, `received`, and refusals by name. */
  readonly heartbeats: Readonly<Record<string, number>>;
  readonly sendErrors: number;
  /** Since the last report: how late the thread woke at worst, and how long its longest turn was. */
  readonly worstWakeDelayMs: number;
  readonly longestTurnMs: number;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export type PacketReport =
  | { readonly type: "started" }
  /** Nodes whose speaker is heard, this one included, sorted. */
  | { readonly type: "membership"; readonly alive: readonly string[] }
  /** On every change; none for an address that was taken from the set. */
  | {
      readonly type: "ownership";
      readonly address: string;
      readonly isOwner: boolean;
      /** Where this node announces it now; empty when it is not the owner or has none of the named interfaces. */
      readonly interfaces: readonly string[];
      readonly owner?: string;
    }
  | { readonly type: "interfaces"; readonly interfaces: readonly InterfaceReport[] }
  /** A host outside of the cluster has one of our addresses: on each change, and once a second while it claims it. */
  | ({ readonly type: "conflict" } & ConflictReport)
  /**
   * Once a second: totals, and the addresses whose counts changed since the last report; several reports in a row when
   * those are many.
   */
  | {
      readonly type: "counters";
      readonly perAddress: readonly AddressCountersReport[];
      readonly totals: PacketTotals;
    }
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly msg: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | BfdReport
  /** The thread cannot do its work and ends; `error` is a sentence for people. */
  | { readonly type: "failed"; readonly error: string };

/** What the handle makes of commands: the difference to the set before, in portions that do not hold up the thread. */
export type ThreadCommand =
  | ConfigureCommand
  | {
      readonly type: "announceChanges";
      readonly changed: readonly AnnouncementEntry[];
      readonly removed: readonly string[];
      /** The set is complete with this portion. */
      readonly isLast: boolean;
    }
  | BfdPortCommand
  | UplinkCommand
  | StopCommand;

/** What the thread posts: first `ready`, then reports in batches. */
export type ThreadMessage =
  | { readonly type: "ready"; readonly eventFd: number }
  | { readonly type: "reports"; readonly reports: readonly PacketReport[] };

export interface PacketThreadData {
  readonly nodeName: string;
  /** A `MessagePort`; commands arrive on it and messages leave by it. */
  readonly port: unknown;
}
