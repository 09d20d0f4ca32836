/**
 * All BFD sessions of a node: which of them a packet belongs to (RFC 5880 §6.3, §6.8.6, RFC 5881 §3, RFC 5883 §4), and what is
 * dropped and why. Owns no socket and no timer.
 *
 *      datagram ─► decode ─► your discriminator, or addresses ─► hop limit ─► session ─► actions
 */
import { isSameAddress, type IpAddress } from "../net/ip-address";
import { assert, err, ok, type Result } from "../net/result";
import { BFD_TTL } from "./constants";
import {
  decodeControlPacket,
  type BfdControlPacket,
  type ControlPacketProblem,
} from "./control-packet";
import type { BfdEcho } from "./echo-packet";
import { MAX_SESSIONS } from "./limits";
import {
  BfdSession,
  type BfdSessionAction,
  type BfdSessionEvent,
  type BfdSessionParameters,
} from "./session";

/** Between whom a session runs. */
export interface BfdEndpoints {
  readonly peer: IpAddress;
  /** Absent: whichever address of this node the peer speaks to. May become known while the session runs. */
  readonly local?: IpAddress;
  /** Needed for link-local peers; otherwise absent means any. */
  readonly interfaceName?: string;
  /** Name of the VRF device; empty: none. */
  readonly vrf: string;
  readonly isMultiHop: boolean;
}

export interface BfdSessionConfiguration extends BfdEndpoints {
  /** Names the session towards its owner. */
  readonly key: string;
  /** What a packet over several hops must have left; over one hop it is 255. */
  readonly minimumTtl: number;
  readonly parameters: BfdSessionParameters;
}

/** How a datagram came here. */
export interface BfdArrival {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly interfaceName: string;
  readonly vrf: string;
  /** By the port of RFC 5883. */
  readonly isMultiHop: boolean;
  /** TTL or hop limit that was left. */
  readonly ttl: number;
}

/** Why something that came in was dropped: the names of a counter. */
export type BfdDropReason =
  | ControlPacketProblem
  /** Your Discriminator names no session. */
  | "unknownDiscriminator"
  /** The session it names runs between others, or over another number of hops. */
  | "wrongAddress"
  /** Without discriminator, and no session runs between these. */
  | "noSession"
  | "ttl"
  /** Not one of ours, or of a session that sends none. */
  | "echoUnknown"
  /** Older than the detection time: repeated by somebody. */
  | "echoStale";

/** One session of the table. */
export interface TableSession {
  readonly configuration: BfdSessionConfiguration;
  readonly session: BfdSession;
  /** Where the last packet of the peer came in, and to which address; undefined before the first. */
  readonly heardOn: HeardOn | undefined;
}

export interface HeardOn {
  readonly interfaceName: string;
  readonly local: IpAddress;
}

export type BfdTableAction = BfdSessionAction & { readonly of: TableSession };

export interface RefusedSession {
  readonly key: string;
  /** Another session runs between the same ends, or there is no room. */
  readonly reason: "duplicate" | "tooMany";
}

interface Entry {
  configuration: BfdSessionConfiguration;
  readonly session: BfdSession;
  heardOn: HeardOn | undefined;
}

const DISCRIMINATORS = 2 ** 32;

