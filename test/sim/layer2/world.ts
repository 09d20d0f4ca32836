/**
 * N speakers on one switch and one virtual clock: seeded loss, delay, stalls, frozen machines, crashes, killed processes, cut
 * links, split segments, one-way links, blocked heartbeats, nodes excluded by a configuration that reaches each speaker with a lag
 * of its own. `Watch` sees at every step what a client gets.
 */
import type { OwnershipEntry } from "../../../lib/liveness/ownership-entry";
import { Agenda, Random } from "./random";
import { GATEWAY, SimSpeaker, macOf, type Parcel, type SpeakerWorld } from "./speaker";
import { Watch, type Machines } from "./watch";

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly addresses?: number;
  readonly failbackMs?: number;
}

interface Node {
  readonly name: string;
  speaker: SimSpeaker | undefined;
  /** The machine has power: its kernel answers for its own address and refuses heartbeats to a dead process. */
  isPowered: boolean;
  isCut: boolean;
  isMute: boolean;
  isDeaf: boolean;
  /** Which half of a split segment it is in. */
  half: number;
  isPortBlocked: "no" | "dropped" | "rejected";
  /** No turn before that time; its clock runs on. */
  stalledUntilMs: number;
  /** As `stalledUntilMs`, and its clock stands still. */
  frozenMs: number;
  readonly clockRate: number;
  readonly clockOffsetMs: number;
  /** The turn it is waiting for; a later number replaces it. */
  wake: number;
  /** When its next turn was due. */
  dueMs: number;
  /** Since when it may have addresses and a client gets answers from it; undefined: it gets none. */
  reachableSinceMs: number | undefined;
  /** When the last change of the configuration reaches it. */
  toldMs: number;
}

/** A machine whose deadline never moves on would keep the clock from moving on: so many turns of each node in one millisecond. */
const MAX_STEPS_A_MS = 1_000;
/** As capabilities/speaker/departures.ts does. */
const DEPARTURE_LIMIT_MS = 10_000;

