/**
 * One speaker of the simulation: the real machines of lib/liveness and lib/net, driven as the packet thread drives them. Each
 * turn reads everything that waits, heartbeats first, and only then looks at its timers.
 */
import { ARP_ANNOUNCEMENT_REFRESH, ARP_ANNOUNCEMENT_ROUNDS } from "../../../lib/arp/announcement";
import {
  Coordinator,
  type CoordinatorAction,
  type CoordinatorEvent,
} from "../../../lib/liveness/coordinator";
import { HeartbeatKeyring } from "../../../lib/liveness/keyring";
import { encodeHeartbeat, toNodeId } from "../../../lib/liveness/message";
import { HeartbeatReceiver } from "../../../lib/liveness/receiver";
import { SegmentProof } from "../../../lib/liveness/segment-proof";
import { DEFAULT_MEMBERSHIP_TIMERS } from "../../../lib/liveness/timers";
import { AnnouncementSchedule } from "../../../lib/net/announcement-schedule";
import type { OwnershipAction } from "../../../lib/liveness/ownership";
import type { OwnershipEntry } from "../../../lib/liveness/ownership-entry";

const KEYRING = new HeartbeatKeyring([], "metallb-system");

/** What travels: heartbeats by UDP, the others as ARP would. `mac` is the sender's. */
export type Parcel =
  | { readonly type: "heartbeat"; readonly from: string; readonly bytes: Uint8Array }
  | { readonly type: "refused"; readonly from: string }
  /** An answer, or an announcement to all. */
  | { readonly type: "claim"; readonly mac: string; readonly address: string }
  | { readonly type: "probe"; readonly mac: string; readonly address: string }
  /** The kernel of a node answers for the node's own address. */
  | { readonly type: "nodeAnswer"; readonly mac: string; readonly node: string };

/** The host beside the nodes that is asked whether the segment can be heard. */
export const GATEWAY = "gateway";

/** What a speaker does to the world. */
export interface SpeakerWorld {
  sendHeartbeat(from: string, to: string, bytes: Uint8Array): void;
  /** To one station, or to all. */
  transmit(from: string, parcel: Parcel, toMac?: string): void;
  askNode(from: string, node: string): void;
  announced(from: string, address: string): void;
  owns(from: string, address: string, isOwner: boolean): void;
  /** Answers with the MAC address of the peer from now on; undefined: no longer. */
  standsIn(from: string, address: string, peerName: string | undefined): void;
  ended(from: string): void;
}

export interface SpeakerOptions {
  readonly name: string;
  readonly boot: number;
  readonly names: readonly string[];
  readonly entries: readonly OwnershipEntry[];
  readonly failbackMs: number;
  readonly world: SpeakerWorld;
}

export function macOf(name: string): string {
  const tail = Number(name.replace(/\D/g, ""));
  return `02:00:00:00:00:${tail.toString(16).padStart(2, "0")}`;
}

function macBytes(name: string): Uint8Array {
  return Uint8Array.from(macOf(name).split(":"), octet => Number.parseInt(octet, 16));
}

