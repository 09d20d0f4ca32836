/** How fast speakers notice each other's end, how long they wait for one that restarts, and when an address goes back. */

export interface MembershipTimers {
  /** A heartbeat leaves this often. */
  readonly intervalMs: number;
  /** A peer that gave no sign for `multiplier` of its intervals is dead. */
  readonly multiplier: number;
}

/**
 * What a network and its nodes can bear: detection takes `intervalMs × multiplier`, and a stall of two intervals less than that
 * moves nothing. `fast` for nodes with nothing else to do, `relaxed` for virtual machines on crowded hosts, `wan` for MetalLB's
 * --ml-wan-config.
 */
export const LIVENESS_PROFILES = {
  default: { intervalMs: 80, multiplier: 6 },
  fast: { intervalMs: 50, multiplier: 6 },
  relaxed: { intervalMs: 250, multiplier: 6 },
  wan: { intervalMs: 700, multiplier: 6 },
} as const satisfies Readonly<Record<string, MembershipTimers>>;

export type LivenessProfile = keyof typeof LIVENESS_PROFILES;

export const DEFAULT_MEMBERSHIP_TIMERS: MembershipTimers = LIVENESS_PROFILES.default;

/** A peer that said it restarts is waited for this long. */
export const DEFAULT_RESTART_HOLD_MS = 10_000;

export interface OwnershipTimers {
  /** How long a better node waits before it takes an address back from one that serves it; 0 = at once, Infinity = never. */
  readonly failbackMs: number;
  /** False: nobody answers in the place of a speaker that restarts (where ARP inspection compares Ethernet and ARP sender). */
  readonly isStandInAllowed?: boolean;
}

export const DEFAULT_OWNERSHIP_TIMERS: OwnershipTimers = { failbackMs: 10_000 };

/** Beyond this many speakers the interval grows with their number: no node sends more than 1600 heartbeats a second. */
const SPEAKERS_AT_FULL_PACE = 128;

/** The interval among that many speakers, this one included. */
export function stretchInterval({ intervalMs }: MembershipTimers, speakers: number): number {
  return Math.round(intervalMs * Math.max(1, speakers / SPEAKERS_AT_FULL_PACE));
}