export class World implements SpeakerWorld, Machines {
  nowMs = 0;
  lossShare = 0;
  jitterMs = 1;
  readonly names: readonly string[];
  /** The configuration as it is; speakers learn of it later. */
  entries: readonly OwnershipEntry[];
  readonly watch: Watch;
  readonly nodes = new Map<string, Node>();
  /** Changes of ownership: takes. */
  moves = 0;
  /** Heartbeats that left. */
  packets = 0;
  /** Who announced each address last, as a client's neighbor table has it. */
  readonly learnt = new Map<string, string>();
  readonly firstAnnouncedMs = new Map<string, number>();
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #allEntries: readonly OwnershipEntry[];
  readonly #excluded = new Set<string>();
  readonly #gateway = newNode(GATEWAY, 1, 0);
  #boots = 0;
  #stepMs = 0;
  #stepsAtOnce = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.names = Array.from({ length: options.nodes }, (_, index) => `node-${index + 1}`);
    const count = options.addresses ?? options.nodes;
    this.entries = Array.from({ length: count }, (_, index) => ({
      address: `192.0.2.${index + 1}`,
      candidates: this.names.map((_name, at) => this.names[(at + index) % options.nodes]!),
    }));
    for (const name of this.names) {
      const clockRate = 1 + this.#random.between(-200e-6, 200e-6);
      this.nodes.set(name, newNode(name, clockRate, this.#random.between(0, 1e6)));
    }
    this.#allEntries = this.entries;
    this.watch = new Watch(
      this.entries.map(({ address }) => address),
      this,
    );
  }

  get random(): Random {
    return this.#random;
  }

  node(name: string): Node {
    return this.nodes.get(name)!;
  }

  /** Starts the speaker; one that runs is killed before. */
  start(name: string): void {
    const node = this.node(name);
    this.kill(name);
    node.isPowered = true;
    node.stalledUntilMs = 0;
    this.#boots += 1;
    node.speaker = new SimSpeaker(
      {
        name,
        boot: this.#boots,
        names: this.names,
        entries: this.entries.filter(({ candidates }) => candidates.includes(name)),
        failbackMs: this.#options.failbackMs ?? 10_000,
        world: this,
      },
      this.#localMs(node),
    );
    node.speaker.setCarrier(!node.isCut);
    this.#recount();
    this.#plan(node);
  }

  /** The process dies without a word; the machine lives. */
  kill(name: string): void {
    const node = this.node(name);
    for (const address of node.speaker?.owned ?? []) this.owns(name, address, false);
    for (const address of node.speaker?.standingIn.keys() ?? []) {
      this.standsIn(name, address, undefined);
    }
    node.speaker = undefined;
    node.wake += 1;
    this.#recount();
  }

  /** The machine loses its power. */
  crash(name: string): void {
    this.kill(name);
    this.node(name).isPowered = false;
    this.#recount();
  }

  leave(name: string, isRestart = false): void {
    const node = this.node(name);
    node.speaker?.leave(isRestart, this.#localMs(node));
    this.#plan(node);
  }

  stall(name: string, forMs: number): void {
    const node = this.node(name);
    node.stalledUntilMs = Math.max(node.stalledUntilMs, this.nowMs + forMs);
    this.#recount();
    this.#agenda.add(node.stalledUntilMs, () => this.#recount());
  }

  /** The machine stands still, its clock too. */
  freeze(name: string, forMs: number): void {
    this.stall(name, forMs);
    this.node(name).frozenMs += forMs;
    this.#plan(this.node(name));
  }

  /** The link of the node, seen by it or not. */
  setCable(name: string, isPlugged: boolean, isSeen = true): void {
    const node = this.node(name);
    node.isCut = !isPlugged;
    this.#recount();
    if (!isSeen && !isPlugged) return;
    node.speaker?.setCarrier(isPlugged);
    this.#arrive(node, undefined);
  }

  mend(): void {
    this.lossShare = 0;
    this.jitterMs = 1;
    for (const name of this.#excluded) this.setExcluded(name, false, () => 0);
    for (const node of this.nodes.values()) {
      node.isMute = false;
      node.isDeaf = false;
      node.half = 0;
      node.isPortBlocked = "no";
      if (node.isCut) this.setCable(node.name, true);
      if (node.speaker === undefined) this.start(node.name);
    }
    this.#recount();
  }

  /** Changes one property of a node, such as `isMute` or `half`. */
  set(name: string, change: Partial<Node>): void {
    Object.assign(this.node(name), change);
    this.#recount();
  }

  run(forMs: number): void {
    this.runUntil(() => false, forMs);
  }

  /** Runs until the condition holds after some step; the time it took, Infinity if it never did. */
  runUntil(isDone: () => boolean, withinMs: number): number {
    const startMs = this.nowMs;
    const endMs = startMs + withinMs;
    while (this.#agenda.nextMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.#agenda.nextMs);
      this.#agenda.take()();
      this.#stepsAtOnce = this.nowMs - this.#stepMs > 1 ? 0 : this.#stepsAtOnce + 1;
      if (this.#stepsAtOnce === 0) this.#stepMs = this.nowMs;
      if (this.#stepsAtOnce > MAX_STEPS_A_MS * this.names.length) {
        throw new Error("a speaker turns without end");
      }
      this.watch.check(this.nowMs);
      if (isDone()) return this.nowMs - startMs;
    }
    this.nowMs = endMs;
    this.#recount();
    this.watch.check(this.nowMs);
    return Infinity;
  }

  owners(address: string): readonly string[] {
    return [...this.watch.owners(address)];
  }

  candidates(address: string): readonly string[] {
    return this.entries.find(entry => entry.address === address)?.candidates ?? [];
  }

  forget(): void {
    this.#recount();
    this.moves = 0;
    this.watch.forget(this.nowMs);
  }

  /** Whether the node may have addresses. Each speaker hears of it `lagMs` later, in order. */
  setExcluded(name: string, isExcluded: boolean, lagMs: (observer: string) => number): void {
    if (isExcluded) this.#excluded.add(name);
    else this.#excluded.delete(name);
    this.entries = this.#allEntries.map(entry => ({
      ...entry,
      candidates: entry.candidates.filter(candidate => !this.#excluded.has(candidate)),
    }));
    this.node(name).reachableSinceMs = undefined;
    this.#recount();
    for (const node of this.nodes.values()) this.#tell(node, lagMs(node.name));
  }

  #tell(node: Node, lagMs: number): void {
    const { entries } = this;
    const { speaker } = node;
    node.toldMs = Math.max(node.toldMs, this.nowMs + lagMs);
    this.#agenda.add(node.toldMs, () => this.#configure(node, speaker, entries));
  }

  /** What is not its own any more is kept for a while, as the speaker's main thread does. */
  #configure(
    node: Node,
    speaker: SimSpeaker | undefined,
    entries: readonly OwnershipEntry[],
  ): void {
    if (speaker === undefined || node.speaker !== speaker) return;
    const isOwn = (entry: OwnershipEntry): boolean => entry.candidates.includes(node.name);
    const departing = entries.filter(entry => !isOwn(entry));
    const changed = entries.filter(entry => isOwn(entry) || speaker.has(entry.address));
    speaker.configure(changed, [], this.#localMs(node));
    this.#plan(node);
    if (departing.length === 0) return;
    this.#agenda.add(this.nowMs + DEPARTURE_LIMIT_MS, () => {
      if (node.speaker !== speaker) return;
      const gone = departing.map(({ address }) => address);
      speaker.configure([], gone.filter(speaker.isDeparting), this.#localMs(node));
      this.#plan(node);
    });
  }

