/**
 * Who answers for which address: the wire decides. An announcement on the segment is the claim, a probe is the question, rank
 * is the tie-break; heartbeats only say who lives. Owns no socket and no timer: feed what is heard, carry out the actions in
 * order, call back at the deadline. Driven together with `Membership`, whose view it reads.
 *
 * For an address that is not ours and for which we are the best of those who live:
 *
 * ```
 *  who was seen to own it          what we do
 *  nobody ........................ ask (three probes), take when nobody answers
 *  one that died ................. take at once if it was probed in vain, else ask for as long as detection takes
 *  one that left, or cannot ...... take at once
 *  one that restarts ............. wait for it
 *  one that lives ................ leave it to it for the failback delay (asking once a second), then announce: it yields
 * ```
 *
 * What is ours stays ours until somebody better announces it, or until we are blind: a node that may not have heard the others
 * gives up everything and starts by asking.
 */
import type { Standing } from "./peer";
import { electOwner, hashesBefore, ranksBefore } from "./rank";
import {
  MAX_PROBED_ADDRESSES,
  PROBE_INTERVAL_MS,
  PROBE_ROUNDS,
  SuspectProbes,
} from "./suspect-probes";

/** What `Membership` knows. */
export interface MembershipView {
  readonly nodeName: string;
  readonly intervalMs: number;
  readonly detectionMs: number;
  isEligible(nodeName: string): boolean;
  standing(nodeName: string): Standing | undefined;
  suspects(): readonly string[];
  lastSignMs(nodeName: string): number | undefined;
}

export interface OwnershipEntry {
  readonly address: string;
  /** In order of rank. */
  readonly candidates: readonly string[];
}

/**
 * `take`: answer for the address and announce it from now on. `release`: be silent about it. `announce`: announce it again,
 * another one claims it. `probe`: ask who has it, by broadcast or, with `to`, only the peer of that name. `owner`: who owns it
 * as far as is known has changed.
 */
export type OwnershipAction =
  | { readonly type: "take"; readonly address: string }
  | { readonly type: "release"; readonly address: string }
  | { readonly type: "announce"; readonly address: string }
  | { readonly type: "probe"; readonly address: string; readonly to?: string }
  | { readonly type: "owner"; readonly address: string };

export interface OwnershipTimers {
  /** How long a better node waits before it takes an address back from one that serves it. */
  readonly failbackMs: number;
}

export const DEFAULT_OWNERSHIP_TIMERS: OwnershipTimers = { failbackMs: 10_000 };

/** An owner that we follow is asked this often whether it still answers. */
const VERIFY_EVERY_MS = 1_000;
/** Another claim is countered this often at most. */
const COUNTER_EVERY_MS = 20;
/** More counters than this within the window: the two views of the ranking differ. */
const MAX_COUNTERS = 3;
const COUNTER_WINDOW_MS = 10_000;
/** An address that this node may not announce any more is answered for this long, unless somebody takes it sooner. */
export const PARTING_MS = 300;

interface Asking {
  rounds: number;
  nextMs: number;
  /** Unanswered until then: taken. */
  readonly takeAtMs: number;
}

interface Entry {
  readonly address: string;
  candidates: readonly string[];
  isMine: boolean;
  ownerSeen: string | undefined;
  /** Since when this node is best without owning. */
  bestSinceMs: number | undefined;
  noFailbackBeforeMs: number;
  asking: Asking | undefined;
  /** An entry that is not asked is looked at again then. */
  wakeMs: number;
  /** Removed from the set: answered for until somebody takes it, or then. */
  partingUntilMs: number | undefined;
  countersSinceMs: number;
  counters: number;
  counteredMs: number;
}

export class OwnershipTable {
  readonly #view: MembershipView;
  readonly #entries = new Map<string, Entry>();
  /** Entries with something before them: asked, followed. */
  readonly #active = new Set<Entry>();
  readonly #suspects = new Map<string, SuspectProbes>();
  #timers: OwnershipTimers;
  #actions: OwnershipAction[] = [];
  #isLeaving = false;

  constructor(view: MembershipView, timers: OwnershipTimers = DEFAULT_OWNERSHIP_TIMERS) {
    this.#view = view;
    this.#timers = timers;
  }

