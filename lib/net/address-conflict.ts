/**
 * Whether a host outside of the cluster has an address that this node is to announce, for ARP and NDP alike (RFC 5227 §2,
 * RFC 4862 §5.4). Stands between the election, which says what is ours among the speakers, and the announcements. Owns no socket
 * and no timer: feed what happens, carry out the actions in order, call back at the deadline.
 *
 * ```
 *  ours, new to the cluster ──► probing ── silence ──► owned ◄── ours, and a speaker had it before: announced at once
 *                                ▲   │                  │  ▲
 *                60 s … 10 min   │   │ somebody has it  │  └ defended: one announcement, at most every 10 s
 *                                │   ▼                  │
 *                                └─ withheld ◄──────────┘ policy `yield`, second claim within 10 s
 * ```
 *
 * A claim counts when its sender is still no speaker a moment later: speakers become known by their heartbeats, and a changed MAC
 * address may be on the wire before the heartbeat that tells of it.
 */

/** `fast`: 0.4 s with the election's own probes. `rfc5227`: the RFC's times, 4 to 7 s. `off`: announce without asking. */
export type ConflictDetection = "fast" | "rfc5227" | "off";
/** While owning (RFC 5227 §2.4): `defend` for ever (c), or give the address up at the second claim within 10 s (b). */
export type ConflictPolicy = "defend" | "yield";

export interface ConflictSettings {
  readonly detection: ConflictDetection;
  readonly policy: ConflictPolicy;
}

export const DEFAULT_CONFLICT_SETTINGS: ConflictSettings = { detection: "fast", policy: "defend" };

/** A frame of a station that is no speaker, as far as is known now. */
export interface ForeignClaim {
  readonly address: string;
  /** Lower-case text. */
  readonly mac: string;
  readonly interfaceName: string;
  /** It says that it has the address; or it only asks whether it may, which is a conflict while we ask, too. */
  readonly kind: "claim" | "probe";
}

export type ConflictEvent =
  /** The election gave us the address, or took it away. */
  | { readonly type: "taken"; readonly address: string }
  | { readonly type: "released"; readonly address: string }
  /** The address is no address of the cluster any more. */
  | { readonly type: "forgotten"; readonly address: string }
  /** A speaker of the cluster claims the address: it is the cluster's. */
  | { readonly type: "peerClaim"; readonly address: string }
  | ({ readonly type: "foreign" } & ForeignClaim)
  | { readonly type: "timeout" };

/** What is said about a conflict: on each change of its state, and once a second while claims go on. */
export interface ConflictReport {
  readonly address: string;
  /** `withheld`: not announced. `defended`: announced nevertheless. `over`: nobody else claims it any more. */
  readonly state: "withheld" | "defended" | "over";
  readonly mac: string;
  readonly interfaceName: string;
  /** Claims and announcements in defence since the report before. */
  readonly claims: number;
  readonly defences: number;
  /** When a withheld address is asked for again. */
  readonly retryInMs?: number;
}

/** `announce`: answer and announce. `withhold`: be silent. `probe`: ask who has it. `defend`: announce once, now. */
export type ConflictAction =
  | { readonly type: "announce" | "withhold" | "probe" | "defend"; readonly address: string }
  | { readonly type: "report"; readonly report: ConflictReport };

/** DEFEND_INTERVAL of RFC 5227 §1.1. */
const DEFEND_INTERVAL_MS = 10_000;
/** How long a claim may turn out to be a speaker's. */
export const CLAIM_GRACE_MS = 200;
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 600_000;
/** Without a claim for this long, the conflict is over. */
const OVER_AFTER_MS = 60_000;
const REPORT_EVERY_MS = 1_000;
/** Strangers told apart for one address; claims of more are not counted. */
const MAX_FOREIGN_MACS = 8;
/** Probes that leave at once, and the pause after them: 5,000 a second for ten thousand new addresses. */
const PROBES_PER_PORTION = 100;
const PORTION_EVERY_MS = 20;

