import { describe, expect, it } from "vitest";
import { chooseNextHops, type LocalEnd } from "../../../../lib/bgp/next-hop";
import { toAddress } from "./support/golden";

const IPV4 = toAddress("192.0.2.1");
const IPV6 = toAddress("2001:db8::1");
const LINK_LOCAL = toAddress("fe80::1");
const ROUTER_ID = toAddress("10.0.0.1");

const END: LocalEnd = {
  localAddress: IPV4,
  isUnnumbered: false,
  isPeerOnLink: true,
  interfaceIpv4: IPV4,
  interfaceGlobalIpv6: IPV6,
  interfaceLinkLocal: LINK_LOCAL,
  routerIdAddress: undefined,
};
const BOTH = ["ipv4-unicast", "ipv6-unicast"] as const;

function choose(end: Partial<LocalEnd>, allowsIpv6NextHopForIpv4 = false) {
  return chooseNextHops({ ...END, ...end }, { families: BOTH, allowsIpv6NextHopForIpv4 });
}

describe("IPv4 session", () => {
  it("has its local address for IPv4, global and link-local of the interface for IPv6", () => {
    expect(choose({})).toEqual({
      nextHops: {
        "ipv4-unicast": { type: "classic", address: IPV4 },
        "ipv6-unicast": { type: "mp", address: IPV6, linkLocal: LINK_LOCAL },
      },
      warnings: [],
    });
  });

  it("has link-local in both halves without a global address, and warns", () => {
    const { nextHops, warnings } = choose({ interfaceGlobalIpv6: undefined });
    expect(nextHops["ipv6-unicast"]).toEqual({
      type: "mp",
      address: LINK_LOCAL,
      linkLocal: LINK_LOCAL,
    });
    expect(warnings).toHaveLength(1);
  });

  it("leaves the link-local address out for a peer that is not on the link (RFC 2545 §3)", () => {
    expect(choose({ isPeerOnLink: false }).nextHops["ipv6-unicast"]).toEqual({
      type: "mp",
      address: IPV6,
    });
  });

  it("cannot send IPv6 from an interface without IPv6", () => {
    const { nextHops, warnings } = choose({
      interfaceGlobalIpv6: undefined,
      interfaceLinkLocal: undefined,
    });
    expect(nextHops["ipv6-unicast"]).toBeUndefined();
    expect(warnings).toEqual(["no next hop for ipv6-unicast: its routes are not sent"]);
  });
});

describe("IPv6 session", () => {
  it("adds the link-local address only when the peer is on the link (RFC 2545 §3)", () => {
    const near = choose({ localAddress: IPV6 }).nextHops["ipv6-unicast"];
    expect(near).toEqual({ type: "mp", address: IPV6, linkLocal: LINK_LOCAL });
    const far = choose({ localAddress: IPV6, isPeerOnLink: false }).nextHops["ipv6-unicast"];
    expect(far).toEqual({ type: "mp", address: IPV6 });
  });

  it("sends IPv4 over IPv6 when negotiated, else from an IPv4 address of the node, else not", () => {
    const ipv4Of = (end: Partial<LocalEnd>, isNegotiated = false) =>
      choose({ localAddress: IPV6, ...end }, isNegotiated).nextHops["ipv4-unicast"];
    expect(ipv4Of({}, true)).toEqual({ type: "mp", address: IPV6, linkLocal: LINK_LOCAL });
    expect(ipv4Of({})).toEqual({ type: "classic", address: IPV4 });
    const without = { interfaceIpv4: undefined };
    expect(ipv4Of({ ...without, routerIdAddress: ROUTER_ID })).toEqual({
      type: "classic",
      address: ROUTER_ID,
    });
    expect(ipv4Of(without)).toBeUndefined();
  });
});

describe("unnumbered session (RFC 8950)", () => {
  it("has global and link-local, or link-local in both halves, for both families", () => {
    const unnumbered = { localAddress: LINK_LOCAL, isUnnumbered: true };
    const pair = { type: "mp", address: IPV6, linkLocal: LINK_LOCAL };
    expect(choose(unnumbered, true).nextHops).toEqual({
      "ipv4-unicast": pair,
      "ipv6-unicast": pair,
    });
    const bare = choose({ ...unnumbered, interfaceGlobalIpv6: undefined }, true);
    const twice = { type: "mp", address: LINK_LOCAL, linkLocal: LINK_LOCAL };
    expect(bare.nextHops).toEqual({ "ipv4-unicast": twice, "ipv6-unicast": twice });
    expect(bare.warnings).toEqual([]);
  });
});
