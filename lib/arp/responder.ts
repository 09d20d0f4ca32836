/**
 * Answers ARP requests of one interface for the addresses this node owns there. Owns no socket: the driver hands in each
 * received frame and, when the outcome is `answered`, sends `reply`. Nothing is allocated and nothing searched per frame:
 * one hash lookup, the same for one address and for ten thousand.
 */
import {
  ETHERNET_DESTINATION_OFFSET,
  ETHERNET_SOURCE_OFFSET,
  copyMac,
  isBroadcastAt,
  isMacAt,
  isStationAt,
  viewOf,
  writeMac,
} from "../net/ethernet";
import type { IpAddress } from "../net/ip-address";
import type { MacAddress } from "../net/mac-address";
import { ARP_FRAME_LENGTH_OCTETS, ArpOffset, ArpOperation } from "./constants";
import { encodeArpFrame, isEthernetIpv4Arp, toIpv4Key } from "./message";

/** Counts of one address, shared by all interfaces it is announced on. */
export interface ArpAddressCounters {
  requestsReceived: number;
  responsesSent: number;
}

/**
 * What became of a frame. `answered`: send `reply`. The others are silence: `truncated`, `unsupported` (no ARP for IPv4 over
 * Ethernet), `otherDestination` (neither broadcast nor our MAC), `badSender` (the sender's hardware address is a group or
 * zero), `claimedByOther` (somebody else says that one of our addresses is his: RFC 5227 §2.4), `notRequest`, `notAnnounced`.
 */
export type ArpOutcome =
  | "answered"
  | "truncated"
  | "unsupported"
  | "otherDestination"
  | "badSender"
  | "claimedByOther"
  | "notRequest"
  | "notAnnounced";

interface OwnedAddress {
  readonly counters: ArpAddressCounters;
  /** What the answers say. */
  readonly mac: MacAddress;
}

export class ArpResponder {
  /** The answer to the last frame that was `answered`: 42 octets, overwritten by the next. */
  readonly reply: Uint8Array;
  readonly #reply: DataView;
  readonly #owned = new Map<number, OwnedAddress>();
  readonly #mac: MacAddress;

  /** `mac` is the interface's own address; a changed one needs a new responder. */
  constructor(mac: MacAddress) {
    this.#mac = mac;
    const unset: IpAddress = { family: "ipv4", value: 0n };
    this.reply = encodeArpFrame({
      destination: mac,
      source: mac,
      operation: ArpOperation.reply,
      senderHardwareAddress: mac,
      senderProtocolAddress: unset,
      targetHardwareAddress: mac,
      targetProtocolAddress: unset,
    });
    this.#reply = viewOf(this.reply);
  }

  /** Answers for the address from the next frame on; `mac`: in the place of the station that has it. */
  add(address: IpAddress, counters: ArpAddressCounters, mac: MacAddress = this.#mac): void {
    this.#owned.set(toIpv4Key(address), { counters, mac });
  }

  /** Is silent about the address from the next frame on. */
  remove(address: IpAddress): void {
    this.#owned.delete(toIpv4Key(address));
  }

  /** Judges the first `lengthOctets` octets of `frame`, an Ethernet frame; whatever they are, it never throws. */
  handle(frame: DataView, lengthOctets: number): ArpOutcome {
    const refusal = this.#refuse(frame, lengthOctets);
    if (refusal !== undefined) return refusal;
    if (this.#isClaim(frame)) return "claimedByOther";
    if (frame.getUint16(ArpOffset.operation) !== ArpOperation.request) return "notRequest";
    const owned = this.#owned.get(frame.getUint32(ArpOffset.targetProtocolAddress));
    if (owned === undefined) return "notAnnounced";
    owned.counters.requestsReceived += 1;
    this.#writeReply(frame, owned.mac);
    owned.counters.responsesSent += 1;
    return "answered";
  }

  #refuse(frame: DataView, lengthOctets: number): ArpOutcome | undefined {
    if (lengthOctets < ARP_FRAME_LENGTH_OCTETS) return "truncated";
    if (!isEthernetIpv4Arp(frame)) return "unsupported";
    const isForUs =
      isBroadcastAt(frame, ETHERNET_DESTINATION_OFFSET) ||
      isMacAt(frame, ETHERNET_DESTINATION_OFFSET, this.#reply, ETHERNET_SOURCE_OFFSET);
    if (!isForUs) return "otherDestination";
    return isStationAt(frame, ArpOffset.senderHardwareAddress) ? undefined : "badSender";
  }

  /** A sender protocol address that we own, from a MAC that is not ours. */
  #isClaim(frame: DataView): boolean {
    return (
      this.#owned.has(frame.getUint32(ArpOffset.senderProtocolAddress)) &&
      !isMacAt(frame, ArpOffset.senderHardwareAddress, this.#reply, ETHERNET_SOURCE_OFFSET)
    );
  }

  /** RFC 826: the request with sender and target exchanged and our hardware address filled in. */
  #writeReply(request: DataView, mac: MacAddress): void {
    const { senderHardwareAddress, senderProtocolAddress } = ArpOffset;
    const { targetHardwareAddress, targetProtocolAddress } = ArpOffset;
    const reply = this.#reply;
    copyMac(request, senderHardwareAddress, reply, ETHERNET_DESTINATION_OFFSET);
    copyMac(request, senderHardwareAddress, reply, targetHardwareAddress);
    writeMac(reply, senderHardwareAddress, mac);
    reply.setUint32(senderProtocolAddress, request.getUint32(targetProtocolAddress));
    reply.setUint32(targetProtocolAddress, request.getUint32(senderProtocolAddress));
  }
}