interface ProbeTimes {
  readonly waitMs: number;
  readonly probes: number;
  readonly everyMs: number;
  /** A share of the times above by which they vary, and how long silence is waited for after the last probe. */
  readonly jitterMs: number;
  readonly decideMs: number;
}

/** The election has asked three times within 120 ms: with this, an address is asked for 0.4 s before it is announced. */
const AFTER_ELECTION: ProbeTimes = {
  waitMs: 0,
  probes: 2,
  everyMs: 100,
  jitterMs: 20,
  decideMs: 180,
};
const FAST: ProbeTimes = { waitMs: 0, probes: 3, everyMs: 100, jitterMs: 20, decideMs: 200 };
/** PROBE_WAIT, PROBE_NUM, PROBE_MIN to PROBE_MAX, ANNOUNCE_WAIT. */
const RFC5227: ProbeTimes = {
  waitMs: 500,
  probes: 3,
  everyMs: 1_500,
  jitterMs: 500,
  decideMs: 2_000,
};

interface Entry {
  readonly address: string;
  phase: "idle" | "probing" | "owned" | "withheld";
  /** A speaker had it, or we: no host may call it new. */
  isClusters: boolean;
  times: ProbeTimes;
  probesLeft: number;
  /** Next probe, decision or retry. */
  nextMs: number;
  /** The first claim that is not judged yet. */
  pending: (ForeignClaim & { readonly atMs: number }) | undefined;
  last: ForeignClaim | undefined;
  lastMs: number;
  defendedMs: number;
  retryMs: number;
  /** Claims since the last report, by MAC address. */
  readonly unreported: Map<string, number>;
  defences: number;
  reportMs: number;
}

export class AddressConflicts {
  readonly #isSpeaker: (mac: string) => boolean;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();
  /** Entries with something before them. */
  readonly #active = new Set<Entry>();
  #settings: ConflictSettings;
  #actions: ConflictAction[] = [];
  /** Of this portion. */
  #probesLeft = 0;
  /** Not later than the earliest deadline. */
  #wakeMs = Infinity;

  /** `isSpeaker` says whether a MAC address is one of this node's or of another speaker's; `random` gives [0, 1). */
  constructor(
    isSpeaker: (mac: string) => boolean,
    random: () => number,
    settings: ConflictSettings = DEFAULT_CONFLICT_SETTINGS,
  ) {
    this.#isSpeaker = isSpeaker;
    this.#random = random;
    this.#settings = settings;
  }

  /** In force from the next event on. */
  setSettings(settings: ConflictSettings): void {
    this.#settings = settings;
  }

  handle(event: ConflictEvent, nowMs: number): readonly ConflictAction[] {
    this.#actions = [];
    switch (event.type) {
      case "taken":
        this.#take(this.#entry(event.address), nowMs);
        break;
      case "released":
      case "forgotten":
        this.#release(event.address, event.type === "forgotten");
        break;
      case "peerClaim":
        this.#entry(event.address).isClusters = true;
        break;
      case "foreign":
        this.#notice(event, nowMs);
        break;
      case "timeout":
        this.#timeout(nowMs);
    }
    return this.#actions;
  }

  /** When `timeout` is due next; undefined when nothing waits. Early calls are harmless. */
  nextDeadlineMs(): number | undefined {
    return this.#wakeMs === Infinity ? undefined : this.#wakeMs;
  }

