/**
 * One interface at work: its ARP and NDP sockets, their responders, the announcements that wait for their time, the multicast
 * groups. Lives from the moment the interface is usable until it is not, or has another MAC address; then a new one begins.
 */
import {
  ARP_ANNOUNCEMENT_REFRESH,
  ARP_ANNOUNCEMENT_ROUNDS,
  encodeArpAnnouncement,
  encodeArpProbe,
  type ArpAnnouncementForm,
} from "../lib/arp/announcement";
import { ArpResponder } from "../lib/arp/responder";
import type { SegmentProof } from "../lib/liveness/segment-proof";
import {
  AnnouncementSchedule,
  DEFAULT_ANNOUNCEMENT_RATES,
  type AnnouncementRefresh,
} from "../lib/net/announcement-schedule";
import { EtherType } from "../lib/net/ethernet";
import type { IpAddress } from "../lib/net/ip-address";
import type { MacAddress } from "../lib/net/mac-address";
import type { TokenBucket } from "../lib/net/token-bucket";
import {
  NDP_ANNOUNCEMENT_REFRESH,
  NDP_ANNOUNCEMENT_ROUNDS,
  encodeDirectedSolicitation,
  encodeNeighborProbe,
  encodeUnsolicitedAdvertisement,
  type NdpAnnouncementForm,
} from "../lib/ndp/announcement";
import { NdpResponder } from "../lib/ndp/responder";
import { DirectedRequests, type DirectedTarget } from "./directed-requests";
import { FrameListener, type HeardSender } from "./frame-listener";
import type { JudgedInterface } from "./interface-table";
import { ANNOUNCEMENTS_PER_TURN, FRAMES_PER_TURN, FRAME_OCTETS, JOINS_PER_TURN } from "./limits";
import { GroupMemberships } from "./multicast";
import { PacketSocket } from "./packet-socket";
import type { SegmentWatch } from "./segment-watch";
import type { Sockets, SystemError } from "./sockets";

/** An address and its counts, shared by all interfaces it is announced on. */
export interface AnnouncedAddress {
  readonly address: IpAddress;
  readonly text: string;
  readonly counters: {
    requestsReceived: number;
    responsesSent: number;
    gratuitousSent: number;
  };
}

/** Counts of the whole thread, shared by all interfaces. */
export interface FrameCounters {
  readonly arp: Record<string, number>;
  readonly ndp: Record<string, number>;
  /** Requests that tell neighbors by name where an address is, and those that were answered. */
  readonly directed: { sent: number; confirmed: number };
  sendErrors: number;
}

/** What all interfaces share. */
export interface ResponderSurroundings {
  readonly counters: FrameCounters;
  readonly watch: SegmentWatch;
  /** Together all interfaces refresh no more than this. */
  readonly refreshBucket: TokenBucket;
  /** Gives [0, 1). */
  readonly random: () => number;
  readonly onSender: (sender: HeardSender) => void;
}

export interface ResponderFilters {
  readonly arp: Uint8Array;
  readonly ndp: Uint8Array;
}

export class LinkResponder {
  readonly link: JudgedInterface;
  /** From where neighbors are solicited; undefined while the interface has no usable one. */
  linkLocal: IpAddress | undefined;
  /** Whether it receives, as far as somebody is there who could be asked. */
  isProven = true;
  readonly #counters: FrameCounters;
  readonly #surroundings: ResponderSurroundings;
  readonly #arpSocket: PacketSocket;
  readonly #ndpSocket: PacketSocket;
  readonly #arp: ArpResponder;
  readonly #ndp: NdpResponder;
  readonly #groups: GroupMemberships;
  readonly #listener: FrameListener;
  readonly #directed: DirectedRequests;
  readonly #arpSchedule: AnnouncementSchedule<AnnouncedAddress, ArpAnnouncementForm>;
  readonly #ndpSchedule: AnnouncementSchedule<AnnouncedAddress, NdpAnnouncementForm>;
  readonly #frame = Buffer.alloc(FRAME_OCTETS);
  readonly #frameView = new DataView(this.#frame.buffer, this.#frame.byteOffset, FRAME_OCTETS);

