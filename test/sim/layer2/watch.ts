/**
 * What a client on the segment sees of each address, at every step: for how long two nodes answer for it, and for how long
 * nobody does although some candidate could. More than the limits is an error in the step in which it happens.
 */

export interface WatchLimits {
  /** Two owners for longer than this. */
  readonly doubleMs: number;
  /** No answer for longer than this, counted from when some candidate is healthy without interruption. */
  readonly noneMs: number;
}

/** What the watch asks about the machines. */
export interface Machines {
  /** Since when the client gets answers from the node without interruption; undefined: it gets none. */
  reachableSinceMs(name: string): number | undefined;
  /** The machine passes on what is sent to it, with or without a speaker. */
  isForwarding(name: string): boolean;
  candidates(address: string): readonly string[];
}

export class Breach extends Error {}

interface Watched {
  readonly owners: Set<string>;
  /** Who answers in whose place. */
  readonly standIns: Map<string, string>;
  doubleSinceMs: number | undefined;
  noneSinceMs: number | undefined;
}

export class Watch {
  worstDoubleMs = 0;
  totalDoubleMs = 0;
  worstNoneMs = 0;
  totalNoneMs = 0;
  /** As `worstNoneMs`, from when some candidate is healthy without interruption. */
  worstNeedlessMs = 0;
  limits: WatchLimits = { doubleMs: Infinity, noneMs: Infinity };
  readonly #machines: Machines;
  readonly #watched: ReadonlyMap<string, Watched>;
  /** The time at which some limit is exceeded if nothing changes; undefined: to be found anew. */
  #breachMs: number | undefined;

  constructor(addresses: readonly string[], machines: Machines) {
    this.#machines = machines;
    this.#watched = new Map(
      addresses.map(address => [
        address,
        {
          owners: new Set(),
          standIns: new Map(),
          doubleSinceMs: undefined,
          noneSinceMs: undefined,
        },
      ]),
    );
  }

  owners(address: string): ReadonlySet<string> {
    return this.#of(address).owners;
  }

  owns(address: string, name: string, isOwner: boolean): void {
    const { owners } = this.#of(address);
    if (isOwner) owners.add(name);
    else owners.delete(name);
  }

  standsIn(address: string, name: string, peerName: string | undefined): void {
    const { standIns } = this.#of(address);
    if (peerName === undefined) standIns.delete(name);
    else standIns.set(name, peerName);
  }

  /** To be called after every change. */
  count(address: string, nowMs: number): void {
    const watched = this.#of(address);
    const answering = [...watched.owners].filter(name => this.#isReachable(name)).length;
    const isServed = answering > 0 || this.#hasStandIn(watched);
    const doubleMs = nowMs - (watched.doubleSinceMs ?? nowMs);
    const noneMs = nowMs - (watched.noneSinceMs ?? nowMs);
    this.worstDoubleMs = Math.max(this.worstDoubleMs, doubleMs);
    this.worstNoneMs = Math.max(this.worstNoneMs, noneMs);
    this.#noteNeedless(address, noneMs, nowMs);
    if (answering < 2) this.totalDoubleMs += doubleMs;
    if (isServed) this.totalNoneMs += noneMs;
    watched.doubleSinceMs = answering < 2 ? undefined : (watched.doubleSinceMs ?? nowMs);
    watched.noneSinceMs = isServed ? undefined : (watched.noneSinceMs ?? nowMs);
    this.#breachMs = undefined;
  }

  countAll(nowMs: number): void {
    for (const address of this.#watched.keys()) this.count(address, nowMs);
  }

  /** Counts from now on. */
  forget(nowMs: number): void {
    this.worstDoubleMs = 0;
    this.totalDoubleMs = 0;
    this.worstNoneMs = 0;
    this.totalNoneMs = 0;
    this.worstNeedlessMs = 0;
    for (const watched of this.#watched.values()) {
      if (watched.doubleSinceMs !== undefined) watched.doubleSinceMs = nowMs;
      if (watched.noneSinceMs !== undefined) watched.noneSinceMs = nowMs;
    }
    this.#breachMs = undefined;
  }

  /** Throws when a limit is exceeded. */
  check(nowMs: number): void {
    this.#breachMs ??= this.#findBreachMs();
    if (nowMs <= this.#breachMs) return;
    for (const [address, watched] of this.#watched) {
      if (nowMs <= this.#deadlineMs(address, watched)) continue;
      const owners = [...watched.owners].join(" and ") || "nobody";
      throw new Breach(`at ${nowMs.toFixed(1)} ms ${owners} answered for ${address} for too long`);
    }
  }

  #isReachable(name: string): boolean {
    return this.#machines.reachableSinceMs(name) !== undefined;
  }

  /** Somebody answers in the place of a node that still passes on what is sent to it. */
  #hasStandIn({ standIns }: Watched): boolean {
    return [...standIns].some(
      ([name, peerName]) => this.#machines.isForwarding(peerName) && this.#isReachable(name),
    );
  }

  #noteNeedless(address: string, noneMs: number, nowMs: number): void {
    if (noneMs <= this.worstNeedlessMs) return;
    const needlessMs = Math.min(noneMs, nowMs - this.#healthySinceMs(address));
    this.worstNeedlessMs = Math.max(this.worstNeedlessMs, needlessMs);
  }

  #findBreachMs(): number {
    const { doubleMs, noneMs } = this.limits;
    let breachMs = Infinity;
    if (doubleMs === Infinity && noneMs === Infinity) return breachMs;
    for (const [address, watched] of this.#watched) {
      breachMs = Math.min(breachMs, this.#deadlineMs(address, watched));
    }
    return breachMs;
  }

  #deadlineMs(address: string, { doubleSinceMs, noneSinceMs }: Watched): number {
    const { doubleMs, noneMs } = this.limits;
    const healthySinceMs = noneSinceMs === undefined ? Infinity : this.#healthySinceMs(address);
    return Math.min(
      (doubleSinceMs ?? Infinity) + doubleMs,
      Math.max(noneSinceMs ?? Infinity, healthySinceMs) + noneMs,
    );
  }

  #healthySinceMs(address: string): number {
    const names = this.#machines.candidates(address);
    return Math.min(...names.map(name => this.#machines.reachableSinceMs(name) ?? Infinity));
  }

  #of(address: string): Watched {
    return this.#watched.get(address)!;
  }
}
