/** What this node knows of a session's own end: its interfaces as Node lists them (up and running ones), looked at anew each time. */
import type { NetworkInterfaceInfo } from "node:os";
import type { LocalEnd } from "../lib/bgp/next-hop";
import {
  isLinkLocal,
  isSameAddress,
  parseIpAddress,
  type IpAddress,
  type IpFamily,
} from "../lib/net/ip-address";
import { parseIpPrefix, rangeContains, toIpRange } from "../lib/net/ip-prefix";

/** What `os.networkInterfaces()` gives. */
export type InterfaceList = Readonly<Partial<Record<string, readonly NetworkInterfaceInfo[]>>>;

export interface SessionEnds {
  /** Of the TCP connection. */
  readonly localAddress: IpAddress;
  readonly peerAddress: IpAddress;
  /** The interface of an unnumbered peer. */
  readonly interfaceName: string | undefined;
  readonly bgpIdentifier: number;
}

/** Link-local address, interface index and MAC address of an interface that can carry an unnumbered session. */
export interface LinkLocalInterface {
  readonly address: IpAddress;
  readonly index: number;
  readonly mac: string;
}

export function describeLocalEnd(interfaces: InterfaceList, ends: SessionEnds): LocalEnd {
  const name = ends.interfaceName ?? nameOfOwner(interfaces, ends.localAddress);
  const own = (name === undefined ? undefined : interfaces[name]) ?? [];
  return {
    localAddress: ends.localAddress,
    isUnnumbered: ends.interfaceName !== undefined,
    isPeerOnLink: own.some(entry => isOn(entry, ends.localAddress, ends.peerAddress)),
    interfaceIpv4: firstAddress(own, "ipv4"),
    interfaceGlobalIpv6: firstAddress(own, "ipv6"),
    interfaceLinkLocal: addressesOf(own).find(isLinkLocal),
    routerIdAddress: findRouterId(interfaces, ends.bgpIdentifier),
  };
}

/** Undefined while the interface is not there, not running or without a link-local address. */
export function findLinkLocal(
  interfaces: InterfaceList,
  name: string,
): LinkLocalInterface | undefined {
  for (const entry of interfaces[name] ?? []) {
    const address = toAddress(entry);
    if (address === undefined || !isLinkLocal(address)) continue;
    return { address, index: entry.scopeid ?? 0, mac: entry.mac };
  }
  return undefined;
}

function nameOfOwner(interfaces: InterfaceList, address: IpAddress): string | undefined {
  return Object.keys(interfaces).find(name =>
    addressesOf(interfaces[name] ?? []).some(own => isSameAddress(own, address)),
  );
}

function isOn(entry: NetworkInterfaceInfo, local: IpAddress, peer: IpAddress): boolean {
  const address = toAddress(entry);
  if (address === undefined || !isSameAddress(address, local) || entry.cidr === null) return false;
  const prefix = parseIpPrefix(entry.cidr);
  return prefix.ok && rangeContains(toIpRange(prefix.value), peer);
}

function firstAddress(own: readonly NetworkInterfaceInfo[], family: IpFamily) {
  return addressesOf(own).find(address => address.family === family && !isLinkLocal(address));
}

function findRouterId(interfaces: InterfaceList, identifier: number): IpAddress | undefined {
  const address: IpAddress = { family: "ipv4", value: BigInt(identifier) };
  return nameOfOwner(interfaces, address) === undefined ? undefined : address;
}

function addressesOf(own: readonly NetworkInterfaceInfo[]): readonly IpAddress[] {
  return own.flatMap(entry => toAddress(entry) ?? []);
}

function toAddress(entry: NetworkInterfaceInfo): IpAddress | undefined {
  const parsed = parseIpAddress(entry.address);
  return parsed.ok ? parsed.value : undefined;
}
