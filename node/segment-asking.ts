/** Asking neighbors for a sign: whether this node hears the segment, and by which MAC addresses its peers are known there. */
import { toInterfaceNameHash, type InterfaceRecord } from "../lib/liveness/message";
import { parseIpAddress } from "../lib/net/ip-address";
import { readDefaultGateways } from "./gateways";
import type { LinkResponder } from "./link-responder";
import type { PeerAddresses } from "./packet-protocol";
import type { Neighbor, SegmentWatch } from "./segment-watch";

/** Neighbors asked at once whether this node hears the segment. */
const MAX_ASKED_NEIGHBORS = 4;

/** Default gateways first, which are no part of what can fail here, then the IPv4 addresses of the peers. */
export function findNeighbors(peers: readonly PeerAddresses[]): readonly Neighbor[] {
  const gateways = readDefaultGateways().map((address): Neighbor => ({ address }));
  const nodes = peers.flatMap(({ nodeName, addresses }) =>
    addresses.flatMap((text): readonly Neighbor[] => {
      const address = parseIpAddress(text);
      const isAskable = address.ok && address.value.family === "ipv4";
      return isAskable ? [{ address: address.value, nodeName }] : [];
    }),
  );
  return [...gateways, ...nodes];
}

/** Asks some neighbors on one interface. */
export function askOn(responder: LinkResponder, { neighbors }: SegmentWatch): void {
  for (const { address } of neighbors.slice(0, MAX_ASKED_NEIGHBORS)) responder.probe(address);
}

/** Asks for the addresses of one node on every interface. */
export function askNode(
  nodeName: string,
  links: readonly LinkResponder[],
  { neighbors }: SegmentWatch,
): void {
  for (const neighbor of neighbors) {
    if (neighbor.nodeName !== nodeName) continue;
    for (const responder of links) responder.probe(neighbor.address);
  }
}

/** How heartbeats describe the interfaces at work. */
export function toInterfaceRecords(links: readonly LinkResponder[]): readonly InterfaceRecord[] {
  return links.map(({ link }) => ({
    nameHash: toInterfaceNameHash(link.name),
    mac: link.mac,
    isUp: true,
    hasCarrier: true,
    isProven: true,
  }));
}
