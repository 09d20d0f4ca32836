/**
 * What the frames of one interface say beside being requests to us: that others are there at all, who claims an address of the
 * cluster, who asks for one, who has learnt from us. Looked at after a frame was answered, and for valid frames only.
 */
import { ArpOffset, ArpOperation } from "../lib/arp/constants";
import type { ArpOutcome } from "../lib/arp/responder";
import { SegmentProof } from "../lib/liveness/segment-proof";
import { DEFAULT_MEMBERSHIP_TIMERS } from "../lib/liveness/timers";
import { ETHERNET_SOURCE_OFFSET, readMac } from "../lib/net/ethernet";
import { fromAddressBytes } from "../lib/net/ip-address";
import { isSameMac, type MacAddress } from "../lib/net/mac-address";
import { Icmpv6Type, NdpOffset, NdpOption } from "../lib/ndp/constants";
import { readIpv6Key } from "../lib/ndp/message";
import type { NdpOutcome } from "../lib/ndp/responder";
import { findLinkLayerAddress, isUnspecifiedAt } from "../lib/ndp/validation";
import type { JudgedInterface } from "./interface-table";
import type { SegmentWatch, Sender } from "./segment-watch";

/** A frame of another host that says something about an address. */
export interface HeardSender extends Sender {
  readonly mac: MacAddress;
  readonly link: JudgedInterface;
}

export interface FrameListenerOptions {
  readonly link: JudgedInterface;
  readonly watch: SegmentWatch;
  readonly onSender: (sender: HeardSender) => void;
  /** A neighbor, by its number or key, answered to one of our addresses: it knows where that is. */
  readonly onConfirmed: (address: string, neighborKey: number | string) => void;
}

export class FrameListener {
  /** Whether frames of others arrive. */
  readonly proof = new SegmentProof(DEFAULT_MEMBERSHIP_TIMERS);
  readonly #options: FrameListenerOptions;

  constructor(options: FrameListenerOptions) {
    this.#options = options;
  }

  noteArp(frame: DataView, outcome: ArpOutcome, nowMs: number): void {
    if (NO_SENDERS.has(outcome)) return;
    this.proof.note(nowMs);
    const { watch, onConfirmed } = this.#options;
    const senderKey = frame.getUint32(ArpOffset.senderProtocolAddress);
    const target = watch.ipv4Claim(frame.getUint32(ArpOffset.targetProtocolAddress));
    const sender = watch.ipv4Sender(senderKey);
    if (sender !== undefined) {
      this.#hear(sender, readMac(frame, ArpOffset.senderHardwareAddress));
    }
    if (target === undefined || sender?.claimed !== undefined) return;
    const isRequest = frame.getUint16(ArpOffset.operation) === ArpOperation.request;
    if (!isRequest) onConfirmed(target, senderKey);
    // RFC 5227 §1.1: a probe has no sender protocol address.
    else if (senderKey === 0) {
      this.#hear({ asked: target }, readMac(frame, ArpOffset.senderHardwareAddress));
    } else this.#noteIpv4Asker(frame, target, nowMs);
  }

  noteNdp(frame: DataView, outcome: NdpOutcome, nowMs: number): void {
    if (!SAID_BY_SOMEBODY.has(outcome)) return;
    this.proof.note(nowMs);
    const { watch } = this.#options;
    const targetKey = readIpv6Key(frame, NdpOffset.target);
    if (frame.getUint8(NdpOffset.type) === Icmpv6Type.neighborSolicitation) {
      this.#noteSolicitation(frame, watch.ipv6Claim(targetKey), nowMs);
      return;
    }
    const sender = watch.ipv6Sender(targetKey);
    const macOffset = findLinkLayerAddress(frame, NdpOption.targetLinkLayerAddress);
    const offset = macOffset === 0 ? ETHERNET_SOURCE_OFFSET : macOffset;
    if (sender !== undefined) this.#hear(sender, readMac(frame, offset));
    const asker = watch.ipv6Claim(readIpv6Key(frame, NdpOffset.destination));
    if (asker !== undefined) this.#options.onConfirmed(asker, targetKey);
  }

  /** Who solicits from an address has it; from `::` it wants to have the target (RFC 4862 §5.4). */
  #noteSolicitation(frame: DataView, target: string | undefined, nowMs: number): void {
    if (isUnspecifiedAt(frame, NdpOffset.source)) {
      if (target === undefined) return;
      this.#hear({ asked: target }, readMac(frame, ETHERNET_SOURCE_OFFSET));
      return;
    }
    const sender = this.#options.watch.ipv6Sender(readIpv6Key(frame, NdpOffset.source));
    if (sender !== undefined) this.#hear(sender, readMac(frame, ETHERNET_SOURCE_OFFSET));
    if (target === undefined || sender?.claimed !== undefined) return;
    this.#noteIpv6Asker(frame, target, nowMs);
  }

  #noteIpv4Asker(frame: DataView, asked: string, nowMs: number): void {
    const { watch, link } = this.#options;
    const key = frame.getUint32(ArpOffset.senderProtocolAddress);
    const question = {
      asked,
      interfaceIndex: link.index,
      key,
      toAddress: () => ({ family: "ipv4", value: BigInt(key) }) as const,
      frame,
      macOffset: ArpOffset.senderHardwareAddress,
    };
    watch.askers.note(question, nowMs);
  }

  #noteIpv6Asker(frame: DataView, asked: string, nowMs: number): void {
    const { watch, link } = this.#options;
    const question = {
      asked,
      interfaceIndex: link.index,
      key: readIpv6Key(frame, NdpOffset.source),
      toAddress: () => {
        const start = frame.byteOffset + NdpOffset.source;
        return fromAddressBytes(new Uint8Array(frame.buffer, start, 16));
      },
      frame,
      macOffset: ETHERNET_SOURCE_OFFSET,
    };
    watch.askers.note(question, nowMs);
  }

  #hear(sender: Sender, mac: MacAddress): void {
    const { link, watch, onSender } = this.#options;
    // Of our own claims only those of a stand-in come back: what it answered for in our place is ours.
    if (isSameMac(mac, link.mac) && sender.claimed === undefined) return;
    if (sender.neighbor !== undefined) watch.noteMac(sender.neighbor, mac);
    onSender({ ...sender, mac, link });
  }
}

/** Outcomes of ARP frames whose sender is not to be believed. */
const NO_SENDERS: ReadonlySet<ArpOutcome> = new Set([
  "truncated",
  "unsupported",
  "otherDestination",
  "badSender",
]);

/** Outcomes of valid neighbor messages that are for us. */
const SAID_BY_SOMEBODY: ReadonlySet<NdpOutcome> = new Set([
  "answered",
  "notRequest",
  "notAnnounced",
  "claimedByOther",
]);