  setTimers(timers: OwnershipTimers): void {
    this.#timers = timers;
  }

  isMine(address: string): boolean {
    return this.#entries.get(address)?.isMine ?? false;
  }

  /** The owner as far as is known: this node, the one seen last, or the best of those who live. */
  owner(address: string): string | undefined {
    const entry = this.#entries.get(address);
    if (entry === undefined) return undefined;
    if (entry.isMine) return this.#view.nodeName;
    const { ownerSeen } = entry;
    if (ownerSeen !== undefined && this.#view.standing(ownerSeen) === "alive") return ownerSeen;
    const best = this.#best(entry);
    return best === this.#view.nodeName ? undefined : best;
  }

  /**
   * Changes the set of addresses; call `evaluate` afterwards. What is removed and ours is answered for until somebody else takes
   * it, at most for a moment, and then released.
   */
  change(
    changed: readonly OwnershipEntry[],
    removed: readonly string[],
    nowMs: number,
  ): readonly OwnershipAction[] {
    return this.#collect(() => {
      for (const address of removed) this.#part(address, nowMs);
      for (const { address, candidates } of changed) {
        const entry = this.#entries.get(address);
        if (entry === undefined) this.#entries.set(address, newEntry(address, candidates));
        else {
          entry.candidates = candidates;
          entry.partingUntilMs = undefined;
        }
      }
    });
  }

  /** The set of addresses, or what `Membership` knows, has changed. */
  evaluate(nowMs: number): readonly OwnershipAction[] {
    return this.#collect(() => {
      this.#probeSuspects(nowMs);
      for (const entry of this.#entries.values()) this.#judge(entry, nowMs);
    });
  }

  /** A peer answers for the address or announces it. */
  claim(address: string, peerName: string, nowMs: number): readonly OwnershipAction[] {
    const entry = this.#entries.get(address);
    if (entry === undefined) return [];
    return this.#collect(() => {
      if (entry.isMine) this.#contest(entry, peerName, nowMs);
      else this.#follow(entry, peerName, nowMs);
    });
  }

  /** This node may be blind or was asleep: it owns nothing, and believes nothing about who does. */
  suspend(): readonly OwnershipAction[] {
    return this.#collect(() => {
      for (const entry of this.#entries.values()) {
        if (entry.isMine) this.#release(entry);
        entry.ownerSeen = undefined;
        entry.bestSinceMs = undefined;
        this.#rest(entry);
      }
      this.#suspects.clear();
    });
  }

  /** From now on anybody's claim is yielded to and nothing is taken. */
  leave(): void {
    this.#isLeaving = true;
    for (const entry of this.#active) this.#rest(entry);
  }

  /** Whether an address is still answered for. */
  get hasMine(): boolean {
    for (const { isMine } of this.#entries.values()) if (isMine) return true;
    return false;
  }

  timeout(nowMs: number): readonly OwnershipAction[] {
    return this.#collect(() => {
      this.#probeSuspects(nowMs);
      for (const entry of this.#active) this.#judge(entry, nowMs);
    });
  }

  /** When `timeout` is due next; undefined when nothing waits. Early calls are harmless. */
  nextDeadlineMs(): number | undefined {
    let nextMs = Infinity;
    for (const entry of this.#active) nextMs = Math.min(nextMs, this.#entryDeadlineMs(entry));
    for (const probes of this.#suspects.values()) nextMs = Math.min(nextMs, probes.nextMs);
    return nextMs === Infinity ? undefined : nextMs;
  }

  #collect(work: () => void): readonly OwnershipAction[] {
    this.#actions = [];
    work();
    return this.#actions;
  }

  #part(address: string, nowMs: number): void {
    const entry = this.#entries.get(address);
    if (entry === undefined) return;
    entry.candidates = [];
    this.#rest(entry);
    if (!entry.isMine) {
      this.#entries.delete(address);
      return;
    }
    entry.partingUntilMs = nowMs + PARTING_MS;
    this.#active.add(entry);
  }

  #best(entry: Entry): string | undefined {
    return electOwner(entry.candidates, name => this.#view.isEligible(name));
  }

  #judge(entry: Entry, nowMs: number): void {
    if (entry.partingUntilMs !== undefined) {
      if (nowMs >= entry.partingUntilMs) this.#release(entry);
      return;
    }
    if (entry.isMine) {
      this.#rest(entry);
      return;
    }
    if (this.#isLeaving || this.#best(entry) !== this.#view.nodeName) {
      entry.bestSinceMs = undefined;
      this.#rest(entry);
      return;
    }
    entry.bestSinceMs ??= nowMs;
    const { ownerSeen } = entry;
    if (ownerSeen === undefined) this.#ask(entry, false, nowMs);
    else this.#succeed(entry, ownerSeen, nowMs);
  }

  /** We are best, and the address was last seen with `ownerSeen`. */
  #succeed(entry: Entry, ownerSeen: string, nowMs: number): void {
    if (!entry.candidates.includes(ownerSeen)) {
      this.#take(entry);
      return;
    }
    switch (this.#view.standing(ownerSeen)) {
      case "alive":
        if (this.#view.isEligible(ownerSeen)) this.#await(entry, nowMs);
        else this.#take(entry);
        return;
      case "held":
        this.#rest(entry);
        return;
      case "dead":
        this.#inherit(entry, ownerSeen, nowMs);
        return;
      case "left":
      case "unknown":
      case undefined:
        this.#take(entry);
    }
  }

  /** The owner died: what we asked while it was silent decides; who did not ask has to ask for longer. */
  #inherit(entry: Entry, ownerSeen: string, nowMs: number): void {
    const signMs = this.#view.lastSignMs(ownerSeen) ?? -Infinity;
    const probes = this.#suspects.get(ownerSeen);
    if (probes === undefined || !probes.isUnanswered(signMs) || entry.asking !== undefined) {
      this.#ask(entry, true, nowMs);
    } else if (nowMs >= probes.decidedAtMs) this.#take(entry);
    else {
      entry.wakeMs = Math.min(probes.decidedAtMs, nowMs + PROBE_INTERVAL_MS);
      this.#active.add(entry);
    }
  }

  /** Asks by broadcast and takes the address when nobody has answered in time. */
  #ask(entry: Entry, isLong: boolean, nowMs: number): void {
    if (entry.asking === undefined) {
      const forMs = isLong ? this.#view.detectionMs : PROBE_ROUNDS * PROBE_INTERVAL_MS;
      entry.asking = { rounds: 0, nextMs: nowMs, takeAtMs: nowMs + forMs };
      this.#active.add(entry);
    }
    const { asking } = entry;
    if (nowMs < asking.nextMs) return;
    if (asking.rounds >= PROBE_ROUNDS && nowMs >= asking.takeAtMs) {
      this.#take(entry);
      return;
    }
    asking.rounds += 1;
    asking.nextMs = nowMs + PROBE_INTERVAL_MS;
    this.#actions.push({ type: "probe", address: entry.address });
  }

  /** The owner lives: leave the address to it for the failback delay, and ask from time to time whether it really answers. */
  #await(entry: Entry, nowMs: number): void {
    const failbackAtMs = this.#failbackAtMs(entry);
    if (nowMs >= failbackAtMs) {
      this.#take(entry);
      return;
    }
    if (entry.asking !== undefined || nowMs >= entry.wakeMs) {
      this.#ask(entry, false, nowMs);
      return;
    }
    this.#active.add(entry);
  }

  #failbackAtMs(entry: Entry): number {
    const sinceMs = entry.bestSinceMs ?? Infinity;
    return Math.max(sinceMs + this.#timers.failbackMs, entry.noFailbackBeforeMs);
  }

  #entryDeadlineMs(entry: Entry): number {
    const { asking, partingUntilMs } = entry;
    if (partingUntilMs !== undefined) return partingUntilMs;
    if (asking !== undefined) return asking.nextMs;
    return Math.min(entry.wakeMs, this.#failbackAtMs(entry));
  }

  #take(entry: Entry): void {
    entry.isMine = true;
    entry.bestSinceMs = undefined;
    entry.counters = 0;
    this.#rest(entry);
    this.#actions.push({ type: "take", address: entry.address });
  }

  #release(entry: Entry): void {
    entry.isMine = false;
    if (entry.partingUntilMs !== undefined) {
      entry.partingUntilMs = undefined;
      this.#entries.delete(entry.address);
      this.#active.delete(entry);
    }
    this.#actions.push({ type: "release", address: entry.address });
  }

  /** Nothing is before the entry until something changes. */
  #rest(entry: Entry): void {
    entry.asking = undefined;
    this.#active.delete(entry);
  }

  #follow(entry: Entry, peerName: string, nowMs: number): void {
    const hasMoved = entry.ownerSeen !== peerName;
    entry.ownerSeen = peerName;
    entry.wakeMs = nowMs + VERIFY_EVERY_MS;
    entry.asking = undefined;
    if (hasMoved) this.#actions.push({ type: "owner", address: entry.address });
    this.#judge(entry, nowMs);
  }

  /** A peer announces what is ours. */
  #contest(entry: Entry, peerName: string, nowMs: number): void {
    const { nodeName } = this.#view;
    if (nowMs - entry.countersSinceMs > COUNTER_WINDOW_MS) {
      entry.countersSinceMs = nowMs;
      entry.counters = 0;
    }
    entry.counters += 1;
    const isDisputed = entry.counters > MAX_COUNTERS;
    const isOurs = isDisputed
      ? hashesBefore(entry.address, nodeName, peerName)
      : ranksBefore(entry.candidates, nodeName, peerName);
    if (!isOurs || this.#isLeaving) {
      this.#release(entry);
      entry.ownerSeen = peerName;
      entry.wakeMs = nowMs + VERIFY_EVERY_MS;
      if (isDisputed) entry.noFailbackBeforeMs = nowMs + COUNTER_WINDOW_MS;
      this.#judge(entry, nowMs);
      return;
    }
    if (nowMs - entry.counteredMs < COUNTER_EVERY_MS) return;
    entry.counteredMs = nowMs;
    this.#actions.push({ type: "announce", address: entry.address });
  }

  #probeSuspects(nowMs: number): void {
    const suspects = this.#view.suspects();
    for (const [name, probes] of this.#suspects) {
      if (!suspects.includes(name)) this.#dismiss(name, probes, nowMs);
    }
    if (this.#isLeaving) return;
    for (const name of suspects) {
      const known = this.#suspects.get(name);
      const isToChoose =
        known === undefined || (known.addresses.length === 0 && nowMs >= known.nextMs);
      if (!isToChoose) continue;
      this.#suspects.set(name, new SuspectProbes(this.#addressesAfter(name), nowMs));
    }
    for (const [name, probes] of this.#suspects) this.#sendProbes(name, probes, nowMs);
  }

  /** One that died in silence keeps its proof for as long as it is dead. */
  #dismiss(name: string, probes: SuspectProbes, nowMs: number): void {
    if (this.#view.standing(name) !== "dead") this.#suspects.delete(name);
    else if (nowMs >= probes.decidedAtMs || probes.addresses.length === 0) probes.stop();
  }

  #sendProbes(name: string, probes: SuspectProbes, nowMs: number): void {
    const signMs = this.#view.lastSignMs(name) ?? -Infinity;
    const round = probes.take(signMs, this.#view.intervalMs, nowMs);
    if (round === undefined) return;
    const to = round.isBroadcast ? {} : { to: name };
    const addresses = round.isBroadcast ? probes.addresses : probes.addresses.slice(0, 1);
    for (const address of addresses) this.#actions.push({ type: "probe", address, ...to });
  }

  /** Some addresses of the peer that would come to us. */
  #addressesAfter(peerName: string): readonly string[] {
    const addresses: string[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.ownerSeen !== peerName || entry.isMine) continue;
      const next = electOwner(
        entry.candidates,
        name => name !== peerName && this.#view.isEligible(name),
      );
      if (next !== this.#view.nodeName) continue;
      addresses.push(entry.address);
      if (addresses.length === MAX_PROBED_ADDRESSES) break;
    }
    return addresses;
  }
}

function newEntry(address: string, candidates: readonly string[]): Entry {
  return {
    address,
    candidates,
    isMine: false,
    ownerSeen: undefined,
    bestSinceMs: undefined,
    noFailbackBeforeMs: -Infinity,
    asking: undefined,
    wakeMs: -Infinity,
    partingUntilMs: undefined,
    countersSinceMs: -Infinity,
    counters: 0,
    counteredMs: -Infinity,
  };
}
