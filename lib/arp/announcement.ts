/** Gratuitous ARP: the two forms in which an owner tells a segment about its address, and when each is sent. */
import type { AnnouncementRefresh, AnnouncementRound } from "../net/announcement-schedule";
import type { IpAddress } from "../net/ip-address";
import { BROADCAST_MAC, ZERO_MAC, type MacAddress } from "../net/mac-address";
import { ArpOperation } from "./constants";
import { encodeArpFrame } from "./message";

/**
 * `announcement`: request form with target hardware address zero (RFC 5227 §2.3, RFC 5944 §4.6).
 * `gratuitousReply`: reply form for stacks that look only at replies; its target hardware address is the sender's, or Linux
 * does not take it for gratuitous and ignores it within a second of the last change. `refresh`: an announcement, and more if the
 * driver likes.
 */
export type ArpAnnouncementForm = "announcement" | "gratuitousReply" | "refresh";

/** Rounds after gaining an address: they outlast one-second update locks and the loss of single frames. */
export const ARP_ANNOUNCEMENT_ROUNDS: readonly AnnouncementRound<ArpAnnouncementForm>[] = [
  { afterMs: 0, form: "announcement" },
  { afterMs: 50, form: "gratuitousReply" },
  { afterMs: 150, form: "announcement" },
  { afterMs: 400, form: "announcement" },
  { afterMs: 900, form: "announcement" },
  { afterMs: 2000, form: "announcement" },
  { afterMs: 3100, form: "announcement" },
  { afterMs: 4200, form: "announcement" },
];

/** Ever after: switches forget addresses, and whoever missed all rounds learns it in the end. */
export const ARP_ANNOUNCEMENT_REFRESH: AnnouncementRefresh<ArpAnnouncementForm> = {
  form: "refresh",
  everyMs: 10_000,
};

/** The broadcast frame of 42 octets that says "`address` is at `mac`" in the given form. */
export function encodeArpAnnouncement(
  form: ArpAnnouncementForm,
  mac: MacAddress,
  address: IpAddress,
): Uint8Array {
  const isReply = form === "gratuitousReply";
  return encodeArpFrame({
    destination: BROADCAST_MAC,
    // Ethernet source = sender hardware address, or ARP inspection drops the frame.
    source: mac,
    operation: isReply ? ArpOperation.reply : ArpOperation.request,
    senderHardwareAddress: mac,
    senderProtocolAddress: address,
    targetHardwareAddress: isReply ? mac : ZERO_MAC,
    targetProtocolAddress: address,
  });
}

/**
 * The frame of 42 octets that asks who has `address` without touching anybody's neighbor table: an ARP probe (RFC 5227 §1.1),
 * sender protocol address zero. To one station, or to all.
 */
export function encodeArpProbe(
  mac: MacAddress,
  address: IpAddress,
  destination: MacAddress = BROADCAST_MAC,
): Uint8Array {
  return encodeArpFrame({
    destination,
    source: mac,
    operation: ArpOperation.request,
    senderHardwareAddress: mac,
    senderProtocolAddress: { family: "ipv4", value: 0n },
    targetHardwareAddress: ZERO_MAC,
    targetProtocolAddress: address,
  });
}

/**
 * The frame of 42 octets in which the owner of `address` asks for `neighbor`'s MAC address: whoever it reaches corrects its table
 * by the sender fields before it looks at the operation (RFC 826), also where gratuitous ARP is ignored, and the answer proves it.
 * To one station, or to all.
 */
export function encodeArpDirectedRequest(
  mac: MacAddress,
  address: IpAddress,
  neighbor: IpAddress,
  destination: MacAddress = BROADCAST_MAC,
): Uint8Array {
  return encodeArpFrame({
    destination,
    source: mac,
    operation: ArpOperation.request,
    senderHardwareAddress: mac,
    senderProtocolAddress: address,
    targetHardwareAddress: ZERO_MAC,
    targetProtocolAddress: neighbor,
  });
}
