/** What the peer has yet to be told of one address family: state, not history, so bursts and slow peers never grow it. */
import type { AddressFamily } from "./codec/address-family";
import { encodeMessage } from "./codec/message";
import { makeEndOfRib } from "./codec/update";
import { toAfi } from "./codec/address-family";
import { RouteRefreshSubtype, Safi } from "./constants";
import { ROUTE_REFRESH_INTERVAL_MS } from "./limits";
import type { NegotiatedSession } from "./negotiation";
import type { RouteAttributes } from "./route-attributes";
import {
  MAX_NLRI_OCTETS,
  makeTemplate,
  packRoutes,
  packWithdrawals,
  withdrawalRoomOctets,
  type NextHop,
  type RouteTemplate,
} from "./update-packer";

/** Attributes shared by routes; two sets never have equal attributes, so that identity is equality. */
export interface AttributeSet {
  readonly key: string;
  readonly attributes: RouteAttributes;
  /** Routes that want or have it. */
  references: number;
}

/** One prefix of the Adj-RIB-Out. */
export interface RibEntry {
  readonly key: string;
  readonly family: AddressFamily;
  readonly nlri: Uint8Array;
  /** What the peer shall have; undefined for nothing. */
  desired: AttributeSet | undefined;
  /** What the peer was told last; undefined for nothing. */
  sent: AttributeSet | undefined;
  /** The peer asked for it again. */
  needsResend: boolean;
  /** Where it waits: with routes of one set, or to be withdrawn. */
  queued: AttributeSet | "withdrawal" | undefined;
}

/** Called for every entry that went into a message. */
export type SentListener = (entry: RibEntry) => void;

export class FamilyQueue {
  readonly family: AddressFamily;
  readonly #session: NegotiatedSession;
  readonly #nextHop: NextHop | undefined;
  readonly #routes = new Map<AttributeSet, Set<RibEntry>>();
  readonly #withdrawals = new Set<RibEntry>();
  readonly #templates = new Map<AttributeSet, RouteTemplate>();
  #isEndOfRibDue = true;
  #isRefreshRequested = false;
  #isRefreshRunning = false;
  #nextRefreshMs = 0;
  #pending = 0;

  /** Without a next hop the family is told to be empty: its End-of-RIB is all that is sent. */
  constructor(family: AddressFamily, session: NegotiatedSession, nextHop: NextHop | undefined) {
    this.family = family;
    this.#session = session;
    this.#nextHop = nextHop;
  }

  /** Prefixes that wait. */
  get pending(): number {
    return this.#pending;
  }

  /** Puts the entry where its desired and sent state want it. */
  place(entry: RibEntry): void {
    this.#remove(entry);
    const place = this.#placeOf(entry);
    if (place === undefined) return;
    entry.queued = place;
    this.#pending += 1;
    if (place === "withdrawal") {
      this.#withdrawals.add(entry);
      return;
    }
    const waiting = this.#routes.get(place);
    if (waiting === undefined) this.#routes.set(place, new Set([entry]));
    else waiting.add(entry);
  }

  /** Nothing of the set is wanted or held any more. */
  forget(set: AttributeSet): void {
    this.#templates.delete(set);
  }

  requestRefresh(): void {
    this.#isRefreshRequested = true;
  }

  /** A refresh is wanted and allowed again; starting it is the caller's, who knows the entries. */
  isRefreshDue(nowMs: number): boolean {
    return this.#isRefreshRequested && nowMs >= this.#nextRefreshMs;
  }

  /** When a wanted refresh is allowed; undefined when none is wanted. */
  refreshDeadlineMs(): number | undefined {
    return this.#isRefreshRequested ? this.#nextRefreshMs : undefined;
  }