export class BfdSessionTable {
  readonly #random: () => number;
  readonly #byKey = new Map<string, Entry>();
  /** Those that are leaving included. */
  readonly #byDiscriminator = new Map<number, Entry>();
  readonly #dropped = new Map<BfdDropReason, number>();

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The wanted sessions, by no order. */
  get sessions(): readonly TableSession[] {
    return [...this.#byKey.values()];
  }

  /** Whether a session is still saying that it goes. */
  get isLeaving(): boolean {
    return this.#byDiscriminator.size > this.#byKey.size;
  }

  /** What was dropped since the table was made, by reason; a reason that never occurred is absent. */
  get dropped(): Readonly<Partial<Record<BfdDropReason, number>>> {
    return Object.fromEntries(this.#dropped);
  }

  /**
   * Takes over the whole desired set: new sessions begin, changed ones change while they run, those between other ends begin
   * anew, and those that are gone say so.
   */
  configure(
    configurations: readonly BfdSessionConfiguration[],
    nowMs: number,
  ): { readonly actions: readonly BfdTableAction[]; readonly refused: readonly RefusedSession[] } {
    const { wanted, refused } = selectSessions(configurations);
    const actions: BfdTableAction[] = [];
    for (const [key, entry] of this.#byKey) {
      const next = wanted.get(key);
      if (next !== undefined && toIdentity(next) === toIdentity(entry.configuration)) continue;
      this.#byKey.delete(key);
      this.#feed(entry, { type: "remove" }, nowMs, actions);
    }
    for (const configuration of wanted.values()) this.#want(configuration, nowMs, actions);
    return { actions, refused };
  }

  /** One datagram of the control ports. Total: the actions that follow, or why it was dropped. */
  receive(
    datagram: Uint8Array,
    arrival: BfdArrival,
    nowMs: number,
  ): Result<readonly BfdTableAction[], BfdDropReason> {
    const decoded = decodeControlPacket(datagram);
    if (!decoded.ok) return this.#drop(decoded.error);
    const found = this.#find(decoded.value, arrival);
    if (!found.ok) return this.#drop(found.error);
    const entry = found.value;
    const { isMultiHop, minimumTtl } = entry.configuration;
    if (arrival.ttl < (isMultiHop ? minimumTtl : BFD_TTL)) return this.#drop("ttl");
    entry.heardOn = { interfaceName: arrival.interfaceName, local: arrival.destination };
    const actions: BfdTableAction[] = [];
    this.#feed(entry, { type: "packet", packet: decoded.value }, nowMs, actions);
    return ok(actions);
  }

  /** An echo that came in from `interfaceName`. */
  receiveEcho(
    echo: BfdEcho,
    interfaceName: string,
    nowMs: number,
  ): Result<readonly BfdTableAction[], BfdDropReason> {
    const entry = this.#byDiscriminator.get(echo.myDiscriminator);
    const limitMs = entry?.session.echoDetectionTimeMs;
    const isOurs = entry !== undefined && isHeardOn(entry, interfaceName, echo.address);
    if (!isOurs || limitMs === undefined) return this.#drop("echoUnknown");
    // The wire has whole microseconds.
    const ageMs = nowMs - echo.sentMs;
    if (ageMs < 0 || ageMs > limitMs) return this.#drop("echoStale");
    const actions: BfdTableAction[] = [];
    this.#feed(entry, { type: "echo" }, nowMs, actions);
    return ok(actions);
  }

  /** What could not be read as an echo. */
  countDropped(reason: BfdDropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  /** Carries out what is due; the sockets were read before. An early or repeated call is harmless. */
  expire(nowMs: number): readonly BfdTableAction[] {
    const actions: BfdTableAction[] = [];
    for (const entry of this.#byDiscriminator.values()) {
      if (entry.session.nextDeadlineMs() > nowMs) continue;
      this.#feed(entry, { type: "timeout" }, nowMs, actions);
    }
    return actions;
  }

  /** This end stood still for so long: no peer is judged by that time. */
  noteStall(stalledMs: number, nowMs: number): void {
    for (const { session } of this.#byDiscriminator.values()) {
      session.handle({ type: "stalled", stalledMs }, nowMs);
    }
  }

  /** When `expire` has something to do; Infinity without sessions. */
  nextDeadlineMs(): number {
    let deadlineMs = Infinity;
    for (const { session } of this.#byDiscriminator.values()) {
      deadlineMs = Math.min(deadlineMs, session.nextDeadlineMs());
    }
    return deadlineMs;
  }

  #want(configuration: BfdSessionConfiguration, nowMs: number, actions: BfdTableAction[]): void {
    const { key, parameters } = configuration;
    const existing = this.#byKey.get(key);
    if (existing !== undefined) {
      existing.configuration = configuration;
      this.#feed(existing, { type: "configure", parameters }, nowMs, actions);
      return;
    }
    const discriminator = this.#allocateDiscriminator();
    const session = new BfdSession(discriminator, parameters, { random: this.#random, nowMs });
    const entry: Entry = { configuration, session, heardOn: undefined };
    this.#byKey.set(key, entry);
    this.#byDiscriminator.set(discriminator, entry);
  }

  #feed(entry: Entry, event: BfdSessionEvent, nowMs: number, actions: BfdTableAction[]): void {
    for (const action of entry.session.handle(event, nowMs)) {
      if (action.type === "ended") this.#byDiscriminator.delete(entry.session.discriminator);
      actions.push({ ...action, of: entry });
    }
  }

  #find(packet: BfdControlPacket, arrival: BfdArrival): Result<Entry, BfdDropReason> {
    if (packet.yourDiscriminator !== 0) {
      const named = this.#byDiscriminator.get(packet.yourDiscriminator);
      if (named === undefined) return err("unknownDiscriminator");
      return isBetween(named.configuration, arrival) ? ok(named) : err("wrongAddress");
    }
    for (const entry of this.#byKey.values()) {
      if (isBetween(entry.configuration, arrival)) return ok(entry);
    }
    return err("noSession");
  }

  #drop(reason: BfdDropReason): Result<never, BfdDropReason> {
    this.countDropped(reason);
    return err(reason);
  }

  #allocateDiscriminator(): number {
    for (let attempt = 0; attempt < MAX_SESSIONS; attempt += 1) {
      const discriminator = Math.floor(this.#random() * DISCRIMINATORS);
      if (discriminator !== 0 && !this.#byDiscriminator.has(discriminator)) return discriminator;
    }
    // A source that repeats itself: any free number does.
    let discriminator = 1;
    while (this.#byDiscriminator.has(discriminator)) discriminator += 1;
    assert(discriminator < DISCRIMINATORS, "a free discriminator");
    return discriminator;
  }
}

/** The sessions that can run: one between the same ends, no more than the table holds. */
function selectSessions(configurations: readonly BfdSessionConfiguration[]): {
  readonly wanted: ReadonlyMap<string, BfdSessionConfiguration>;
  readonly refused: readonly RefusedSession[];
} {
  const wanted = new Map<string, BfdSessionConfiguration>();
  const identities = new Set<string>();
  const refused: RefusedSession[] = [];
  for (const configuration of configurations) {
    const { key } = configuration;
    const identity = toIdentity(configuration);
    if (identities.has(identity) || wanted.has(key)) refused.push({ key, reason: "duplicate" });
    else if (wanted.size >= MAX_SESSIONS) refused.push({ key, reason: "tooMany" });
    else {
      identities.add(identity);
      wanted.set(key, configuration);
    }
  }
  return { wanted, refused };
}

/** What makes a session another one: not the local address, which is often learned later. */
function toIdentity({ peer, interfaceName, vrf, isMultiHop }: BfdEndpoints): string {
  const ends = [peer.family, String(peer.value), interfaceName ?? "", vrf, isMultiHop];
  return JSON.stringify(ends);
}

function isHeardOn({ heardOn }: Entry, interfaceName: string, address: IpAddress): boolean {
  return heardOn?.interfaceName === interfaceName && isSameAddress(heardOn.local, address);
}

function isBetween(ends: BfdEndpoints, arrival: BfdArrival): boolean {
  return (
    ends.isMultiHop === arrival.isMultiHop &&
    ends.vrf === arrival.vrf &&
    isSameAddress(ends.peer, arrival.source) &&
    (ends.local === undefined || isSameAddress(ends.local, arrival.destination)) &&
    (ends.interfaceName === undefined || ends.interfaceName === arrival.interfaceName)
  );
}
