/**
 * Who answers for which address: the wire decides. An announcement on the segment is the claim, a probe is the question, rank
 * is the tie-break; heartbeats only say who lives. Owns no socket and no timer: feed what is heard, carry out the actions in
 * order, call back at the deadline. Driven together with `Membership`, whose view it reads.
 *
 * An address that is not ours and for which we are the best of those who live is asked for, taken, left to its owner or answered
 * for in its owner's place: `succession.ts` decides, `stand-ins.ts` keeps account. What is ours and announced by another one:
 * `dispute.ts`.
 *
 * What is ours stays ours until somebody better announces it, or until we are blind: a node that may not have heard the others
 * gives up everything and starts by asking.
 */
import { DISPUTE_WINDOW_MS, keepsAgainst } from "./dispute";
import { Failback } from "./failback";
import { toWantedInterfaces } from "./interfaces";
import { newEntry, type Entry, type OwnershipEntry } from "./ownership-entry";
import { electOwner } from "./rank";
import { StandIns } from "./stand-ins";
import {
  ASK_MS,
  planSuccession,
  restartingBefore,
  type SuccessionKnowledge,
  type SuccessionView,
} from "./succession";
import { MAX_PROBED_ADDRESSES, PROBE_INTERVAL_MS, PROBE_ROUNDS } from "./suspect-probes";
import { SuspectWatch, type SuspectWatchView } from "./suspect-watch";
import { DEFAULT_OWNERSHIP_TIMERS, type OwnershipTimers } from "./timers";

/** What `Membership` knows. */
export interface MembershipView extends SuspectWatchView, SuccessionView {
  readonly nodeName: string;
}

/**
 * `take`: answer for the address and announce it from now on. `release`: be silent about it. `announce`: announce it again,
 * another one claims it. `standIn`: answer for it with the MAC address of the peer, and do not announce it; `endStandIn`: do
 * so no longer. `probe`: ask who has it, by broadcast or, with `to`, only the peer of that name. `owner`: who owns it as far as
 * is known has changed.
 */
export type OwnershipAction =
  | { readonly type: "take"; readonly address: string }
  | { readonly type: "release"; readonly address: string }
  | { readonly type: "announce"; readonly address: string }
  | { readonly type: "standIn"; readonly address: string; readonly peerName: string }
  | { readonly type: "endStandIn"; readonly address: string }
  | { readonly type: "probe"; readonly address: string; readonly to?: string }
  | { readonly type: "owner"; readonly address: string };

/** An owner that we follow is asked this often whether it still answers. */
const VERIFY_EVERY_MS = 1_000;
/** An address that this node may not announce any more is answered for this long, unless somebody takes it sooner. */
export const PARTING_MS = 300;

export class OwnershipTable {
  readonly #view: MembershipView;
  readonly #entries = new Map<string, Entry>();
  /** Entries with something before them: asked, followed, to be given up. */
  readonly #active = new Set<Entry>();
  readonly #suspects: SuspectWatch;
  readonly #failback = new Failback();
  readonly #standIns = new StandIns();
  readonly #knowledge: SuccessionKnowledge;
  #timers: OwnershipTimers;
  #actions: OwnershipAction[] = [];
  #isLeaving = false;

  constructor(view: MembershipView, timers: OwnershipTimers = DEFAULT_OWNERSHIP_TIMERS) {
    this.#view = view;
    this.#timers = timers;
    this.#suspects = new SuspectWatch(view, name => this.#addressesAfter(name));
    this.#knowledge = { view, suspects: this.#suspects, standIns: this.#standIns };
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
    const standing = ownerSeen === undefined ? undefined : this.#view.standing(ownerSeen);
    if (standing === "alive" || standing === "held") return ownerSeen;
    const best = this.#best(entry);
    return best === this.#view.nodeName ? undefined : best;
  }

