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
import { ArpOffset } from "../lib/arp/constants";
import { ArpResponder, type ArpOutcome } from "../lib/arp/responder";
import { SegmentProof } from "../lib/liveness/segment-proof";
import { DEFAULT_MEMBERSHIP_TIMERS } from "../lib/liveness/timers";
import { AnnouncementSchedule } from "../lib/net/announcement-schedule";
import { ETHERNET_SOURCE_OFFSET, EtherType, readMac } from "../lib/net/ethernet";
import { isSameMac, type MacAddress } from "../lib/net/mac-address";
import type { IpAddress } from "../lib/net/ip-address";
import {
  NDP_ANNOUNCEMENT_REFRESH,
  NDP_ANNOUNCEMENT_ROUNDS,
  encodeNeighborProbe,
  encodeUnsolicitedAdvertisement,
  type NdpAnnouncementForm,
} from "../lib/ndp/announcement";
import { Icmpv6Type, NdpOffset, NdpOption } from "../lib/ndp/constants";
import { readIpv6Key } from "../lib/ndp/message";
import { NdpResponder, type NdpOutcome } from "../lib/ndp/responder";
import { findLinkLayerAddress, isUnspecifiedAt } from "../lib/ndp/validation";
import type { JudgedInterface } from "./interface-table";
import { ANNOUNCEMENTS_PER_TURN, FRAMES_PER_TURN, FRAME_OCTETS, JOINS_PER_TURN } from "./limits";
import { GroupMemberships } from "./multicast";
import { PacketSocket } from "./packet-socket";
import type { Sender, SegmentWatch } from "./segment-watch";
import type { Sockets, SystemError } from "./sockets";

/** An address and its counts, shared by all interfaces it is announced on. */
export interface AnnouncedAddress {
  readonly address: IpAddress;
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
  sendErrors: number;
}

/** A frame of another host that says "this address is mine". */
export interface HeardSender extends Sender {
  readonly mac: MacAddress;
  readonly link: JudgedInterface;
  /** Text of an address of the cluster that it only asks about: it may want to use it. */
  readonly asked?: string;
}

/** What all interfaces share. */
export interface ResponderSurroundings {
  readonly counters: FrameCounters;
  readonly watch: SegmentWatch;
  readonly onSender: (sender: HeardSender) => void;
}

export interface ResponderFilters {
  readonly arp: Uint8Array;
  readonly ndp: Uint8Array;
}

