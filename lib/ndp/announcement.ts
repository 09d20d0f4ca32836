/** Unsolicited Neighbor Advertisements: how an owner tells a segment about its address, and when. */
import type { AnnouncementRefresh, AnnouncementRound } from "../net/announcement-schedule";
import { toAddressBytes, toSolicitedNodeAddress, type IpAddress } from "../net/ip-address";
import { toMulticastMac, type MacAddress } from "../net/mac-address";
import { ALL_NODES } from "./constants";
import { encodeNeighborFrame } from "./message";

/** `refresh`: an unsolicited advertisement, and more if the driver likes. */
export type NdpAnnouncementForm = "unsolicitedAdvertisement" | "refresh";

export const ALL_NODES_ADDRESS: IpAddress = { family: "ipv6", value: ALL_NODES };
export const ALL_NODES_MAC: MacAddress = toMulticastMac(toAddressBytes(ALL_NODES_ADDRESS));

/** Rounds after gaining an address. More than RFC 4861 §7.2.6 advises, and fewer than ten: a lost one costs a failover. */
export const NDP_ANNOUNCEMENT_ROUNDS: readonly AnnouncementRound<NdpAnnouncementForm>[] = [
  0, 150, 400, 900, 2000, 3100, 4200,
].map(afterMs => ({ form: "unsolicitedAdvertisement", afterMs }));

/** Ever after: switches forget addresses, and whoever missed all rounds learns it in the end. */
export const NDP_ANNOUNCEMENT_REFRESH: AnnouncementRefresh<NdpAnnouncementForm> = {
  form: "refresh",
  everyMs: 10_000,
};

/**
 * The frame to ff02::1 that says "`address` is at `mac`": override set, so that caches replace what they hold, solicited clear
 * (RFC 4861 §7.2.6).
 */
export function encodeUnsolicitedAdvertisement(mac: MacAddress, address: IpAddress): Uint8Array {
  return encodeNeighborFrame({
    type: "advertisement",
    destinationMac: ALL_NODES_MAC,
    sourceMac: mac,
    source: address,
    destination: ALL_NODES_ADDRESS,
    isRouter: false,
    isSolicited: false,
    isOverride: true,
    target: address,
    linkLayerAddress: mac,
  });
}

/**
 * The frame that asks who has `address` without touching anybody's neighbor cache: as in duplicate address detection, from `::`
 * to the solicited-node group (RFC 4862 §5.4.2). To one station's MAC address, or to the group's.
 */
export function encodeNeighborProbe(
  mac: MacAddress,
  address: IpAddress,
  destinationMac?: MacAddress,
): Uint8Array {
  const group = toSolicitedNodeAddress(address);
  return encodeNeighborFrame({
    type: "solicitation",
    destinationMac: destinationMac ?? toMulticastMac(toAddressBytes(group)),
    sourceMac: mac,
    source: { family: "ipv6", value: 0n },
    destination: group,
    target: address,
  });
}

/**
 * The frame in which the owner of `address` solicits `neighbor`: it carries the owner's MAC address, so whoever it reaches corrects
 * its cache (RFC 4861 §7.2.3), and the answer proves it. To the neighbor's MAC address if it is known, else to the solicited-node
 * group.
 */
export function encodeDirectedSolicitation(
  mac: MacAddress,
  address: IpAddress,
  neighbor: IpAddress,
  destinationMac?: MacAddress,
): Uint8Array {
  const group = toSolicitedNodeAddress(neighbor);
  return encodeNeighborFrame({
    type: "solicitation",
    destinationMac: destinationMac ?? toMulticastMac(toAddressBytes(group)),
    sourceMac: mac,
    source: address,
    destination: destinationMac === undefined ? group : neighbor,
    target: neighbor,
    linkLayerAddress: mac,
  });
}