export class SimSpeaker {
  readonly name: string;
  readonly coordinator: Coordinator;
  readonly inbox: Parcel[] = [];
  readonly owned = new Set<string>();
  /** By address: in whose place it answers. */
  readonly standingIn = new Map<string, string>();
  readonly #entries: Map<string, OwnershipEntry>;
  readonly #options: SpeakerOptions;
  readonly #bootId: bigint;
  readonly #receiver: HeartbeatReceiver;
  readonly #proof = new SegmentProof(DEFAULT_MEMBERSHIP_TIMERS);
  readonly #schedule = new AnnouncementSchedule<string, string>(
    ARP_ANNOUNCEMENT_ROUNDS,
    ARP_ANNOUNCEMENT_REFRESH,
  );
  #counter = 0n;
  #hasCarrier = true;
  #wakeMs = Infinity;

  constructor(options: SpeakerOptions, nowMs: number) {
    const { name, boot, names, entries } = options;
    this.name = name;
    this.#entries = new Map(entries.map(entry => [entry.address, entry]));
    this.#options = options;
    this.#bootId = BigInt(boot);
    this.coordinator = new Coordinator(name, boot, DEFAULT_MEMBERSHIP_TIMERS, options);
    this.coordinator.membership.setInterfaces([
      { nameHash: 1, mac: macBytes(name), isUp: true, hasCarrier: true, isProven: true },
    ]);
    this.#receiver = new HeartbeatReceiver(name, KEYRING);
    const peerNames = names.filter(other => other !== name);
    this.#receiver.configure(
      peerNames.map(nodeName => ({ nodeName, addresses: [nodeName] })),
      KEYRING,
    );
    this.#handle({ type: "link", isReady: false }, nowMs);
    this.#handle({ type: "configured", peerNames }, nowMs);
    this.#handle({ type: "entries", changed: entries, removed: [] }, nowMs);
    this.#handle({ type: "synced" }, nowMs);
    this.#finish(nowMs);
  }

  /** When it wants to run if nothing arrives, by its own clock. */
  get wakeMs(): number {
    return this.#wakeMs;
  }

  /** Runs once by its own clock, `lateMs` after it should have. */
  turn(nowMs: number, lateMs: number): void {
    const isStalled = lateMs > this.coordinator.membership.stallLimitMs;
    if (isStalled) this.#handle({ type: "stalled" }, nowMs);
    const waiting = this.inbox.splice(0);
    for (const parcel of waiting) if (parcel.type === "heartbeat") this.#hear(parcel, nowMs);
    for (const parcel of waiting) this.#read(parcel, isStalled, nowMs);
    this.#handle({ type: "timeout" }, nowMs);
    this.#finish(nowMs);
  }

  setCarrier(hasCarrier: boolean): void {
    this.#hasCarrier = hasCarrier;
  }

  leave(isRestart: boolean, nowMs: number): void {
    this.#handle({ type: "leave", isRestart }, nowMs);
    this.#finish(nowMs);
  }

  configure(changed: readonly OwnershipEntry[], removed: readonly string[], nowMs: number): void {
    for (const entry of changed) this.#entries.set(entry.address, entry);
    for (const address of removed) this.#entries.delete(address);
    this.#handle({ type: "entries", changed, removed }, nowMs);
    this.#finish(nowMs);
  }

  has(address: string): boolean {
    return this.#entries.has(address);
  }

  /** It knows the address, and that it may not have it any more. */
  readonly isDeparting = (address: string): boolean =>
    this.#entries.get(address)?.candidates.includes(this.name) === false;

  #hear(parcel: Parcel & { readonly type: "heartbeat" }, nowMs: number): void {
    const received = this.#receiver.receive(parcel.bytes, parcel.from, nowMs);
    if (received.ok) this.#handle({ type: "heartbeat", heartbeat: received.value }, nowMs);
  }

  #read(parcel: Parcel, isStalled: boolean, nowMs: number): void {
    if (parcel.type === "heartbeat") return;
    if (parcel.type === "refused") {
      this.#handle({ type: "refused", peerName: parcel.from }, nowMs);
      return;
    }
    this.#proof.note(nowMs);
    if (parcel.type === "nodeAnswer") {
      this.coordinator.membership.learnMac(parcel.node, parcel.mac);
      this.#handle({ type: "hostSign", peerName: parcel.node }, nowMs);
    } else if (parcel.type === "claim") {
      const peerName = this.coordinator.membership.peerByMac(parcel.mac);
      if (peerName !== undefined) {
        this.#handle({ type: "claim", address: parcel.address, peerName }, nowMs);
      }
    } else if (!isStalled) {
      // What was asked before a stall is not answered after it.
      this.#answer(parcel.address, parcel.mac);
    }
  }

  #answer(address: string, toMac: string): void {
    const owner = this.owned.has(address) ? this.name : this.standingIn.get(address);
    if (owner === undefined) return;
    this.#options.world.transmit(this.name, { type: "claim", mac: macOf(owner), address }, toMac);
  }

  #handle(event: CoordinatorEvent, nowMs: number): void {
    for (const action of this.coordinator.handle(event, nowMs)) this.#act(action, nowMs);
  }

  #act(action: CoordinatorAction, nowMs: number): void {
    const { world } = this.#options;
    switch (action.type) {
      case "sendHeartbeat":
        this.#sendHeartbeat(action.to, nowMs);
        return;
      case "announceAgain":
        this.owned.forEach(address => this.#schedule.start(address, nowMs));
        return;
      case "resolve":
        world.askNode(this.name, action.peerName);
        return;
      case "ended":
        world.ended(this.name);
        return;
      case "changed":
        return;
      default:
        this.#own(action, nowMs);
    }
  }

  #own(action: OwnershipAction, nowMs: number): void {
    const { address } = action;
    switch (action.type) {
      case "take":
        this.owned.add(address);
        this.#options.world.owns(this.name, address, true);
        this.#schedule.start(address, nowMs);
        return;
      case "standIn":
      case "endStandIn":
        this.#standIn(address, action.type === "standIn" ? action.peerName : undefined);
        return;
      case "release":
        this.owned.delete(address);
        this.#options.world.owns(this.name, address, false);
        this.#schedule.stop(address);
        return;
      case "announce":
        this.#schedule.start(address, nowMs);
        return;
      case "probe":
        this.#probe(address, action.to);
        return;
      case "owner":
    }
  }

  #standIn(address: string, peerName: string | undefined): void {
    if (peerName === undefined) this.standingIn.delete(address);
    else this.standingIn.set(address, peerName);
    this.#options.world.standsIn(this.name, address, peerName);
  }

  #probe(address: string, to: string | undefined): void {
    const { world } = this.#options;
    const parcel: Parcel = { type: "probe", mac: macOf(this.name), address };
    if (to === undefined) world.transmit(this.name, parcel);
    for (const mac of to === undefined ? [] : this.coordinator.membership.macsOf(to)) {
      world.transmit(this.name, parcel, mac);
    }
  }

  #sendHeartbeat(to: string | undefined, nowMs: number): void {
    this.#counter += 1n;
    const nodeId = toNodeId(this.name);
    const header = { keyNumber: 0, nodeId, bootId: this.#bootId, counter: this.#counter };
    const body = this.coordinator.membership.heartbeatBody(nowMs);
    const bytes = encodeHeartbeat(header, body, undefined);
    const peers = to === undefined ? this.#options.names : [to];
    for (const peer of peers) {
      if (peer !== this.name) this.#options.world.sendHeartbeat(this.name, peer, bytes);
    }
  }

  #finish(nowMs: number): void {
    const { world, names } = this.#options;
    if (this.#hasCarrier && this.#proof.takeAsk(nowMs)) {
      for (const node of [GATEWAY, ...names])
        if (node !== this.name) world.askNode(this.name, node);
    }
    const isReady = this.#hasCarrier && this.#proof.isProven(nowMs);
    this.#handle({ type: "link", isReady }, nowMs);
    for (let due = this.#schedule.take(nowMs); due; due = this.#schedule.take(nowMs)) {
      world.announced(this.name, due.item);
      world.transmit(this.name, { type: "claim", mac: macOf(this.name), address: due.item });
    }
    this.#wakeMs = Math.min(
      this.coordinator.nextDeadlineMs() ?? Infinity,
      this.#schedule.nextDeadlineMs() ?? Infinity,
      this.#hasCarrier ? this.#proof.nextDeadlineMs(nowMs) : Infinity,
    );
  }
}