export class LinkResponder {
  readonly link: JudgedInterface;
  /** Whether frames of others arrive. */
  readonly proof = new SegmentProof(DEFAULT_MEMBERSHIP_TIMERS);
  readonly #counters: FrameCounters;
  readonly #surroundings: ResponderSurroundings;
  readonly #arpSocket: PacketSocket;
  readonly #ndpSocket: PacketSocket;
  readonly #arp: ArpResponder;
  readonly #ndp: NdpResponder;
  readonly #groups: GroupMemberships;
  readonly #arpSchedule = new AnnouncementSchedule<AnnouncedAddress, ArpAnnouncementForm>(
    ARP_ANNOUNCEMENT_ROUNDS,
    ARP_ANNOUNCEMENT_REFRESH,
  );
  readonly #ndpSchedule = new AnnouncementSchedule<AnnouncedAddress, NdpAnnouncementForm>(
    NDP_ANNOUNCEMENT_ROUNDS,
    NDP_ANNOUNCEMENT_REFRESH,
  );
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
  }

  get arpFd(): number {
    return this.#arpSocket.fd;
  }

  get ndpFd(): number {
    return this.#ndpSocket.fd;
  }

  /** Answers for the address from now on and begins to announce it. */
  own(announced: AnnouncedAddress, nowMs: number): void {
    if (announced.address.family === "ipv4") {
      this.#arp.add(announced.address, announced.counters);
    } else {
      this.#ndp.add(announced.address, announced.counters);
      this.#groups.add(announced.address);
    }
    this.announceAgain(announced, nowMs);
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
      this.#noteArp(outcome, nowMs);
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
      this.#noteNdp(outcome, nowMs);
    }
  }

  /** Asks who has the address: one station, or everybody. */
  probe(address: IpAddress, destination?: MacAddress): void {
    if (address.family === "ipv4") {
      this.#send(this.#arpSocket, encodeArpProbe(this.link.mac, address, destination));
    } else this.#send(this.#ndpSocket, encodeNeighborProbe(this.link.mac, address, destination));
  }

  /** Sends the announcements that are due, up to a turn's share. */
  sendDue(nowMs: number): void {
    for (let left = ANNOUNCEMENTS_PER_TURN; left > 0; left -= 1) {
      const due = this.#arpSchedule.take(nowMs);
      if (due === undefined) break;
      const frame = encodeArpAnnouncement(due.form, this.link.mac, due.item.address);
      this.#announce(this.#arpSocket, due.item, frame);
    }
    for (let left = ANNOUNCEMENTS_PER_TURN; left > 0; left -= 1) {
      const due = this.#ndpSchedule.take(nowMs);
      if (due === undefined) break;
      const frame = encodeUnsolicitedAdvertisement(this.link.mac, due.item.address);
      this.#announce(this.#ndpSocket, due.item, frame);
    }
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
    return arpMs === undefined || ndpMs === undefined ? (arpMs ?? ndpMs) : Math.min(arpMs, ndpMs);
  }

  #noteArp(outcome: ArpOutcome, nowMs: number): void {
    if (NO_SENDERS.has(outcome)) return;
    this.proof.note(nowMs);
    const frame = this.#frameView;
    const { watch } = this.#surroundings;
    const senderKey = frame.getUint32(ArpOffset.senderProtocolAddress);
    // RFC 5227 §1.1: a probe has no sender protocol address.
    const asked =
      senderKey === 0
        ? watch.ipv4Claim(frame.getUint32(ArpOffset.targetProtocolAddress))
        : undefined;
    const sender = asked === undefined ? watch.ipv4Sender(senderKey) : { asked };
    if (sender === undefined) return;
    this.#hear(sender, readMac(frame, ArpOffset.senderHardwareAddress));
  }

  #noteNdp(outcome: NdpOutcome, nowMs: number): void {
    const isValid =
      outcome === "answered" || outcome === "notRequest" || outcome === "claimedByOther";
    if (!isValid) return;
    this.proof.note(nowMs);
    const frame = this.#frameView;
    const target = this.#surroundings.watch.ipv6Claim(readIpv6Key(frame, NdpOffset.target));
    if (frame.getUint8(NdpOffset.type) === Icmpv6Type.neighborSolicitation) {
      this.#noteSolicitation(frame, target);
      return;
    }
    if (target === undefined) return;
    const macOffset = findLinkLayerAddress(frame, NdpOption.targetLinkLayerAddress);
    const offset = macOffset === 0 ? ETHERNET_SOURCE_OFFSET : macOffset;
    this.#hear({ claimed: target }, readMac(frame, offset));
  }

  /** Who solicits from an address has it; from `::` it wants to have the target (RFC 4862 §5.4). */
  #noteSolicitation(frame: DataView, target: string | undefined): void {
    if (isUnspecifiedAt(frame, NdpOffset.source)) {
      if (target === undefined) return;
      this.#hear({ asked: target }, readMac(frame, ETHERNET_SOURCE_OFFSET));
      return;
    }
    const claimed = this.#surroundings.watch.ipv6Claim(readIpv6Key(frame, NdpOffset.source));
    if (claimed === undefined) return;
    this.#hear({ claimed }, readMac(frame, ETHERNET_SOURCE_OFFSET));
  }

  #hear(sender: Sender & { readonly asked?: string }, mac: MacAddress): void {
    if (isSameMac(mac, this.link.mac)) return;
    this.#surroundings.onSender({ ...sender, mac, link: this.link });
  }

  close(): void {
    this.#arpSocket.close();
    this.#ndpSocket.close();
    this.#groups.close();
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

/** Outcomes of frames whose sender is not to be believed. */
const NO_SENDERS: ReadonlySet<ArpOutcome> = new Set([
  "truncated",
  "unsupported",
  "otherDestination",
  "badSender",
]);

function count(counters: Record<string, number>, outcome: string): void {
  counters[outcome] = (counters[outcome] ?? 0) + 1;
}
