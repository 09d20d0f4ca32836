/**
 * Two BGP peers on a virtual clock and a network of byte pipes: connections take time, are cut where a test wants, and a reader may
 * be slow. The code under test is the real one; only sockets and time are replaced.
 */
import type { AdjRibOut } from "../../../lib/bgp/adj-rib-out";
import type { SessionConfiguration } from "../../../lib/bgp/negotiation";
import { BgpPeer } from "../../../lib/bgp/peer";
import type { ConnectionId, SessionAction, SessionEvent } from "../../../lib/bgp/session-events";
import { MessageType } from "../../../lib/bgp/constants";
import { StreamDecoder } from "../../../lib/bgp/codec/stream-decoder";
import { ModelPeer, NEXT_HOPS, SESSION } from "../../unit/lib/bgp/support/model-peer";

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const LATENCY_MS = 2;
/** What a reader's kernel takes while the reader does not read. */
const WINDOW_OCTETS = 16_384;
/** More timeouts than this without time going on: a deadline stays in the past. */
const MAX_TIMEOUTS_AT_ONCE = 100;

/** One end's view of one TCP connection. */
interface Half {
  readonly owner: Endpoint;
  readonly id: ConnectionId;
  other: Half | undefined;
  isOpen: boolean;
  /** Written and not taken by the network. */
  unsent: Uint8Array[];
  unsentOctets: number;
  /** Delivered to the other end's kernel, not read. */
  inFlightOctets: number;
}

export class Endpoint {
  readonly name: string;
  readonly peer: BgpPeer;
  readonly #world: World;
  readonly halves = new Map<ConnectionId, Half>();
  /** What the other side says that it has; begins anew with each session. */
  learnt = new ModelPeer();
  isReading = true;
  accepts = true;
  attempts = 0;
  flaps = 0;
  mostUnsentOctets = 0;
  readonly notifications: string[] = [];

  constructor(world: World, name: string, configuration: SessionConfiguration) {
    this.#world = world;
    this.name = name;
    this.peer = new BgpPeer(configuration, {
      isRestarting: false,
      random: world.random,
      nextHopsOf: () => NEXT_HOPS,
    });
    this.peer.rib.release();
  }

  get isEstablished(): boolean {
    return this.peer.session.state === "Established";
  }

  get rib(): AdjRibOut {
    return this.peer.rib;
  }

