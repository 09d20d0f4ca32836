import { describe, expect, it } from "vitest";
import type { NetworkInterfaceInfo } from "node:os";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../../../lib/net/ip-address";
import { describeLocalEnd, findLinkLocal } from "../../../node/local-end";

const MAC = "02:00:00:00:00:01";

function toAddress(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

function entry(cidr: string, scopeid = 0): NetworkInterfaceInfo {
  const [address = ""] = cidr.split("/");
  const common = { address, cidr, mac: MAC, internal: false, netmask: "" };
  return address.includes(":")
    ? { ...common, family: "IPv6", scopeid }
    : { ...common, family: "IPv4" };
}

const INTERFACES = {
  lo: [entry("127.0.0.1/8"), entry("198.51.100.1/32")],
  eth0: [entry("192.0.2.1/24"), entry("fe80::1/64", 7), entry("2001:db8::1/64")],
  eth1: [entry("10.0.0.1/24")],
};

function describeEnd(local: string, peer: string, bgpIdentifier = 0x0a00_0001) {
  const end = describeLocalEnd(INTERFACES, {
    localAddress: toAddress(local),
    peerAddress: toAddress(peer),
    interfaceName: undefined,
    bgpIdentifier,
  });
  return Object.fromEntries(
    Object.entries<IpAddress | boolean | undefined>({ ...end }).map(([name, value]) => [
      name,
      typeof value === "object" ? formatIpAddress(value) : value,
    ]),
  );
}

describe("the node's end of a session", () => {
  it("has the addresses of the interface that owns the local address", () => {
    expect(describeEnd("192.0.2.1", "192.0.2.2")).toEqual({
      localAddress: "192.0.2.1",
      isUnnumbered: false,
      isPeerOnLink: true,
      interfaceIpv4: "192.0.2.1",
      interfaceGlobalIpv6: "2001:db8::1",
      interfaceLinkLocal: "fe80::1",
      routerIdAddress: "10.0.0.1",
    });
  });

  it("knows that a peer beyond the subnet is not on the link", () => {
    expect(describeEnd("192.0.2.1", "203.0.113.1")).toMatchObject({ isPeerOnLink: false });
    expect(describeEnd("198.51.100.1", "198.51.100.2")).toMatchObject({ isPeerOnLink: false });
    expect(describeEnd("2001:db8::1", "2001:db8::2")).toMatchObject({ isPeerOnLink: true });
  });

  it("takes the router id for an address only when the node has it", () => {
    const end = describeEnd("192.0.2.1", "192.0.2.2", 0x0a00_0009);
    expect(end["routerIdAddress"]).toBeUndefined();
  });

  it("has nothing of an interface that is not there", () => {
    const end = describeEnd("192.0.2.77", "192.0.2.2");
    expect(end["interfaceIpv4"]).toBeUndefined();
    expect(end["isPeerOnLink"]).toBe(false);
  });
});

describe("an interface for an unnumbered session", () => {
  it("is told with its link-local address and index", () => {
    const link = findLinkLocal(INTERFACES, "eth0");
    expect(link).toMatchObject({ index: 7, mac: MAC });
    expect(link && formatIpAddress(link.address)).toBe("fe80::1");
  });

  it.each(["eth1", "eth9"])("is not usable without one: %s", name => {
    expect(findLinkLocal(INTERFACES, name)).toBeUndefined();
  });
});