  #entry(address: string): Entry {
    const known = this.#entries.get(address);
    if (known !== undefined) return known;
    const entry = newEntry(address);
    this.#entries.set(address, entry);
    return entry;
  }

  #take(entry: Entry, nowMs: number): void {
    if (entry.phase !== "idle") return;
    if (entry.isClusters || this.#settings.detection === "off") this.#own(entry);
    else this.#probe(entry, this.#settings.detection === "fast" ? AFTER_ELECTION : RFC5227, nowMs);
  }

  #own(entry: Entry): void {
    entry.phase = "owned";
    entry.isClusters = true;
    entry.retryMs = FIRST_RETRY_MS;
    this.#actions.push({ type: "announce", address: entry.address });
  }

  #probe(entry: Entry, times: ProbeTimes, nowMs: number): void {
    entry.phase = "probing";
    entry.times = times;
    entry.probesLeft = times.probes;
    this.#wake(entry, nowMs + times.waitMs * 2 * this.#random());
  }

  #release(address: string, isForgotten: boolean): void {
    const entry = this.#entries.get(address);
    if (entry === undefined) return;
    this.#end(entry);
    entry.phase = "idle";
    entry.pending = undefined;
    this.#active.delete(entry);
    if (isForgotten) this.#entries.delete(address);
  }

  #notice(claim: ForeignClaim, nowMs: number): void {
    const entry = this.#entries.get(claim.address);
    // What is not ours is for its owner to defend.
    if (entry === undefined || entry.phase === "idle") return;
    if (claim.kind === "probe" && entry.phase !== "probing") return;
    const { mac } = claim;
    const count = entry.unreported.get(mac);
    if (count !== undefined || entry.unreported.size < MAX_FOREIGN_MACS) {
      entry.unreported.set(mac, (count ?? 0) + 1);
    }
    if (entry.pending !== undefined) return;
    entry.pending = { ...claim, atMs: nowMs };
    this.#active.add(entry);
    this.#wakeMs = Math.min(this.#wakeMs, nowMs + CLAIM_GRACE_MS);
  }

  #timeout(nowMs: number): void {
    if (nowMs < this.#wakeMs) return;
    this.#wakeMs = Infinity;
    this.#probesLeft = PROBES_PER_PORTION;
    for (const entry of this.#active) {
      this.#judge(entry, nowMs);
      if (entry.phase === "probing") this.#ask(entry, nowMs);
      else this.#tick(entry, nowMs);
      const deadlineMs = deadlineOf(entry);
      if (deadlineMs === Infinity) this.#active.delete(entry);
      this.#wakeMs = Math.min(this.#wakeMs, deadlineMs);
    }
  }

  #ask(entry: Entry, nowMs: number): void {
    if (nowMs < entry.nextMs) return;
    if (entry.probesLeft === 0) this.#decide(entry);
    else if (this.#probesLeft > 0) this.#sendProbe(entry, nowMs);
    else entry.nextMs = nowMs + PORTION_EVERY_MS;
  }

  #sendProbe(entry: Entry, nowMs: number): void {
    const { times } = entry;
    entry.probesLeft -= 1;
    this.#probesLeft -= 1;
    this.#actions.push({ type: "probe", address: entry.address });
    const jitterMs = (this.#random() * 2 - 1) * times.jitterMs;
    const isLast = entry.probesLeft === 0;
    entry.nextMs = nowMs + (isLast ? times.decideMs : times.everyMs + jitterMs);
  }

  /** Nobody has it. A claim that waits for its judgement is judged first. */
  #decide(entry: Entry): void {
    if (entry.pending !== undefined) {
      entry.nextMs = entry.pending.atMs + CLAIM_GRACE_MS;
      return;
    }
    this.#end(entry);
    this.#own(entry);
  }

  /** A withheld address is asked for again; a conflict comes to its end; counts are told. */
  #tick(entry: Entry, nowMs: number): void {
    if (entry.phase === "withheld" && nowMs >= entry.nextMs) {
      this.#probe(entry, this.#settings.detection === "rfc5227" ? RFC5227 : FAST, nowMs);
    }
    if (entry.last === undefined) return;
    if (entry.phase === "owned" && nowMs >= entry.lastMs + OVER_AFTER_MS) this.#end(entry);
    else if (entry.unreported.size > 0 && entry.pending === undefined && nowMs >= entry.reportMs) {
      this.#report(entry, nowMs);
    }
  }

  /** Whoever is no speaker by now is a stranger. */
  #judge(entry: Entry, nowMs: number): void {
    const { pending } = entry;
    if (pending === undefined || nowMs < pending.atMs + CLAIM_GRACE_MS) return;
    entry.pending = undefined;
    for (const mac of entry.unreported.keys()) {
      if (this.#isSpeaker(mac)) entry.unreported.delete(mac);
    }
    const [stranger] = entry.unreported.keys();
    if (stranger === undefined) return;
    const mac = entry.unreported.has(pending.mac) ? pending.mac : stranger;
    const isNews = entry.last?.mac !== mac;
    entry.last = { ...pending, mac };
    entry.lastMs = nowMs;
    if (entry.phase === "owned") this.#defend(entry, isNews, nowMs);
    else if (entry.phase === "probing") this.#withhold(entry, nowMs);
  }

  #defend(entry: Entry, isNews: boolean, nowMs: number): void {
    const isAgain = nowMs - entry.defendedMs < DEFEND_INTERVAL_MS;
    if (isAgain && this.#settings.policy === "yield") {
      this.#actions.push({ type: "withhold", address: entry.address });
      this.#withhold(entry, nowMs);
      return;
    }
    if (!isAgain) {
      entry.defendedMs = nowMs;
      entry.defences += 1;
      this.#actions.push({ type: "defend", address: entry.address });
    }
    if (isNews) this.#report(entry, nowMs);
  }

  #withhold(entry: Entry, nowMs: number): void {
    entry.phase = "withheld";
    entry.isClusters = false;
    entry.nextMs = nowMs + entry.retryMs;
    entry.retryMs = Math.min(2 * entry.retryMs, LAST_RETRY_MS);
    this.#report(entry, nowMs);
  }

  #report(entry: Entry, nowMs: number): void {
    const { last, phase, unreported, address } = entry;
    if (last === undefined) return;
    entry.reportMs = nowMs + REPORT_EVERY_MS;
    const isOwned = phase === "owned";
    for (const [mac, claims] of unreported) {
      const { interfaceName } = last;
      const retry = isOwned ? {} : { retryInMs: Math.max(0, entry.nextMs - nowMs) };
      const state = isOwned ? "defended" : "withheld";
      const { defences } = entry;
      const report = { address, state, mac, interfaceName, claims, defences, ...retry } as const;
      this.#actions.push({ type: "report", report });
      entry.defences = 0;
    }
    unreported.clear();
  }

  #end(entry: Entry): void {
    const { last, address, defences } = entry;
    entry.unreported.clear();
    entry.defences = 0;
    entry.last = undefined;
    if (last === undefined) return;
    const { mac, interfaceName } = last;
    const report = { address, state: "over", mac, interfaceName, claims: 0, defences } as const;
    this.#actions.push({ type: "report", report });
  }

  #wake(entry: Entry, atMs: number): void {
    entry.nextMs = atMs;
    this.#active.add(entry);
    this.#wakeMs = Math.min(this.#wakeMs, atMs);
  }
}

function newEntry(address: string): Entry {
  return {
    address,
    phase: "idle",
    isClusters: false,
    times: FAST,
    probesLeft: 0,
    nextMs: Infinity,
    pending: undefined,
    last: undefined,
    lastMs: -Infinity,
    defendedMs: -Infinity,
    retryMs: FIRST_RETRY_MS,
    unreported: new Map(),
    defences: 0,
    reportMs: -Infinity,
  };
}

function deadlineOf(entry: Entry): number {
  const { phase, pending, last, unreported } = entry;
  let deadlineMs = phase === "probing" || phase === "withheld" ? entry.nextMs : Infinity;
  if (pending !== undefined) deadlineMs = Math.min(deadlineMs, pending.atMs + CLAIM_GRACE_MS);
  if (last === undefined) return deadlineMs;
  if (phase === "owned") deadlineMs = Math.min(deadlineMs, entry.lastMs + OVER_AFTER_MS);
  const mustReport = unreported.size > 0 && pending === undefined;
  return mustReport ? Math.min(deadlineMs, entry.reportMs) : deadlineMs;
}