  /** Begins a refresh, whose entries the caller places next; gives the messages that come before them. */
  startRefresh(nowMs: number): readonly Uint8Array[] {
    this.#isRefreshRequested = false;
    this.#nextRefreshMs = nowMs + ROUTE_REFRESH_INTERVAL_MS;
    if (!this.#session.hasEnhancedRouteRefresh) return [];
    // RFC 7313 §4: a second beginning before the end just starts over.
    this.#isRefreshRunning = true;
    return [this.#encodeRefresh(RouteRefreshSubtype.beginning)];
  }

  /** The next UPDATE with routes of one attribute set; undefined when none waits. */
  nextRoutes(onSent: SentListener): Uint8Array | undefined {
    for (const [set, waiting] of this.#routes) {
      const template = this.#templateOf(set);
      const nlri = this.#drain(waiting, template.nlriRoomOctets, onSent);
      if (waiting.size === 0) this.#routes.delete(set);
      if (nlri !== undefined) return packRoutes(template, nlri);
    }
    return undefined;
  }

  /** The next UPDATE with withdrawals; undefined when none waits. */
  nextWithdrawals(onSent: SentListener): Uint8Array | undefined {
    if (this.#nextHop === undefined) return undefined;
    const room = withdrawalRoomOctets(this.#session, this.#nextHop);
    const nlri = this.#drain(this.#withdrawals, room, onSent);
    return nlri === undefined ? undefined : packWithdrawals(this.family, this.#nextHop, nlri);
  }

  /** What follows when nothing waits any more: the end of a refresh, then End-of-RIB (RFC 4724 §2) once per session. */
  nextEndMarker(): Uint8Array | undefined {
    if (this.#pending > 0) return undefined;
    if (this.#isRefreshRunning) {
      this.#isRefreshRunning = false;
      return this.#encodeRefresh(RouteRefreshSubtype.end);
    }
    if (!this.#isEndOfRibDue) return undefined;
    this.#isEndOfRibDue = false;
    return encodeMessage(makeEndOfRib(this.family));
  }

  #placeOf(entry: RibEntry): AttributeSet | "withdrawal" | undefined {
    const wanted = this.#isSendable(entry.desired) ? entry.desired : undefined;
    if (wanted === undefined) return entry.sent === undefined ? undefined : "withdrawal";
    return wanted !== entry.sent || entry.needsResend ? wanted : undefined;
  }

  /** RFC 8654 §4: a route whose attributes leave no room for a prefix is not announced. */
  #isSendable(set: AttributeSet | undefined): boolean {
    if (set === undefined || this.#nextHop === undefined) return false;
    return this.#templateOf(set).nlriRoomOctets >= MAX_NLRI_OCTETS;
  }

  #remove(entry: RibEntry): void {
    if (entry.queued === undefined) return;
    this.#pending -= 1;
    if (entry.queued === "withdrawal") this.#withdrawals.delete(entry);
    else this.#removeRoute(entry, entry.queued);
    entry.queued = undefined;
  }

  #removeRoute(entry: RibEntry, set: AttributeSet): void {
    const waiting = this.#routes.get(set);
    waiting?.delete(entry);
    if (waiting?.size === 0) this.#routes.delete(set);
  }

  #templateOf(set: AttributeSet): RouteTemplate {
    const known = this.#templates.get(set);
    if (known !== undefined) return known;
    const nextHop = this.#nextHop;
    if (nextHop === undefined) throw new Error("a route without a next hop");
    const template = makeTemplate(set.attributes, this.#session, this.family, nextHop);
    this.#templates.set(set, template);
    return template;
  }

  /** Takes entries out until the room is full; undefined when there is none. */
  #drain(waiting: Set<RibEntry>, roomOctets: number, onSent: SentListener): Uint8Array | undefined {
    const taken: RibEntry[] = [];
    let length = 0;
    for (const entry of waiting) {
      if (length + entry.nlri.length > roomOctets) break;
      length += entry.nlri.length;
      taken.push(entry);
    }
    const nlri = new Uint8Array(length);
    let offset = 0;
    for (const entry of taken) {
      nlri.set(entry.nlri, offset);
      offset += entry.nlri.length;
      waiting.delete(entry);
      entry.queued = undefined;
      this.#pending -= 1;
      onSent(entry);
    }
    return taken.length === 0 ? undefined : nlri;
  }

  #encodeRefresh(subtype: number): Uint8Array {
    const afi = toAfi(this.family);
    return encodeMessage({ type: "routeRefresh", afi, safi: Safi.unicast, subtype });
  }
}