  /** Throws `SystemError` when the interface vanished meanwhile, or without CAP_NET_RAW. */
  constructor(
    sockets: Sockets,
    link: JudgedInterface,
    filters: ResponderFilters,
    surroundings: ResponderSurroundings,
  ) {
    this.link = link;
    this.#surroundings = surroundings;
    this.#counters = surroundings.counters;
    this.linkLocal = link.linkLocal;
    const interfaceIndex = link.index;
    this.#arpSocket = new PacketSocket(sockets, {
      interfaceIndex,
      etherType: EtherType.arp,
      filter: filters.arp,
    });
    try {
      this.#ndpSocket = new PacketSocket(sockets, {
        interfaceIndex,
        etherType: EtherType.ipv6,
        filter: filters.ndp,
      });
    } catch (error) {
      this.#arpSocket.close();
      throw error;
    }
    this.#arp = new ArpResponder(link.mac);
    this.#ndp = new NdpResponder(link.mac);
    this.#groups = new GroupMemberships(sockets, interfaceIndex);
    this.#directed = new DirectedRequests(link.mac);
    this.#listener = new FrameListener({
      link,
      watch: surroundings.watch,
      onSender: surroundings.onSender,
      onConfirmed: (address, neighborKey) => this.#noteConfirmed(address, neighborKey),
    });
    const { refreshBucket, random } = surroundings;
    const jitter = REFRESH_JITTER * (2 * random() - 1);
    const refresh = toRefresh(jitter);
    const rates = DEFAULT_ANNOUNCEMENT_RATES;
    this.#arpSchedule = new AnnouncementSchedule(
      ARP_ANNOUNCEMENT_ROUNDS,
      refresh(ARP_ANNOUNCEMENT_REFRESH),
      rates,
      refreshBucket,
    );
    this.#ndpSchedule = new AnnouncementSchedule(
      NDP_ANNOUNCEMENT_ROUNDS,
      refresh(NDP_ANNOUNCEMENT_REFRESH),
      rates,
      refreshBucket,
    );
  }

  /** Whether frames of others arrive. */
  get proof(): SegmentProof {
    return this.#listener.proof;
  }

  get arpFd(): number {
    return this.#arpSocket.fd;
  }

  get ndpFd(): number {
    return this.#ndpSocket.fd;
  }

  /** Answers for the address from now on and begins to announce it, to those by name who may hold another one's MAC address. */
  own(announced: AnnouncedAddress, nowMs: number): void {
    if (announced.address.family === "ipv4") {
      this.#arp.add(announced.address, announced.counters);
    } else {
      this.#ndp.add(announced.address, announced.counters);
      this.#groups.add(announced.address);
    }
    this.announceAgain(announced, nowMs);
    this.#directed.start(announced, this.#targets(announced, nowMs), nowMs);
  }

  /** Answers for the address with the MAC address of the station that has it, and announces nothing. */
  standIn({ address, counters }: AnnouncedAddress, mac: MacAddress): void {
    if (address.family === "ipv4") this.#arp.add(address, counters, mac);
    else {
      this.#ndp.add(address, counters, mac);
      this.#groups.add(address);
    }
  }

  /** Begins all rounds of announcements anew. */
  announceAgain(announced: AnnouncedAddress, nowMs: number): void {
    if (announced.address.family === "ipv4") this.#arpSchedule.start(announced, nowMs);
    else this.#ndpSchedule.start(announced, nowMs);
  }

  /** Announces once, now, beside all rounds: in defence of the address. */
  announceOnce(announced: AnnouncedAddress): void {
    const { address } = announced;
    if (address.family === "ipv4") {
      const frame = encodeArpAnnouncement("announcement", this.link.mac, address);
      this.#announce(this.#arpSocket, announced, frame);
    } else {
      const frame = encodeUnsolicitedAdvertisement(this.link.mac, address);
      this.#announce(this.#ndpSocket, announced, frame);
    }
  }

  /** Neither answers nor announces from now on; nothing is transmitted. */
  disown(announced: AnnouncedAddress): void {
    if (announced.address.family === "ipv4") {
      this.#arp.remove(announced.address);
      this.#arpSchedule.stop(announced);
    } else {
      this.#ndp.remove(announced.address);
      this.#groups.remove(announced.address);
      this.#ndpSchedule.stop(announced);
    }
    this.#directed.stop(announced.text);
  }

  setFilters(filters: ResponderFilters): void {
    this.#arpSocket.setFilter(filters.arp);
    this.#ndpSocket.setFilter(filters.ndp);
  }

  /** Answers the ARP frames that wait, up to a turn's share. */
  drainArp(nowMs: number): void {
    for (let left = FRAMES_PER_TURN; left > 0; left -= 1) {
      const length = this.#arpSocket.receive(this.#frame);
      if (length < 0) return;
      const outcome = this.#arp.handle(this.#frameView, length);
      if (outcome === "answered") this.#send(this.#arpSocket, this.#arp.reply);
      count(this.#counters.arp, outcome);
      this.#listener.noteArp(this.#frameView, outcome, nowMs);
    }
  }

  /** Answers the neighbor solicitations that wait, up to a turn's share. */
  drainNdp(nowMs: number): void {
    for (let left = FRAMES_PER_TURN; left > 0; left -= 1) {
      const length = this.#ndpSocket.receive(this.#frame);
      if (length < 0) return;
      const outcome = this.#ndp.handle(this.#frameView, length);
      if (outcome === "answered") this.#send(this.#ndpSocket, this.#ndp.reply);
      count(this.#counters.ndp, outcome);
      this.#listener.noteNdp(this.#frameView, outcome, nowMs);
    }
  }

  /** Asks who has the address: one station, or everybody. */
  probe(address: IpAddress, destination?: MacAddress): void {
    if (address.family === "ipv4") {
      this.#send(this.#arpSocket, encodeArpProbe(this.link.mac, address, destination));
    } else this.#send(this.#ndpSocket, encodeNeighborProbe(this.link.mac, address, destination));
  }

  /** Asks a neighbor for a sign of life, without a word about addresses of the cluster. */
  ask(neighbor: IpAddress): void {
    if (neighbor.family === "ipv4") this.probe(neighbor);
    else if (this.linkLocal !== undefined) {
      // Not from `::`: that would fail the duplicate address detection of a neighbor that is just coming up.
      const frame = encodeDirectedSolicitation(this.link.mac, this.linkLocal, neighbor);
      this.#send(this.#ndpSocket, frame);
    }
  }

  /** Sends the announcements that are due, up to a turn's share. */
  sendDue(nowMs: number): void {
    for (let left = ANNOUNCEMENTS_PER_TURN; left > 0; left -= 1) {
      const due = this.#arpSchedule.take(nowMs);
      if (due === undefined) break;
      if (due.form === "refresh") this.#refresh(due.item);
      const form = due.form === "refresh" ? "announcement" : due.form;
      const frame = encodeArpAnnouncement(form, this.link.mac, due.item.address);
      this.#announce(this.#arpSocket, due.item, frame);
    }
    for (let left = ANNOUNCEMENTS_PER_TURN; left > 0; left -= 1) {
      const due = this.#ndpSchedule.take(nowMs);
      if (due === undefined) break;
      if (due.form === "refresh") this.#refresh(due.item);
      const frame = encodeUnsolicitedAdvertisement(this.link.mac, due.item.address);
      this.#announce(this.#ndpSocket, due.item, frame);
    }
    this.#sendDirected(nowMs);
  }

  /** Joins multicast groups that wait, up to a turn's share; a failure to report, if any. */
  joinGroups(): SystemError | undefined {
    return this.#groups.hasPending ? this.#groups.joinPending(JOINS_PER_TURN) : undefined;
  }

  /** When there is something to do next; undefined when nothing waits. */
  nextDeadlineMs(nowMs: number): number | undefined {
    if (this.#groups.hasPending) return nowMs;
    const arpMs = this.#arpSchedule.nextDeadlineMs();
    const ndpMs = this.#ndpSchedule.nextDeadlineMs();
    const directedMs = this.#directed.nextDeadlineMs();
    const nextMs = Math.min(arpMs ?? Infinity, ndpMs ?? Infinity, directedMs ?? Infinity);
    return nextMs === Infinity ? undefined : nextMs;
  }

  close(): void {
    this.#arpSocket.close();
    this.#ndpSocket.close();
    this.#groups.close();
  }

  /** Gateways are told by name again and again: fabrics that ignore announcements learn from the request and its answer. */
  #refresh({ address }: AnnouncedAddress): void {
    for (const gateway of this.#gateways(address)) {
      this.#sendTo(address.family, this.#directed.encode(address, gateway));
      this.#surroundings.refreshBucket.charge(1);
    }
  }

  #sendDirected(nowMs: number): void {
    for (let left = ANNOUNCEMENTS_PER_TURN; left > 0; left -= 1) {
      const due = this.#directed.take(nowMs);
      if (due === undefined) return;
      this.#sendTo(due.family, due.frame);
    }
  }

  #sendTo(family: IpAddress["family"], frame: Uint8Array): void {
    if (!this.#send(family === "ipv4" ? this.#arpSocket : this.#ndpSocket, frame)) return;
    this.#counters.directed.sent += 1;
  }

  #noteConfirmed(address: string, neighborKey: number | string): void {
    if (this.#directed.confirm(address, neighborKey)) this.#counters.directed.confirmed += 1;
  }

  /** Default gateways, then those who asked for the address lately; our peers see the announcement. */
  #targets({ address, text }: AnnouncedAddress, nowMs: number): readonly DirectedTarget[] {
    const { askers } = this.#surroundings.watch;
    return [...this.#gateways(address), ...askers.of(text, this.link.index, nowMs)];
  }

  #gateways({ family }: IpAddress): readonly DirectedTarget[] {
    const { watch } = this.#surroundings;
    return watch
      .gateways(family, this.link.name)
      .map(gateway => ({ address: gateway.address, mac: watch.macOf(gateway) }));
  }

  #announce(socket: PacketSocket, announced: AnnouncedAddress, frame: Uint8Array): void {
    if (this.#send(socket, frame)) announced.counters.gratuitousSent += 1;
  }

  #send(socket: PacketSocket, frame: Uint8Array): boolean {
    const isSent = socket.send(frame);
    if (!isSent) this.#counters.sendErrors += 1;
    return isSent;
  }
}

/** A share of the refresh interval, up or down: nodes that started together do not refresh together. */
const REFRESH_JITTER = 0.1;

function toRefresh(jitter: number) {
  return <Form>({ form, everyMs }: AnnouncementRefresh<Form>): AnnouncementRefresh<Form> => ({
    form,
    everyMs: everyMs * (1 + jitter),
  });
}

function count(counters: Record<string, number>, outcome: string): void {
  counters[outcome] = (counters[outcome] ?? 0) + 1;
}
