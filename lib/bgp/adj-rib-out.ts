/**
 * Adj-RIB-Out of one peer (RFC 4271 §3.2): what the peer shall have, what it was told, and the fewest UPDATEs between the two.
 * Outlives sessions: `start` with each one, `stop` when it is down. The driver asks for messages while its socket takes them.
 *
 *      announce, withdraw, replaceAll ──► entries ──► queue per family ──► takeMessages
 *
 * Order: routes and changes first, withdrawals after them (make before break), then the end markers. Nothing is sent before
 * `release`: an early End-of-RIB would make a graceful restart peer delete what was not sent yet.
 */
import { unicastFamily, type AddressFamily } from "./codec/address-family";
import { encodePrefix } from "./codec/nlri";
import type { IpPrefix } from "../net/ip-prefix";
import { FamilyQueue, type AttributeSet, type RibEntry } from "./family-queue";
import { MAX_INITIAL_HOLD_MS } from "./limits";
import type { NegotiatedSession } from "./negotiation";
import { canonicalKey, type RouteAttributes } from "./route-attributes";
import { earliest } from "./session-connection";
import type { NextHop } from "./update-packer";

export interface Route {
  readonly prefix: IpPrefix;
  readonly attributes: RouteAttributes;
}

/** Next hop of each family; a family without one cannot be sent. */
export type NextHops = Readonly<Partial<Record<AddressFamily, NextHop>>>;

export class AdjRibOut {
  readonly #entries = new Map<string, RibEntry>();
  readonly #sets = new Map<string, AttributeSet>();
  #queues: readonly FamilyQueue[] = [];
  #isReleased = false;
  #holdDeadlineMs: number | undefined;
  #sentPrefixes = 0;

  /** Prefixes the peer was told and not untold. */
  get sentPrefixes(): number {
    return this.#sentPrefixes;
  }

