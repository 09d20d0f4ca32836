/** Asking neighbors for a sign: whether this node hears the segment, and by which MAC addresses its peers are known there. */
import { toInterfaceNameHash, type InterfaceRecord } from "../lib/liveness/message";
import { parseIpAddress, type IpAddress } from "../lib/net/ip-address";
import { readDefaultGateways } from "./gateways";
import type { LinkResponder } from "./link-responder";
import type { PeerAddresses } from "./packet-protocol";
import type { Neighbor, SegmentWatch } from "./segment-watch";

/** Neighbors asked at once whether this node hears the segment. */
const MAX_ASKED_NEIGHBORS = 4;

/**
 * Default gateways first, which are no part of what can fail here, then the addresses of the peers: IPv4 if they have any, one
 * family being enough to be known by.
 */
export function findNeighbors(peers: readonly PeerAddresses[]): readonly Neighbor[] {
  return [...readDefaultGateways(), ...peers.flatMap(toNeighbors)];
}

/** Asks some of the neighbors that the interface may lead to. */
export function askOn(responder: LinkResponder, { neighbors }: SegmentWatch): void {
  const { name } = responder.link;
  const near = neighbors.filter(({ interfaceName }) => (interfaceName ?? name) === name);
  for (const { address } of near.slice(0, MAX_ASKED_NEIGHBORS)) responder.ask(address);
}

/** Asks for the addresses of one node on every interface. */
export function askNode(
  nodeName: string,
  links: readonly LinkResponder[],
  { neighbors }: SegmentWatch,
): void {
  for (const neighbor of neighbors) {
    if (neighbor.nodeName !== nodeName) continue;
    for (const responder of links) responder.ask(neighbor.address);
  }
}

/** How heartbeats describe the interfaces at work. */
export function toInterfaceRecords(links: readonly LinkResponder[]): readonly InterfaceRecord[] {
  return links.map(({ link, isProven }) => ({
    nameHash: toInterfaceNameHash(link.name),
    mac: link.mac,
    isUp: true,
    hasCarrier: true,
    isProven,
  }));
}

function toNeighbors({ nodeName, addresses }: PeerAddresses): readonly Neighbor[] {
  const parsed = addresses.flatMap((text): readonly IpAddress[] => {
    const address = parseIpAddress(text);
    return address.ok ? [address.value] : [];
  });
  const ipv4 = parsed.filter(({ family }) => family === "ipv4");
  return (ipv4.length > 0 ? ipv4 : parsed).map(address => ({ address, nodeName }));
}
