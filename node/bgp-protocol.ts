/**
 * What main and BGP thread say to each other, and BGP thread and packet thread: plain values that survive a structured clone.
 * Addresses and prefixes are canonical text. The BGP thread keeps sessions and tables by itself; nothing in it waits for main.
 *
 *      main ── sessions, routes, synced, leave, stop ──► BGP thread ── session, counters, routesWritten … ──► main
 *                                                            ▲ │
 *                                          BFD up and down  │ ▼  which sessions want BFD
 *                                                       packet thread
 */
import type { SessionCounters, SessionState } from "../lib/bgp/session-events";
import type { AddressFamily } from "../lib/bgp/codec/address-family";
import type { SessionConfiguration } from "../lib/bgp/negotiation";
import type { RouteAttributes } from "../lib/bgp/route-attributes";
import type { LogLevel } from "./packet-protocol";

/** Whom a session is with: an address, or whoever answers on an interface (unnumbered). */
export type BgpPeerTarget =
  | { readonly type: "address"; readonly address: string }
  | { readonly type: "interface"; readonly interface: string };

/** BFD for a session: the values of its BFDProfile, with defaults filled in. */
export interface BfdSettings {
  readonly transmitIntervalMs: number;
  readonly receiveIntervalMs: number;
  readonly detectMultiplier: number;
  /** Undefined without the echo function. */
  readonly echoIntervalMs?: number;
  readonly isPassive: boolean;
  /** Of multihop sessions: packets with a smaller TTL are dropped. */
  readonly minimumTtl?: number;
}

/** One session as it shall be. */
export interface BgpSessionSpec {
  /** The BGPPeer's name; names the session in every message. */
  readonly name: string;
  readonly target: BgpPeerTarget;
  /** 1 … 65535. */
  readonly port: number;
  /** A VRF device (or any other) that the connection is bound to. */
  readonly vrf?: string;
  /** Ignored with a warning when this node does not have it. */
  readonly sourceAddress?: string;
  /** `offersExtendedNextHop` and the families are main's choice (bgp.md §3.3, §5.3), as is the BGP Identifier. */
  readonly configuration: SessionConfiguration;
  /** TCP MD5 key (RFC 2385), 1 … 80 octets of UTF-8. In no report and no log line. */
  readonly password?: string;
  /** The peer is not on the link: multihop BFD. The TTL of what is sent is always 255. */
  readonly isMultihop: boolean;
  /** Received packets must come from at most this many hops away (RFC 5082): 1 … 254. */
  readonly ttlSecurityHops?: number;
  readonly bfd?: BfdSettings;
}

/** Routes of one attribute set that sessions get. */
export interface AnnouncedRoutes {
  /** Index into the command's `attributeSets`. */
  readonly attributes: number;
  readonly prefixes: readonly string[];
}

/** Of equal prefixes in one command, `withdrawn` counts first and the last of `announced` stays. */
export interface SessionRouteChanges {
  readonly session: string;
  readonly withdrawn: readonly string[];
  readonly announced: readonly AnnouncedRoutes[];
}

/**
 * - `drain`: this node carries no more traffic. Routes get the graceful shutdown community for `drainMs`, then are withdrawn, then
 *   the sessions end for good.
 * - `restart`: this program comes back at once; peers that help keep the routes.
 */
export interface LeaveCommand {
  readonly type: "leave";
  readonly reason: "drain" | "restart";
  /** Shutdown communication (RFC 9003), at most 255 octets of UTF-8. */
  readonly text?: string;
  /** 0 if absent. */
  readonly drainMs?: number;
}

/** Changes of what sessions announce. What a command does not name stays; unknown sessions are passed over. */
export interface RoutesCommand {
  readonly type: "routes";
  /** Grows from command to command; comes back in `routesWritten`. Without one nothing comes back. */
  readonly sequence?: number;
  readonly attributeSets: readonly RouteAttributes[];
  readonly changes: readonly SessionRouteChanges[];
}

export type BgpCommand =
  /**
   * The whole set. A session of the same name and content goes on untouched; one whose parameters changed keeps its routes, and its
   * connection too unless a parameter of OPEN, TCP or peer changed. One that is gone withdraws its routes and ends.
   */
  | { readonly type: "sessions"; readonly sessions: readonly BgpSessionSpec[] }
  | RoutesCommand
  /**
   * Every session that exists now has been given its whole table once: its End-of-RIB may leave. Until then a new session sends no
   * route (for at most 30 s, or half the restart time). Sessions made before the first `synced` count as restarting (RFC 4724 R bit).
   */
  | { readonly type: "synced" }
  /** Ends every session; `left` answers. Later `sessions` and `routes` are passed over. */
  | LeaveCommand
  /** The thread ends at once; sessions that have not left are cut as by a crash. */
  | { readonly type: "stop" };