  sendHeartbeat(from: string, to: string, bytes: Uint8Array): void {
    this.packets += 1;
    const [sender, receiver] = [this.node(from), this.node(to)];
    if (sender.isPortBlocked === "dropped" || !this.#reaches(sender, receiver)) return;
    const isRejected = receiver.isPortBlocked === "rejected" || sender.isPortBlocked === "rejected";
    if (isRejected || (receiver.speaker === undefined && receiver.isPowered)) {
      this.#deliver(receiver, sender, { type: "refused", from: to });
    } else if (receiver.isPortBlocked === "no") {
      this.#deliver(sender, receiver, { type: "heartbeat", from, bytes });
    }
  }

  transmit(from: string, parcel: Parcel, toMac?: string): void {
    const sender = this.node(from);
    for (const receiver of this.nodes.values()) {
      if (receiver === sender) continue;
      if (toMac !== undefined && toMac !== macOf(receiver.name)) continue;
      this.#deliver(sender, receiver, parcel);
    }
  }

  askNode(from: string, node: string): void {
    const asker = this.node(from);
    const asked = node === GATEWAY ? this.#gateway : this.node(node);
    if (!asked.isPowered || !this.#reaches(asker, asked)) return;
    this.#deliver(asked, asker, { type: "nodeAnswer", mac: macOf(node), node });
  }

  announced(from: string, address: string): void {
    this.#count(address);
    const node = this.node(from);
    if (node.isCut || node.isMute) return;
    this.learnt.set(address, from);
    if (!this.firstAnnouncedMs.has(address)) this.firstAnnouncedMs.set(address, this.nowMs);
  }

  owns(from: string, address: string, isOwner: boolean): void {
    if (isOwner) this.moves += 1;
    this.watch.owns(address, from, isOwner);
    this.#count(address);
  }

  standsIn(from: string, address: string, peerName: string | undefined): void {
    this.watch.standsIn(address, from, peerName);
    this.#count(address);
  }

  ended(from: string): void {
    const node = this.node(from);
    const { speaker } = node;
    node.wake += 1;
    this.#agenda.add(this.nowMs, () => {
      if (node.speaker === speaker) this.kill(from);
    });
  }

