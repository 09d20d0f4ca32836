import { describe, expect, it } from "vitest";
import { toSessionSpec, type SessionFacts } from "../../../../capabilities/speaker/bgp-sessions";
import { readLocalNetwork } from "../../../../capabilities/speaker/local-network";
import { checkConfiguration } from "../../../../lib/config/check";
import type { BGPPeerSpec } from "../../../../lib/config/generated/resources";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../../../../lib/net/ip-address";
import type { BgpSessionSpec } from "../../../../node/bgp-protocol";
import { bgpPeer } from "../../lib/announcement/builders";

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

const FACTS: SessionFacts = {
  nodeName: "node-a",
  nodeIpv4: address("192.168.1.11"),
  interfaceIpv4: undefined,
  isOnLink: () => true,
  bfdProfile: undefined,
  password: undefined,
  restartSeconds: 120,
};

function spec(peer: Partial<BGPPeerSpec>, facts: Partial<SessionFacts> = {}): BgpSessionSpec {
  const { configuration } = checkConfiguration({ bgpPeers: [bgpPeer("router", peer)] });
  const [config] = configuration.bgpPeers;
  if (config === undefined) throw new Error("the peer is refused");
  return toSessionSpec(config, { ...FACTS, ...facts });
}

describe("toSessionSpec", () => {
  it.each<[string, Partial<BGPPeerSpec>, object]>([
    ["an IPv4 router", {}, { families: ["ipv4-unicast"], offersExtendedNextHop: false }],
    [
      "an IPv6 router",
      { peerAddress: "2001:db8::1" },
      { families: ["ipv6-unicast"], offersExtendedNextHop: false },
    ],
    [
      "both families over IPv6",
      { peerAddress: "2001:db8::1", dualStackAddressFamily: true },
      { families: ["ipv4-unicast", "ipv6-unicast"], offersExtendedNextHop: true },
    ],
    [
      "both families over IPv4",
      { dualStackAddressFamily: true },
      { families: ["ipv4-unicast", "ipv6-unicast"], offersExtendedNextHop: false },
    ],
    [
      "an interface",
      { peerAddress: "", interface: "eth1" },
      { families: ["ipv4-unicast", "ipv6-unicast"], offersExtendedNextHop: true },
    ],
    ["localASN", { localASN: 64999 }, { localAs: 64999 }],
    ["dynamicASN", { peerASN: 0, dynamicASN: "external" }, { expectedAs: { type: "external" } }],
    ["a hold time", { holdTime: "9s" }, { holdTimeSeconds: 9, keepaliveSeconds: 3 }],
    ["a keepalive time", { keepaliveTime: "5s" }, { holdTimeSeconds: 15, keepaliveSeconds: 5 }],
    ["a connect time", { connectTime: "7s" }, { connectRetrySeconds: 7 }],
    ["graceful restart", { enableGracefulRestart: true }, { gracefulRestartSeconds: 120 }],
    ["a router id", { routerID: "10.0.0.9" }, { bgpIdentifier: 0x0a00_0009 }],
  ])("%s", (_, peer, configuration) => {
    expect(spec(peer).configuration).toMatchObject(configuration);
  });

  it("accepts packets from any distance unless ttlSecurityHops says how far the router is", () => {
    expect(spec({})).not.toHaveProperty("ttlSecurityHops");
    expect(spec({ ttlSecurityHops: 1 })).toMatchObject({ ttlSecurityHops: 1, isMultihop: false });
    for (const ttlSecurityHops of [0, 255]) {
      expect(() => spec({ ttlSecurityHops })).toThrow("the peer is refused");
    }
  });

  it("identifies a node without IPv4 by the session's interface, else by its name", () => {
    const facts = { nodeIpv4: undefined };
    expect(
      spec({}, { ...facts, interfaceIpv4: address("10.1.2.3") }).configuration.bgpIdentifier,
    ).toBe(0x0a01_0203);
    // MetalLB's number for this name.
    expect(spec({}, facts).configuration.bgpIdentifier).toBe(0xab4d_9978);
  });

  it("is multihop when told so, or inside an AS to a router that is not on the link", () => {
    const isOnLink = (): boolean => false;
    expect(spec({ ebgpMultiHop: true }).isMultihop).toBe(true);
    expect(spec({ peerASN: 64512 }, { isOnLink }).isMultihop).toBe(true);
    expect(spec({ peerASN: 64512 }).isMultihop).toBe(false);
    expect(spec({}, { isOnLink }).isMultihop).toBe(false);
  });

  it("takes over the BFD profile: echo on the link, a minimum TTL beyond it", () => {
    const bfdProfile = {
      name: "fast",
      receiveIntervalMs: 50,
      transmitIntervalMs: 60,
      detectMultiplier: 3,
      echoIntervalMs: 40,
      isEchoEnabled: true,
      isPassive: false,
      minimumTtl: 250,
    };
    const common = {
      transmitIntervalMs: 60,
      receiveIntervalMs: 50,
      detectMultiplier: 3,
      isPassive: false,
    };
    expect(spec({}, { bfdProfile }).bfd).toEqual({ ...common, echoIntervalMs: 40 });
    expect(spec({ ebgpMultiHop: true }, { bfdProfile }).bfd).toEqual({
      ...common,
      minimumTtl: 250,
    });
  });
});

describe("readLocalNetwork", () => {
  const info = (text: string, cidr: string, family: "IPv4" | "IPv6") => {
    const base = { address: text, netmask: "", mac: "", internal: false, cidr };
    return family === "IPv4" ? { ...base, family } : { ...base, family, scopeid: 0 };
  };
  const network = readLocalNetwork({
    eth0: [
      info("fd00:1::11", "fd00:1::11/64", "IPv6"),
      info("192.168.1.11", "192.168.1.11/24", "IPv4"),
    ],
    eth1: [info("10.0.0.1", "10.0.0.1/30", "IPv4")],
  });

  it("knows which addresses are on a subnet of an interface", () => {
    expect(network.isOnLink(address("10.0.0.2"))).toBe(true);
    expect(network.isOnLink(address("10.0.0.5"))).toBe(false);
    expect(network.isOnLink(address("fd00:1::1"))).toBe(true);
  });

  it("finds the IPv4 address beside another one of the interface", () => {
    const found = network.interfaceIpv4Of(["fd00:1::11"]);
    expect(found && formatIpAddress(found)).toBe("192.168.1.11");
    expect(network.interfaceIpv4Of(["fd00:2::1"])).toBeUndefined();
  });
});