  /** Prefixes that wait to be announced or withdrawn; 0 without a session. */
  get pendingPrefixes(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.pending, 0);
  }

  /** Prefixes the peer shall have. */
  get desiredPrefixes(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.desired !== undefined) count += 1;
    return count;
  }

  /** What is kept in memory: prefixes that are desired or sent, and the attribute sets they share. */
  get retained(): { readonly entries: number; readonly attributeSets: number } {
    return { entries: this.#entries.size, attributeSets: this.#sets.size };
  }

  /** The peer shall have the route, in place of what it has of that prefix. */
  announce({ prefix, attributes }: Route): void {
    this.announceAll([prefix], attributes);
  }

  /** As `announce`, for prefixes with the same attributes. */
  announceAll(prefixes: readonly IpPrefix[], attributes: RouteAttributes): void {
    if (prefixes.length === 0) return;
    const set = this.#intern(attributes);
    for (const prefix of prefixes) {
      const entry = this.#entryOf(prefix);
      if (entry.desired !== set) this.#desire(entry, set);
    }
  }

  /** The peer shall not have the prefix. */
  withdraw(prefix: IpPrefix): void {
    const entry = this.#entries.get(keyOf(prefix, encodePrefix(prefix)));
    if (entry?.desired !== undefined) this.#desire(entry, undefined);
  }

  /** The peer shall have exactly these routes; of equal prefixes the last counts. */
  replaceAll(routes: Iterable<Route>): void {
    const kept = new Set<RibEntry>();
    for (const route of routes) {
      this.announce(route);
      kept.add(this.#entryOf(route.prefix));
    }
    for (const entry of [...this.#entries.values()]) {
      if (!kept.has(entry) && entry.desired !== undefined) this.#desire(entry, undefined);
    }
  }

  /** The peer shall have what the other table's peer shall have; it was told nothing of it yet. */
  copyDesired(other: AdjRibOut): void {
    for (const { desired, key, family, nlri } of other.#entries.values()) {
      if (desired === undefined) continue;
      this.#desire(this.#entryAt(key, family, nlri), this.#intern(desired.attributes));
    }
    if (other.#isReleased) this.release();
  }

  /** Changes the attributes of every route. */
  rewriteAll(rewrite: (attributes: RouteAttributes) => RouteAttributes): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.desired !== undefined) {
        this.#desire(entry, this.#intern(rewrite(entry.desired.attributes)));
      }
    }
  }

  /** All desired routes are known: from now on, in this session and those after, messages are given. */
  release(): void {
    this.#isReleased = true;
    this.#holdDeadlineMs = undefined;
  }

  /**
   * A session is Established: the peer has nothing, or after a graceful restart what it kept. The first table waits for `release`
   * at most 30 s and at most half the restart time.
   */
  start(session: NegotiatedSession, nextHops: NextHops, nowMs: number): void {
    this.stop();
    this.#queues = session.families.map(
      family => new FamilyQueue(family, session, nextHops[family]),
    );
    for (const entry of this.#entries.values()) this.#queueOf(entry)?.place(entry);
    if (!this.#isReleased) this.#holdDeadlineMs = nowMs + maxHoldMs(session);
  }

  /** The session is down: nothing that was sent counts any more. */
  stop(): void {
    this.#queues = [];
    this.#holdDeadlineMs = undefined;
    this.#sentPrefixes = 0;
    for (const entry of [...this.#entries.values()]) {
      const { sent } = entry;
      entry.sent = undefined;
      entry.needsResend = false;
      entry.queued = undefined;
      if (sent !== undefined) this.#dereference(sent);
      if (entry.desired === undefined) this.#entries.delete(entry.key);
    }
  }

  /** The peer asks for a family again; requests that come faster than one a second become one. */
  requestRefresh(family: AddressFamily): void {
    this.#queues.find(queue => queue.family === family)?.requestRefresh();
  }

  /**
   * The next messages, of about `budgetOctets` together (whole ones: one may go beyond). Call again when these are written or
   * `nextDeadlineMs` has come; an empty answer says that nothing waits now.
   */
  takeMessages(budgetOctets: number, nowMs: number): readonly Uint8Array[] {
    if (this.#isHeld(nowMs)) return [];
    const messages: Uint8Array[] = [];
    let octets = 0;
    for (const message of this.#messages(nowMs)) {
      messages.push(message);
      octets += message.length;
      if (octets >= budgetOctets) break;
    }
    return messages;
  }

  /** When `takeMessages` may give something without a change of the routes; undefined when never. */
  nextDeadlineMs(): number | undefined {
    if (this.#holdDeadlineMs !== undefined) return this.#holdDeadlineMs;
    return earliest(this.#queues.map(queue => queue.refreshDeadlineMs()));
  }

  #isHeld(nowMs: number): boolean {
    if (this.#isReleased || this.#holdDeadlineMs === undefined) return false;
    if (nowMs < this.#holdDeadlineMs) return true;
    this.#holdDeadlineMs = undefined;
    return false;
  }

  *#messages(nowMs: number): Generator<Uint8Array> {
    for (const queue of this.#queues) {
      if (queue.isRefreshDue(nowMs)) yield* this.#startRefresh(queue, nowMs);
    }
    for (const queue of this.#queues) yield* repeat(() => queue.nextRoutes(this.#onAnnounced));
    for (const queue of this.#queues) {
      yield* repeat(() => queue.nextWithdrawals(this.#onWithdrawn));
    }
    for (const queue of this.#queues) yield* repeat(() => queue.nextEndMarker());
  }

  #startRefresh(queue: FamilyQueue, nowMs: number): readonly Uint8Array[] {
    const messages = queue.startRefresh(nowMs);
    for (const entry of this.#entries.values()) {
      if (entry.family !== queue.family || entry.sent === undefined) continue;
      entry.needsResend = true;
      queue.place(entry);
    }
    return messages;
  }

  readonly #onAnnounced = (entry: RibEntry): void => {
    if (entry.sent === undefined) this.#sentPrefixes += 1;
    entry.needsResend = false;
    if (entry.desired === entry.sent) return;
    const before = entry.sent;
    entry.sent = entry.desired;
    if (entry.sent !== undefined) entry.sent.references += 1;
    if (before !== undefined) this.#dereference(before);
  };

  readonly #onWithdrawn = (entry: RibEntry): void => {
    const before = entry.sent;
    this.#sentPrefixes -= 1;
    entry.sent = undefined;
    entry.needsResend = false;
    if (before !== undefined) this.#dereference(before);
    if (entry.desired === undefined) this.#entries.delete(entry.key);
  };

  #entryOf(prefix: IpPrefix): RibEntry {
    const nlri = encodePrefix(prefix);
    return this.#entryAt(keyOf(prefix, nlri), unicastFamily(prefix.family), nlri);
  }

  #entryAt(key: string, family: AddressFamily, nlri: Uint8Array): RibEntry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: RibEntry = {
      key,
      family,
      nlri,
      desired: undefined,
      sent: undefined,
      needsResend: false,
      queued: undefined,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #desire(entry: RibEntry, set: AttributeSet | undefined): void {
    const before = entry.desired;
    entry.desired = set;
    if (set !== undefined) set.references += 1;
    this.#queueOf(entry)?.place(entry);
    if (before !== undefined) this.#dereference(before);
    if (set === undefined && entry.sent === undefined) this.#entries.delete(entry.key);
  }

  #queueOf(entry: RibEntry): FamilyQueue | undefined {
    return this.#queues.find(queue => queue.family === entry.family);
  }

  #intern(attributes: RouteAttributes): AttributeSet {
    const key = canonicalKey(attributes);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const set: AttributeSet = { key, attributes, references: 0 };
    this.#sets.set(key, set);
    return set;
  }

  #dereference(set: AttributeSet): void {
    set.references -= 1;
    if (set.references > 0) return;
    this.#sets.delete(set.key);
    for (const queue of this.#queues) queue.forget(set);
  }
}

function maxHoldMs({ gracefulRestart }: NegotiatedSession): number {
  if (gracefulRestart === undefined) return MAX_INITIAL_HOLD_MS;
  return Math.min(MAX_INITIAL_HOLD_MS, gracefulRestart.restartTimeSeconds * 500);
}

/** IPv4 and IPv6 prefixes of equal octets differ by length of the address, so the family is part of the key. */
function keyOf(prefix: IpPrefix, nlri: Uint8Array): string {
  return prefix.family + String.fromCharCode(...nlri);
}

function* repeat(next: () => Uint8Array | undefined): Generator<Uint8Array> {
  for (let message = next(); message !== undefined; message = next()) yield message;
}