  #localMs(node: Node): number {
    return (this.nowMs - node.frozenMs) * node.clockRate + node.clockOffsetMs;
  }

  #worldMs(node: Node, localMs: number): number {
    return (localMs - node.clockOffsetMs) / node.clockRate + node.frozenMs;
  }

  #reaches(from: Node, to: Node): boolean {
    if (!from.isPowered || !to.isPowered) return false;
    if (from.isCut || to.isCut || from.isMute || to.isDeaf || from.half !== to.half) return false;
    return !this.#random.isLucky(this.lossShare);
  }

  #deliver(from: Node, to: Node, parcel: Parcel): void {
    if (!this.#reaches(from, to)) return;
    const atMs = this.nowMs + 0.05 + this.#random.next() * this.jitterMs;
    this.#agenda.add(atMs, () => {
      if (!to.isCut && !to.isDeaf) this.#arrive(to, parcel);
    });
  }

  #arrive(node: Node, parcel: Parcel | undefined): void {
    const { speaker } = node;
    if (speaker === undefined) return;
    if (parcel !== undefined) speaker.inbox.push(parcel);
    if (this.nowMs < node.dueMs) node.dueMs = this.nowMs;
    this.#wakeAt(node, Math.max(this.nowMs, node.stalledUntilMs));
  }

  /** Arms the next turn of the node. */
  #plan(node: Node): void {
    const { speaker } = node;
    if (speaker === undefined) return;
    // Never early, whatever rounding does: a turn before its deadline would plan itself again and again.
    node.dueMs = Math.max(this.nowMs, this.#worldMs(node, speaker.wakeMs)) + 0.001;
    if (speaker.inbox.length > 0) node.dueMs = this.nowMs;
    this.#wakeAt(node, Math.max(node.dueMs, node.stalledUntilMs));
  }

  #wakeAt(node: Node, atMs: number): void {
    if (atMs === Infinity) return;
    node.wake += 1;
    const { wake } = node;
    this.#agenda.add(atMs, () => this.#turn(node, wake));
  }

  #turn(node: Node, wake: number): void {
    if (node.wake !== wake || node.speaker === undefined) return;
    if (this.nowMs < node.stalledUntilMs) {
      this.#wakeAt(node, node.stalledUntilMs);
      return;
    }
    const lateMs = Math.max(0, this.nowMs - node.dueMs);
    const unseenMs = node.dueMs < node.stalledUntilMs ? Math.min(lateMs, node.frozenMs) : 0;
    node.speaker.turn(this.#localMs(node), lateMs - unseenMs);
    this.#plan(node);
  }

  reachableSinceMs(name: string): number | undefined {
    return this.node(name).reachableSinceMs;
  }

  isForwarding(name: string): boolean {
    const node = this.node(name);
    return node.isPowered && !node.isCut && node.half === 0;
  }

  /** Whom a client on the first half of the segment gets answers from. */
  #isReachable(node: Node): boolean {
    return (
      node.speaker !== undefined &&
      node.half === 0 &&
      !node.isCut &&
      !node.isMute &&
      !node.isDeaf &&
      this.nowMs >= node.stalledUntilMs
    );
  }

  #recount(): void {
    for (const node of this.nodes.values()) {
      if (!this.#isReachable(node)) node.reachableSinceMs = undefined;
      else node.reachableSinceMs ??= this.nowMs;
    }
    this.watch.countAll(this.nowMs);
  }

  #count(address: string): void {
    this.watch.count(address, this.nowMs);
  }
}

function newNode(name: string, clockRate: number, clockOffsetMs: number): Node {
  return {
    name,
    speaker: undefined,
    isPowered: true,
    isCut: false,
    isMute: false,
    isDeaf: false,
    half: 0,
    isPortBlocked: "no",
    stalledUntilMs: 0,
    frozenMs: 0,
    clockRate,
    clockOffsetMs,
    wake: 0,
    dueMs: Infinity,
    reachableSinceMs: undefined,
    toldMs: 0,
  };
}
