/** Which next hop our routes get on a session (RFC 4271 §5.1.3, RFC 2545 §3, RFC 8950 §4). */
import type { IpAddress } from "../net/ip-address";
import type { NextHops } from "./adj-rib-out";
import type { AddressFamily } from "./codec/address-family";
import type { NextHop } from "./update-packer";

/** What the node knows of the session's own end. */
export interface LocalEnd {
  /** Local address of the TCP connection. */
  readonly localAddress: IpAddress;
  /** Peers by interface: the session runs between link-local addresses. */
  readonly isUnnumbered: boolean;
  /** The peer is on the subnet of the local address. */
  readonly isPeerOnLink: boolean;
  /** Of the interface that owns the local address. */
  readonly interfaceIpv4: IpAddress | undefined;
  readonly interfaceGlobalIpv6: IpAddress | undefined;
  readonly interfaceLinkLocal: IpAddress | undefined;
  /** The router id as an address, if it is one of this node's. */
  readonly routerIdAddress: IpAddress | undefined;
}

export interface NextHopChoice {
  readonly nextHops: NextHops;
  /** What a user should know: a family that cannot be sent, or a next hop that only works on the link. */
  readonly warnings: readonly string[];
}

/** Chooses for every family of the session; one without a possible next hop is left out and warned about. */
export function chooseNextHops(
  end: LocalEnd,
  session: {
    readonly families: readonly AddressFamily[];
    readonly allowsIpv6NextHopForIpv4: boolean;
  },
): NextHopChoice {
  const nextHops: Partial<Record<AddressFamily, NextHop>> = {};
  const warnings: string[] = [];
  for (const family of session.families) {
    const nextHop =
      family === "ipv4-unicast"
        ? ipv4NextHop(end, session.allowsIpv6NextHopForIpv4)
        : ipv6NextHop(end);
    if (nextHop === undefined) warnings.push(`no next hop for ${family}: its routes are not sent`);
    else nextHops[family] = nextHop;
    if (family === "ipv6-unicast" && isOnlyLinkLocal(end)) {
      warnings.push("IPv6 routes have a link-local next hop: no global address on the interface");
    }
  }
  return { nextHops, warnings };
}

function ipv4NextHop(end: LocalEnd, allowsIpv6: boolean): NextHop | undefined {
  const { localAddress } = end;
  if (localAddress.family === "ipv4") return { type: "classic", address: localAddress };
  if (allowsIpv6) return ipv6NextHop(end);
  const address = end.interfaceIpv4 ?? end.routerIdAddress;
  return address === undefined ? undefined : { type: "classic", address };
}

/** The link-local address goes along only where the peer can use it: on the same link (RFC 2545 §3). */
function ipv6NextHop(end: LocalEnd): NextHop | undefined {
  const linkLocal = end.interfaceLinkLocal ?? (end.isUnnumbered ? end.localAddress : undefined);
  const address = globalAddressOf(end) ?? linkLocal;
  if (address === undefined) return undefined;
  const isUsable = end.isPeerOnLink || end.isUnnumbered || address === linkLocal;
  return { type: "mp", address, ...(isUsable && linkLocal !== undefined ? { linkLocal } : {}) };
}

function globalAddressOf(end: LocalEnd): IpAddress | undefined {
  const isNumberedIpv6 = end.localAddress.family === "ipv6" && !end.isUnnumbered;
  return isNumberedIpv6 ? end.localAddress : end.interfaceGlobalIpv6;
}

function isOnlyLinkLocal(end: LocalEnd): boolean {
  const isNumbered = end.localAddress.family === "ipv4" && !end.isUnnumbered;
  return (
    isNumbered && end.interfaceGlobalIpv6 === undefined && end.interfaceLinkLocal !== undefined
  );
}