  /** Peers in whose place this node answers. */
  stoodInFor(): Iterable<string> {
    return this.#standIns.peers();
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
      for (const each of changed) {
        const entry = this.#entries.get(each.address);
        if (entry === undefined) this.#entries.set(each.address, newEntry(each));
        else {
          entry.candidates = each.candidates;
          entry.wanted = toWantedInterfaces(each.interfaces);
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
  suspend(nowMs: number): readonly OwnershipAction[] {
    if (this.hasMine && !this.#isLeaving) this.#failback.noteLoss(nowMs);
    return this.#collect(() => {
      for (const entry of this.#entries.values()) {
        if (entry.isMine) this.#release(entry);
        this.#endStandIn(entry);
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
    for (const entry of [...this.#active]) this.#rest(entry);
  }

  /** Whether an address is still answered for. */
  get hasMine(): boolean {
    for (const { isMine } of this.#entries.values()) if (isMine) return true;
    return false;
  }

  timeout(nowMs: number): readonly OwnershipAction[] {
    return this.#collect(() => {
      this.#probeSuspects(nowMs);
      // A copy: judging takes entries out and puts them in again, and a walk over the set would meet them for ever.
      for (const entry of [...this.#active]) this.#judge(entry, nowMs);
    });
  }

  /** When `timeout` is due next; undefined when nothing waits. Early calls are harmless. */
  nextDeadlineMs(): number | undefined {
    let nextMs = this.#suspects.nextDeadlineMs();
    for (const entry of this.#active) nextMs = Math.min(nextMs, this.#entryDeadlineMs(entry));
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
    this.#endStandIn(entry);
    this.#rest(entry);
    if (!entry.isMine) {
      this.#entries.delete(address);
      return;
    }
    entry.partingUntilMs = nowMs + PARTING_MS;
    this.#active.add(entry);
  }

  /** When nobody has one of the wanted interfaces, the best of all owns the address, to say so. */
  #best(entry: Entry): string | undefined {
    const { candidates, wanted } = entry;
    const able = electOwner(candidates, name => this.#view.isEligible(name, wanted));
    if (able !== undefined || wanted === undefined) return able;
    return electOwner(candidates, name => this.#view.isEligible(name));
  }

  /** Ours, on interfaces that we have not got any more while another one has. */
  #isLostToUs(entry: Entry): boolean {
    if (entry.wanted === undefined || this.#isLeaving) return false;
    const { nodeName } = this.#view;
    return !this.#view.isEligible(nodeName, entry.wanted) && this.#best(entry) !== nodeName;
  }

  #judge(entry: Entry, nowMs: number): void {
    if (entry.partingUntilMs !== undefined) {
      if (nowMs >= entry.partingUntilMs) this.#release(entry);
    } else if (entry.isMine) {
      this.#rest(entry);
      if (!this.#isLostToUs(entry)) return;
      this.#release(entry);
      entry.ownerSeen = undefined;
    } else if (this.#isLeaving || this.#best(entry) !== this.#view.nodeName) {
      entry.bestSinceMs = undefined;
      this.#rest(entry);
      if (!this.#isLeaving) this.#fadeStandIn(entry, nowMs);
    } else this.#judgeAsBest(entry, nowMs);
  }

  /** The address is not ours, and nobody who lives is better. */
  #judgeAsBest(entry: Entry, nowMs: number): void {
    entry.bestSinceMs ??= nowMs;
    if (entry.ownerSeen !== this.#standIns.peerOf(entry.address)) this.#endStandIn(entry);
    const succession = planSuccession(entry, this.#knowledge, nowMs);
    switch (succession.type) {
      case "take":
        this.#take(entry);
        return;
      case "ask":
        this.#ask(entry, succession.forMs, nowMs);
        return;
      case "leaveToOwner":
        this.#await(entry, nowMs);
        return;
      case "standIn":
        this.#rest(entry);
        this.#standIn(entry, succession.peerName);
        return;
      case "awaitProbes":
        entry.wakeMs = Math.min(succession.untilMs, nowMs + PROBE_INTERVAL_MS);
        this.#active.add(entry);
    }
  }

  /** Asks by broadcast and takes the address when nobody has answered in time; what is asked already goes on as it began. */
  #ask(entry: Entry, forMs: number, nowMs: number): void {
    if (entry.asking === undefined) {
      entry.asking = { rounds: 0, nextMs: nowMs, takeAtMs: nowMs + forMs };
      this.#active.add(entry);
    }
    const { asking } = entry;
    if (nowMs < asking.nextMs) return;
    if (asking.rounds >= PROBE_ROUNDS && nowMs >= asking.takeAtMs) {
      this.#takeUnanswered(entry, nowMs);
      return;
    }
    asking.rounds += 1;
    asking.nextMs = nowMs + PROBE_INTERVAL_MS;
    this.#actions.push({ type: "probe", address: entry.address });
  }

  /** Nobody answers: it is ours, unless one that ranks before us restarts, to which it most likely belongs. */
  #takeUnanswered(entry: Entry, nowMs: number): void {
    const held = restartingBefore(entry.candidates, this.#view.nodeName, this.#view);
    if (held === undefined) this.#take(entry);
    else this.#follow(entry, held, nowMs);
  }

  /** The owner lives: leave the address to it for the failback delay, and ask from time to time whether it really answers. */
  #await(entry: Entry, nowMs: number): void {
    if (nowMs >= this.#failbackAtMs(entry, nowMs)) {
      this.#take(entry);
      return;
    }
    if (entry.asking !== undefined || nowMs >= entry.wakeMs) {
      this.#ask(entry, ASK_MS, nowMs);
      return;
    }
    this.#active.add(entry);
  }

  #failbackAtMs(entry: Entry, nowMs: number): number {
    const sinceMs = entry.bestSinceMs ?? Infinity;
    const delayMs = this.#failback.delayMs(this.#timers.failbackMs, nowMs);
    return Math.max(sinceMs + delayMs, entry.noFailbackBeforeMs);
  }

  #entryDeadlineMs(entry: Entry): number {
    const { address, asking, partingUntilMs } = entry;
    const endMs = partingUntilMs ?? this.#standIns.endMs(address);
    if (endMs !== undefined) return endMs;
    if (asking !== undefined) return asking.nextMs;
    return Math.min(entry.wakeMs, this.#failbackAtMs(entry, entry.bestSinceMs ?? Infinity));
  }

  #standIn({ address }: Entry, peerName: string): void {
    const isSettled = this.#standIns.peerOf(address) === peerName;
    if (isSettled || this.#timers.isStandInAllowed === false) return;
    this.#standIns.begin(address, peerName);
    this.#actions.push({ type: "standIn", address, peerName });
  }

  #fadeStandIn(entry: Entry, nowMs: number): void {
    const endMs = this.#standIns.fade(entry.address, nowMs);
    if (endMs === undefined) return;
    if (nowMs >= endMs) this.#endStandIn(entry);
    else this.#active.add(entry);
  }

  #endStandIn({ address }: Entry): void {
    if (this.#standIns.end(address)) this.#actions.push({ type: "endStandIn", address });
  }

  #take(entry: Entry): void {
    this.#endStandIn(entry);
    entry.isMine = true;
    entry.bestSinceMs = undefined;
    entry.dispute.forgetClaims();
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
    // The one we answer for does so itself again.
    if (this.#view.standing(peerName) === "alive") this.#endStandIn(entry);
    if (hasMoved) this.#actions.push({ type: "owner", address: entry.address });
    this.#judge(entry, nowMs);
  }

  /** A peer announces what is ours. */
  #contest(entry: Entry, peerName: string, nowMs: number): void {
    const { nodeName } = this.#view;
    const { address, candidates, dispute } = entry;
    const isDisputed = dispute.noteClaim(nowMs);
    const isOurs = keepsAgainst({ address, candidates, peerName, isDisputed }, nodeName);
    // One that may own nothing now, for its gateway is silent, gave its word to whoever takes.
    const mayKeep = !this.#isLeaving && this.#view.isEligible(nodeName, entry.wanted);
    if (isOurs && mayKeep) {
      if (dispute.takeCounter(nowMs)) this.#actions.push({ type: "announce", address });
      return;
    }
    this.#release(entry);
    entry.ownerSeen = peerName;
    entry.wakeMs = nowMs + VERIFY_EVERY_MS;
    if (isDisputed) entry.noFailbackBeforeMs = nowMs + DISPUTE_WINDOW_MS;
    this.#judge(entry, nowMs);
  }

  #probeSuspects(nowMs: number): void {
    const probes = this.#suspects.take(!this.#isLeaving, nowMs);
    for (const probe of probes) this.#actions.push({ type: "probe", ...probe });
  }

  /** Some addresses of the peer that would come to us. */
  #addressesAfter(peerName: string): readonly string[] {
    const addresses: string[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.ownerSeen !== peerName || entry.isMine) continue;
      const next = electOwner(
        entry.candidates,
        name => name !== peerName && this.#view.isEligible(name, entry.wanted),
      );
      if (next !== this.#view.nodeName) continue;
      addresses.push(entry.address);
      if (addresses.length === MAX_PROBED_ADDRESSES) break;
    }
    return addresses;
  }
}