/** A NOTIFICATION that was sent or received. */
export interface NotificationReport {
  readonly code: number;
  readonly subcode: number;
  /** One line; the peer's own text is sanitised and cut. */
  readonly words: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** What the OPENs agreed on. */
export interface NegotiatedReport {
  readonly localAs: number;
  readonly remoteAs: number;
  readonly isExternal: boolean;
  /** As an IPv4 address. */
  readonly remoteIdentifier: string;
  readonly holdTimeMs: number;
  readonly keepaliveMs: number;
  readonly families: readonly AddressFamily[];
  readonly hasFourOctetAs: boolean;
  readonly allowsIpv6NextHopForIpv4: boolean;
  readonly hasGracefulRestart: boolean;
}

/** The whole state of a session, on every change of it. */
export interface BgpSessionReport {
  readonly type: "session";
  readonly session: string;
  readonly state: SessionState;
  /** Why it is in this state: one line, without secrets. */
  readonly words: string;
  /** Of the connection there is or was last. */
  readonly localAddress?: string;
  /** Where the peer is, or was found last; absent for an interface whose neighbour is not known. */
  readonly remoteAddress?: string;
  readonly negotiated?: NegotiatedReport;
  readonly lastSent?: NotificationReport;
  readonly lastReceived?: NotificationReport;
  /** Times the session left Established. */
  readonly flaps: number;
  /** What a user should look at though the session works: a source address this node has not, a family without next hop. */
  readonly warnings: readonly string[];
}

/** Counts since the session was first configured; they outlive a reset. */
export interface BgpSessionCounters extends SessionCounters {
  readonly session: string;
  readonly connectionAttempts: number;
  /** Prefixes the peer shall have, was told, and has yet to be told or untold. */
  readonly desiredPrefixes: number;
  readonly sentPrefixes: number;
  readonly pendingPrefixes: number;
  /** Defects of received messages that cost no session, by `code/subcode reaction` (RFC 7606). */
  readonly malformed: Readonly<Record<string, number>>;
  /** NOTIFICATIONs by `sent 6/2` or `received 6/2`. */
  readonly notifications: Readonly<Record<string, number>>;
}

export type BgpReport =
  | { readonly type: "started" }
  | BgpSessionReport
  /** The session is gone: it was taken from the set, and has ended. */
  | { readonly type: "sessionGone"; readonly session: string }
  /** Once a second, sessions whose counts changed since the last report. */
  | {
      readonly type: "counters";
      readonly perSession: readonly BgpSessionCounters[];
      /** Since the last report: how long the thread's event loop was held up at worst. */
      readonly worstLoopDelayMs: number;
    }
  /** Every change of the commands up to `sequence` is with the kernel on this session's connection. Only while Established. */
  | {
      readonly type: "routesWritten";
      readonly session: string;
      readonly sequence: number;
      /** Milliseconds since the epoch. */
      readonly atMs: number;
    }
  /** Every session has left. */
  | { readonly type: "left" }
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly msg: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** The thread cannot do its work and ends; `error` is a sentence for people. */
  | { readonly type: "failed"; readonly error: string };

/** A part of `RoutesCommand`, so that a long one does not hold the thread up; sent on with the last. */
export interface RoutesPortion extends Omit<RoutesCommand, "type"> {
  readonly type: "routesPortion";
  readonly isLast: boolean;
}

/** What the handle makes of commands. */
export type BgpThreadCommand = Exclude<BgpCommand, RoutesCommand> | RoutesPortion;

/** What the thread posts to main. */
export interface BgpThreadMessage {
  readonly type: "reports";
  readonly reports: readonly BgpReport[];
}

/** BGP thread → packet thread, on the port the two share: the whole set of sessions that want BFD, by BGPPeer name. */
export interface BfdRequests {
  readonly type: "bfdRequests";
  readonly requests: readonly BfdRequest[];
}

/** One session to guard. Requests with the same addresses and settings may share a BFD session. */
export interface BfdRequest {
  /** BGPPeer name. */
  readonly session: string;
  readonly peerAddress: string;
  /** Of the TCP connection, once there is one. */
  readonly localAddress?: string;
  /** The device of a link-local peer, or the VRF. */
  readonly interface?: string;
  readonly isMultihop: boolean;
  readonly settings: BfdSettings;
}

/**
 * Packet thread → BGP thread. `down` ends an Established session at once with Cease/10 (RFC 9384); `up` lets one that waits because
 * of BFD start at once; `adminDown` says that the peer took BFD out of service, which ends nothing (RFC 5882 §4.2).
 */
export interface BfdStateMessage {
  readonly type: "bfdState";
  readonly session: string;
  readonly state: "up" | "down" | "adminDown";
  /** The diagnostic in words: "control detection time expired". */
  readonly words: string;
}

export interface BgpThreadData {
  /** A `MessagePort`; commands arrive on it and `BgpThreadMessage`s leave by it. */
  readonly port: unknown;
  /** A `MessagePort` whose other end the packet thread holds: `BfdRequests` leave, `BfdStateMessage`s arrive. */
  readonly bfdPort?: unknown;
}