  handle(event: SessionEvent): void {
    this.carryOut(this.peer.handle(event, this.#world.nowMs));
  }

  flush(): void {
    this.carryOut(this.peer.flush(this.#world.nowMs));
  }

  carryOut(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      switch (action.type) {
        case "connect":
          this.attempts += 1;
          this.#world.connect(this, action.connection);
          break;
        case "send":
          this.#world.write(this.halves.get(action.connection), action.octets);
          break;
        case "close":
          this.#world.close(this.halves.get(action.connection));
          break;
        case "established":
          // Read anew what the other side announces on this connection.
          this.learnt = new ModelPeer({ ...SESSION, ...action.session });
          break;
        case "down":
          this.flaps += 1;
          break;
        case "notification":
          this.notifications.push(`${action.direction} ${action.code}/${action.subcode}`);
          break;
        default:
      }
    }
  }
}

interface Task {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class World {
  nowMs = 1_000;
  readonly random: () => number;
  readonly endpoints: Endpoint[] = [];
  /** Cuts the connection once so many octets of it were written by either side; undefined cuts none, or has cut. */
  cutAfterOctets: number | undefined;
  isLinkUp = true;
  #writtenOctets = 0;
  #tasks: Task[] = [];
  #order = 0;
  #timeoutsNow = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  add(name: string, configuration: SessionConfiguration): Endpoint {
    const endpoint = new Endpoint(this, name, configuration);
    this.endpoints.push(endpoint);
    return endpoint;
  }

  connect(from: Endpoint, id: ConnectionId): void {
    const to = this.endpoints.find(each => each !== from);
    const half = this.#makeHalf(from, id);
    this.after(2 * LATENCY_MS, () => {
      if (!half.isOpen) return;
      if (!this.isLinkUp) return;
      if (to?.accepts !== true) {
        this.#fail(half, "refused");
        return;
      }
      const accepted = this.#makeHalf(to, to.peer.session.allocateConnectionId());
      half.other = accepted;
      accepted.other = half;
      to.handle({ type: "accepted", connection: accepted.id });
      from.handle({ type: "connected", connection: id });
    });
  }

  write(half: Half | undefined, octets: Uint8Array): void {
    if (half?.isOpen !== true) return;
    half.unsent.push(octets);
    half.unsentOctets += octets.length;
    half.owner.mostUnsentOctets = Math.max(half.owner.mostUnsentOctets, half.unsentOctets);
    this.after(0, () => this.#pump(half));
  }

  close(half: Half | undefined): void {
    if (half?.isOpen !== true) return;
    // What was written leaves first.
    this.#pump(half);
    half.isOpen = false;
    half.owner.halves.delete(half.id);
    const { other } = half;
    this.after(LATENCY_MS, () => {
      if (other !== undefined) this.#fail(other, "closed by the peer");
    });
  }

  /** Ends every connection there is, as a router on the way that forgets them. */
  cutAll(): void {
    for (const endpoint of this.endpoints) {
      for (const half of [...endpoint.halves.values()]) this.#fail(half, "reset");
    }
  }

  after(ms: number, run: () => void): void {
    this.#order += 1;
    this.#tasks.push({ atMs: this.nowMs + ms, order: this.#order, run });
  }

  /** Runs until the condition holds; false when it does not within the time. */
  runUntil(isDone: () => boolean, withinMs: number): boolean {
    const endMs = this.nowMs + withinMs;
    while (!isDone()) {
      if (!this.#step(endMs)) return isDone();
    }
    return true;
  }

  run(ms: number): void {
    this.runUntil(() => false, ms);
  }

  #step(endMs: number): boolean {
    this.#tasks.sort((left, right) => left.atMs - right.atMs || left.order - right.order);
    const taskAtMs = this.#tasks[0]?.atMs ?? Infinity;
    const deadlines = this.endpoints.map(each => each.peer.nextDeadlineMs() ?? Infinity);
    const nextMs = Math.min(taskAtMs, ...deadlines);
    if (nextMs > endMs) {
      this.nowMs = endMs;
      return false;
    }
    if (nextMs > this.nowMs) this.#timeoutsNow = 0;
    this.nowMs = Math.max(this.nowMs, nextMs);
    if (taskAtMs <= nextMs) {
      this.#tasks.shift()?.run();
      return true;
    }
    this.#timeoutsNow += 1;
    const index = deadlines.indexOf(nextMs);
    const endpoint = this.endpoints[index];
    // On a real clock this would be a thread that does nothing else any more.
    if (this.#timeoutsNow > MAX_TIMEOUTS_AT_ONCE) throw new Error(`${endpoint?.name}: timer spins`);
    endpoint?.handle({ type: "timeout" });
    return true;
  }

  #makeHalf(owner: Endpoint, id: ConnectionId): Half {
    const half: Half = {
      owner,
      id,
      other: undefined,
      isOpen: true,
      unsent: [],
      unsentOctets: 0,
      inFlightOctets: 0,
    };
    owner.halves.set(id, half);
    return half;
  }

  #pump(half: Half): void {
    const { other } = half;
    if (!half.isOpen || other === undefined || !this.isLinkUp) return;
    let isMoved = false;
    while (half.unsent.length > 0 && half.inFlightOctets < WINDOW_OCTETS) {
      const octets = half.unsent.shift() ?? new Uint8Array();
      half.unsentOctets -= octets.length;
      half.inFlightOctets += octets.length;
      isMoved = true;
      this.after(LATENCY_MS, () => this.#deliver(half, octets));
      if (this.#isCut(octets.length)) return;
    }
    if (!isMoved) return;
    const { id, unsentOctets } = half;
    half.owner.handle({ type: "sendProgress", connection: id, unsentOctets });
  }

  #isCut(octets: number): boolean {
    this.#writtenOctets += octets;
    if (this.cutAfterOctets === undefined || this.#writtenOctets <= this.cutAfterOctets) {
      return false;
    }
    this.cutAfterOctets = Infinity;
    this.after(0, () => {
      this.cutAfterOctets = undefined;
      this.cutAll();
    });
    return true;
  }

  #deliver(half: Half, octets: Uint8Array): void {
    const { other } = half;
    if (other?.isOpen !== true) return;
    if (!other.owner.isReading) {
      this.after(50, () => this.#deliver(half, octets));
      return;
    }
    half.inFlightOctets -= octets.length;
    other.owner.handle({ type: "octets", connection: other.id, octets });
    if (other.owner.isEstablished) readTable(other.owner, octets);
    this.#pump(half);
  }

  #fail(half: Half, words: string): void {
    if (!half.isOpen) return;
    half.isOpen = false;
    half.owner.halves.delete(half.id);
    half.owner.handle({ type: "connectionFailed", connection: half.id, words });
    const { other } = half;
    if (other?.isOpen === true) this.after(LATENCY_MS, () => this.#fail(other, words));
  }
}

/** Every write is whole messages, so that each can be read by itself. */
function readTable(endpoint: Endpoint, octets: Uint8Array): void {
  const decoder = new StreamDecoder();
  decoder.push(octets);
  for (let frame = decoder.next(); frame?.ok === true; frame = decoder.next()) {
    if (frame.value.type === MessageType.update) endpoint.learnt.read([frame.value.octets]);
  }
}
