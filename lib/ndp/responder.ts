/**
 * Answers Neighbor Solicitations of one interface for the addresses this node owns there: address resolution, unreachability
 * detection (unicast) and duplicate address detection. Owns no socket: the driver hands in each received frame and, when the
 * outcome is `answered`, sends `reply`.
 */
import {
  ETHERNET_DESTINATION_OFFSET,
  ETHERNET_SOURCE_OFFSET,
  copyMac,
  isMacAt,
  isStationAt,
  viewOf,
  writeMac,
} from "../net/ethernet";
import { toAddressBytes, type IpAddress } from "../net/ip-address";
import type { MacAddress } from "../net/mac-address";
import { ALL_NODES_ADDRESS, ALL_NODES_MAC, encodeUnsolicitedAdvertisement } from "./announcement";
import { checksumIcmpv6 } from "./checksum";
import {
  AdvertisementFlag,
  Icmpv6Type,
  LINK_LAYER_OPTION_LENGTH_OCTETS,
  NEIGHBOR_MESSAGE_LENGTH_OCTETS,
  NdpOffset,
  NdpOption,
} from "./constants";
import { readIpv6Key, toIpv6Key } from "./message";
import {
  findLinkLayerAddress,
  findNdpProblem,
  isUnspecifiedAt,
  type NdpProblem,
} from "./validation";

/** Counts of one address, shared by all interfaces it is announced on. */
export interface NdpAddressCounters {
  requestsReceived: number;
  responsesSent: number;
}

/**
 * What became of a frame. `answered`: send `reply`. The others are silence: a violated rule of RFC 4861 §7.1,
 * `otherDestination` (another station's MAC), `badSender` (a link-layer address that is a group or zero), `claimedByOther`
 * (somebody else says that one of our addresses is his), `notRequest`, `notAnnounced`.
 */
export type NdpOutcome =
  | "answered"
  | NdpProblem
  | "otherDestination"
  | "badSender"
  | "claimedByOther"
  | "notRequest"
  | "notAnnounced";

interface OwnedAddress {
  readonly counters: NdpAddressCounters;
  /** What the answers say. */
  readonly mac: MacAddress;
}

export class NdpResponder {
  /** The answer to the last frame that was `answered`: 86 octets, overwritten by the next. */
  readonly reply: Uint8Array;
  readonly #reply: DataView;
  readonly #owned = new Map<string, OwnedAddress>();
  readonly #mac: MacAddress;

  /** `mac` is the interface's own address; a changed one needs a new responder. */
  constructor(mac: MacAddress) {
    this.#mac = mac;
    this.reply = encodeUnsolicitedAdvertisement(mac, { family: "ipv6", value: 0n });
    this.#reply = viewOf(this.reply);
  }

  /** Answers for the address from the next frame on; `mac`: in the place of the station that has it. */
  add(address: IpAddress, counters: NdpAddressCounters, mac: MacAddress = this.#mac): void {
    this.#owned.set(toIpv6Key(address), { counters, mac });
  }

  /** Is silent about the address from the next frame on. */
  remove(address: IpAddress): void {
    this.#owned.delete(toIpv6Key(address));
  }

  /** Judges the first `lengthOctets` octets of `frame`, an Ethernet frame; whatever they are, it never throws. */
  handle(frame: DataView, lengthOctets: number): NdpOutcome {
    const problem = findNdpProblem(frame, lengthOctets);
    if (problem !== undefined) return problem;
    if (!this.#isForUs(frame)) return "otherDestination";
    const owned = this.#owned.get(readIpv6Key(frame, NdpOffset.target));
    if (frame.getUint8(NdpOffset.type) !== Icmpv6Type.neighborSolicitation) {
      return owned !== undefined && this.#isForeignAdvertisement(frame)
        ? "claimedByOther"
        : "notRequest";
    }
    if (this.#isForeignSource(frame)) return "claimedByOther";
    return owned === undefined ? "notAnnounced" : this.#answer(frame, owned);
  }

  /** Any multicast, or our own MAC: a promiscuous interface shows other stations' frames too. */
  #isForUs(frame: DataView): boolean {
    const isGroup = (frame.getUint8(ETHERNET_DESTINATION_OFFSET) & 1) === 1;
    return isGroup || this.#isOurMacAt(frame, ETHERNET_DESTINATION_OFFSET);
  }

  #isOurMacAt(frame: DataView, offset: number): boolean {
    return isMacAt(frame, offset, this.#reply, ETHERNET_SOURCE_OFFSET);
  }

  #isForeignAdvertisement(frame: DataView): boolean {
    const macOffset = findLinkLayerAddress(frame, NdpOption.targetLinkLayerAddress);
    return !this.#isOurMacAt(frame, macOffset === 0 ? ETHERNET_SOURCE_OFFSET : macOffset);
  }

  /** Somebody solicits from one of our addresses. */
  #isForeignSource(frame: DataView): boolean {
    return (
      this.#owned.has(readIpv6Key(frame, NdpOffset.source)) &&
      !this.#isOurMacAt(frame, ETHERNET_SOURCE_OFFSET)
    );
  }

  #answer(frame: DataView, { counters, mac }: OwnedAddress): NdpOutcome {
    const isDad = isUnspecifiedAt(frame, NdpOffset.source);
    const optionOffset = findLinkLayerAddress(frame, NdpOption.sourceLinkLayerAddress);
    const askerOffset = optionOffset === 0 ? ETHERNET_SOURCE_OFFSET : optionOffset;
    if (!isStationAt(frame, askerOffset)) return "badSender";
    counters.requestsReceived += 1;
    const reply = this.#reply;
    if (isDad) {
      // RFC 4861 §7.2.4: the asker has no address yet, all nodes hear that this one is taken.
      writeMac(reply, ETHERNET_DESTINATION_OFFSET, ALL_NODES_MAC);
      this.reply.set(ALL_NODES_OCTETS, NdpOffset.destination);
    } else {
      copyMac(frame, askerOffset, reply, ETHERNET_DESTINATION_OFFSET);
      copyAddress(frame, NdpOffset.source, reply, NdpOffset.destination);
    }
    copyAddress(frame, NdpOffset.target, reply, NdpOffset.source);
    copyAddress(frame, NdpOffset.target, reply, NdpOffset.target);
    writeMac(reply, NdpOffset.options + 2, mac);
    const solicited = isDad ? 0 : AdvertisementFlag.solicited;
    // Override also in solicited answers: without it Linux keeps the address it has cached.
    reply.setUint8(NdpOffset.flags, solicited | AdvertisementFlag.override);
    reply.setUint16(NdpOffset.checksum, 0);
    reply.setUint16(NdpOffset.checksum, checksumIcmpv6(reply, REPLY_MESSAGE_OCTETS));
    counters.responsesSent += 1;
    return "answered";
  }
}

const REPLY_MESSAGE_OCTETS = NEIGHBOR_MESSAGE_LENGTH_OCTETS + LINK_LAYER_OPTION_LENGTH_OCTETS;
const ALL_NODES_OCTETS = toAddressBytes(ALL_NODES_ADDRESS);

function copyAddress(from: DataView, fromOffset: number, to: DataView, toOffset: number): void {
  for (let index = 0; index < 16; index += 4) {
    to.setUint32(toOffset + index, from.getUint32(fromOffset + index));
  }
}
