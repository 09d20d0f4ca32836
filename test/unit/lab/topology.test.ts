import { expect, it } from "vitest";
import { formatIpAddress, parseIpAddress } from "../../../lib/net/ip-address";
import { hostScript, switchScript } from "../../../lab/network";
import { checkLabName, hostsOf, namespaceName } from "../../../lab/topology";

it("gives every host addresses and a MAC of its own, outside the range kept for Services", () => {
  const hosts = hostsOf(9);
  for (const key of ["name", "ipv4", "ipv6", "mac"] as const) {
    expect(new Set(hosts.map(host => host[key])).size).toBe(hosts.length);
  }
  const last = hosts.map(host => Number(host.ipv4.split(".")[3]));
  expect(last.filter(octet => octet >= 200)).toEqual([]);
  const addresses = hosts.flatMap(host => [host.ipv4, host.ipv6]);
  const parsed = addresses.map(text => {
    const result = parseIpAddress(text);
    return result.ok ? formatIpAddress(result.value) : "unreadable";
  });
  expect(parsed).toEqual(addresses);
});

it("puts the hosts where the documentation says", () => {
  const byName = new Map(hostsOf(3).map(host => [host.name, host.ipv4]));
  expect(Object.fromEntries(byName)).toEqual({
    gw: "192.168.1.1",
    cp: "192.168.1.2",
    n1: "192.168.1.11",
    n2: "192.168.1.12",
    n3: "192.168.1.13",
    r1: "192.168.1.21",
    r2: "192.168.1.22",
    client: "192.168.1.100",
  });
});

it("refuses node counts that have no addresses", () => {
  for (const nodes of [0, 10, 1.5, Number.NaN]) expect(() => hostsOf(nodes)).toThrow("1 to 9");
});

it("refuses names that would not fit namespaces, cgroups and folders", () => {
  for (const name of ["", "A", "1a", "a b", "a/b", "-a", "a-", "..", "a".repeat(21)]) {
    expect(() => checkLabName(name), name).toThrow("cannot name a lab");
  }
  expect(["a", "ct-12", "a".repeat(20)].map(checkLabName)).toHaveLength(3);
  expect(namespaceName("a", "n1")).toBe("a-n1");
});

it("routes Pods on nodes, control plane and gateway, and on nothing else", () => {
  const hosts = hostsOf(3);
  const script = (name: string) => hostScript(hosts.find(host => host.name === name)!, hosts);
  expect(script("n1")).toContain("route add 10.244.2.0/24 via 192.168.1.12 dev eth0");
  expect(script("n1")).toContain("route add fd00:244:3::/64 via fd00:1::13 dev eth0");
  expect(script("n1")).not.toContain("10.244.1.0/24");
  for (const name of ["cp", "gw"]) expect(script(name)).toContain("10.244.1.0/24");
  for (const name of ["client", "r1"]) expect(script(name)).not.toContain("10.244");
});

it("gives everybody but the gateway a default route, and lets only the client not forward", () => {
  const hosts = hostsOf(1);
  for (const host of hosts) {
    const script = hostScript(host, hosts);
    expect(script.includes("default via 192.168.1.1")).toBe(host.name !== "gw");
    expect(script.includes("echo 0 >/proc/sys/net/ipv4/ip_forward")).toBe(host.name === "client");
    expect(script.includes("MASQUERADE")).toBe(host.role === "node");
  }
});

it("keeps the switch a switch: no packet filter, no addresses", () => {
  expect(switchScript()).toContain("echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables");
  expect(switchScript()).not.toContain("addr add");
});
