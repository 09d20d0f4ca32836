/** The cases of conversion that need no cluster; each begins with its number, which acceptance.test.ts counts. */
import { describe, expect, it } from "vitest";
import { convert, converted, findingsOf, objectsOf, refused } from "./support";

const POOL_DEFAULT = { addresses: ["192.168.1.240-192.168.1.250"] };

describe("ConfigMaps of 0.7 to 0.12 as DKP prints them", () => {
  it("0.3 a layer 2 pool becomes a pool and an advertisement, and nothing else", () => {
    const objects = converted(`
address-pools:
- name: default
  protocol: layer2
  addresses:
  - 192.168.1.240-192.168.1.250
`);
    expect(objects).toEqual({
      "IPAddressPool default": POOL_DEFAULT,
      "L2Advertisement l2advertisement1": { ipAddressPools: ["default"] },
    });
  });

  it("0.5 a BGP pool with its peer", () => {
    const objects = converted(`
peers:
- peer-address: 10.0.0.1
  peer-asn: 64501
  my-asn: 64500
address-pools:
- name: default
  protocol: bgp
  addresses:
  - 192.168.10.0/24
`);
    expect(objects).toEqual({
      "IPAddressPool default": { addresses: ["192.168.10.0/24"] },
      "BGPPeer peer1": {
        myASN: 64500,
        peerASN: 64501,
        peerAddress: "10.0.0.1",
        holdTime: "1m30s",
      },
      "BGPAdvertisement bgpadvertisement1": { ipAddressPools: ["default"] },
    });
  });

  it("0.8 without its indentation the text says one thing only, and it is told what was done", () => {
    const conversion = convert(`address-pools:
- name: default
protocol: layer2
addresses:
- 192.168.1.240-192.168.1.250
`);
    expect(findingsOf(conversion)).toEqual(["warn "]);
    expect(conversion.problems[0]?.message).toContain("has lost its indentation");
    expect(objectsOf(conversion)).toEqual({
      "IPAddressPool default": POOL_DEFAULT,
      "L2Advertisement l2advertisement1": { ipAddressPools: ["default"] },
    });
  });
});

describe("ConfigMaps of 0.1 to 0.4", () => {
  it("4.5 an arp pool does not give out the broadcast address of its network", () => {
    const conversion = convert(`
address-pools:
- name: my-ip-space
  protocol: arp
  cidr:
  - 192.168.1.240/28
`);
    expect(objectsOf(conversion)).toEqual({
      "IPAddressPool my-ip-space": { addresses: ["192.168.1.240-192.168.1.254"] },
      "L2Advertisement l2advertisement1": { ipAddressPools: ["my-ip-space"] },
    });
    expect(findingsOf(conversion)).toEqual(["inform address-pools[0]"]);
    expect(conversion.problems[0]?.message).toContain("192.168.1.255");
  });

  it("4.12 the BGP sample of 0.3: refused for its arp-network, and complete without it", () => {
    const sample = (extra: string): string => `
peers:
- my-asn: 64512
  peer-asn: 64512
  peer-address: 10.0.0.1
  hold-time: 120
  router-id: 1.2.3.4
bgp-communities:
  no-export: 65535:65281
address-pools:
- name: my-ip-space
  protocol: bgp
${extra}  cidr:
  - 198.51.100.0/24
  - 192.168.0.0/16
  avoid-buggy-ips: true
  auto-assign: false
  bgp-advertisements:
  - aggregation-length: 32
    localpref: 100
    communities:
    - 64512:1
    - no-export
`;
    expect(refused(sample("  arp-network: 192.168.0.0/16\n"))).toEqual([
      expect.stringContaining("address-pools[0].arp-network: "),
    ]);
    const conversion = convert(sample(""));
    expect(findingsOf(conversion)).toEqual(["inform peers[0].hold-time"]);
    expect(objectsOf(conversion)).toEqual({
      "Community communities": { communities: [{ name: "no-export", value: "65535:65281" }] },
      "IPAddressPool my-ip-space": {
        addresses: ["198.51.100.0/24", "192.168.0.0/16"],
        autoAssign: false,
        avoidBuggyIPs: true,
      },
      "BGPPeer peer1": {
        myASN: 64512,
        peerASN: 64512,
        peerAddress: "10.0.0.1",
        routerID: "1.2.3.4",
        holdTime: "2m0s",
      },
      "BGPAdvertisement bgpadvertisement1": {
        aggregationLength: 32,
        localPref: 100,
        communities: ["64512:1", "no-export"],
        ipAddressPools: ["my-ip-space"],
      },
    });
  });

  it("5.1 communities and advertisements of 0.1, where every pool is BGP", () => {
    const objects = converted(`
communities:
  internal: "64512:7"
address-pools:
- name: p
  cidr: [203.0.113.0/24]
  advertisements:
  - aggregation-length: 24
    communities: [internal]
`);
    expect(objects).toEqual({
      "Community communities": { communities: [{ name: "internal", value: "64512:7" }] },
      "IPAddressPool p": { addresses: ["203.0.113.0/24"] },
      "BGPAdvertisement bgpadvertisement1": {
        aggregationLength: 24,
        communities: ["internal"],
        ipAddressPools: ["p"],
      },
    });
  });

  it("5.2 an arp pool beyond one /24 is taken as it is, with a warning", () => {
    const conversion = convert(`address-pools: [{name: p, protocol: arp, cidr: [10.0.0.0/16]}]`);
    expect(findingsOf(conversion)).toEqual(["warn address-pools[0].arp-network"]);
    expect(objectsOf(conversion)).toEqual({
      "IPAddressPool p": { addresses: ["10.0.0.0/16"] },
      "L2Advertisement l2advertisement1": { ipAddressPools: ["p"] },
    });
  });

  it.each([
    ["10.0.0.0/24", "10.0.0.1-10.0.0.15"],
    ["10.0.0.0/28", "10.0.0.1-10.0.0.14"],
  ])("5.3 arp-network %s leaves %s", (network, range) => {
    const conversion = convert(
      `address-pools: [{name: p, protocol: arp, cidr: [10.0.0.0/28], arp-network: ${network}}]`,
    );
    expect(objectsOf(conversion)["IPAddressPool p"]).toEqual({ addresses: [range] });
  });

  it("5.4 an ndp pool of 0.5 with both keys: first all addresses, then all cidr", () => {
    const objects = converted(
      `address-pools: [{name: p, protocol: ndp, cidr: ["fc00:1::/124"], addresses: ["fc00:1::100-fc00:1::10f"]}]`,
    );
    expect(objects).toEqual({
      "IPAddressPool p": { addresses: ["fc00:1::100-fc00:1::10f", "fc00:1::/124"] },
      "L2Advertisement l2advertisement1": { ipAddressPools: ["p"] },
    });
  });
});

describe("everything that 0.12 knew", () => {
  it("5.5 peers, profiles, communities, and pools of both protocols", () => {
    const objects = converted(`
peers:
- peer-address: 10.0.0.1
  my-asn: 64500
  peer-asn: 64501
  node-selectors:
  - match-labels:
      rack: a
  password: x
  bfd-profile: fast
  ebgp-multihop: true
  keepalive-time: 10s
  hold-time: 30s
- peer-address: 10.0.0.2
  my-asn: 64500
  peer-asn: 64500
  source-address: 10.0.0.9
address-pools:
- name: b
  protocol: bgp
  addresses: [198.51.100.0/24]
  bgp-advertisements:
  - aggregation-length: 32
    localpref: 100
    communities: [vpn]
  - aggregation-length: 24
- name: l
  protocol: layer2
  addresses: [10.1.0.0/24]
  auto-assign: false
  avoid-buggy-ips: true
bgp-communities:
  vpn: "1:2"
bfd-profiles:
- name: fast
  receive-interval: 100
  echo-mode: true
`);
    expect(objects).toEqual({
      "Secret peer1-password": {
        type: "kubernetes.io/basic-auth",
        stringData: { password: "x" },
      },
      "BFDProfile fast": { receiveInterval: 100, echoMode: true },
      "Community communities": { communities: [{ name: "vpn", value: "1:2" }] },
      "IPAddressPool b": { addresses: ["198.51.100.0/24"] },
      "IPAddressPool l": { addresses: ["10.1.0.0/24"], autoAssign: false, avoidBuggyIPs: true },
      "BGPPeer peer1": {
        myASN: 64500,
        peerASN: 64501,
        peerAddress: "10.0.0.1",
        nodeSelectors: [{ matchLabels: { rack: "a" } }],
        passwordSecret: { name: "peer1-password" },
        bfdProfile: "fast",
        ebgpMultiHop: true,
        keepaliveTime: "10s",
        holdTime: "30s",
      },
      "BGPPeer peer2": {
        myASN: 64500,
        peerASN: 64500,
        peerAddress: "10.0.0.2",
        sourceAddress: "10.0.0.9",
        holdTime: "1m30s",
      },
      "BGPAdvertisement bgpadvertisement1": {
        aggregationLength: 32,
        localPref: 100,
        communities: ["vpn"],
        ipAddressPools: ["b"],
      },
      "BGPAdvertisement bgpadvertisement2": { aggregationLength: 24, ipAddressPools: ["b"] },
      "L2Advertisement l2advertisement1": { ipAddressPools: ["l"] },
    });
  });

  const peer = (fields: string): string =>
    `peers: [{peer-address: 10.0.0.1, my-asn: 1, peer-asn: 2${fields}}]`;
  const spec = (fields: string): unknown => converted(peer(fields))["BGPPeer peer1"];

  it("5.6 hold times: absent, none, cut to seconds, too short", () => {
    expect(spec("")).toMatchObject({ holdTime: "1m30s" });
    expect(spec(", hold-time: 0s")).toMatchObject({ holdTime: "0s" });
    expect(spec(", hold-time: 4500ms")).toMatchObject({ holdTime: "4s" });
    expect(refused(peer(", hold-time: 2s"))).toEqual([
      expect.stringContaining("peers[0].hold-time: "),
    ]);
  });

  it("5.7 a keepalive time is measured by the hold time that is not written", () => {
    expect(spec(", keepalive-time: 10s")).toMatchObject({
      holdTime: "1m30s",
      keepaliveTime: "10s",
    });
    expect(refused(peer(", keepalive-time: 2m"))).toEqual([
      expect.stringContaining("peers[0].keepalive-time: "),
    ]);
  });
});

describe("names, and what was refused by the old parser", () => {
  const pool = (name: string, address: string): string =>
    `{name: ${name}, protocol: layer2, addresses: [${address}]}`;

  it("5.8 names that no object can have are changed and kept as the pool's old name", () => {
    const conversion = convert(`address-pools:
- ${pool("My_Pool", "10.0.0.0/32")}
- ${pool("9pool", "10.0.0.1/32")}
- ${pool("pool-a", "10.0.0.2/32")}
- ${pool("pool_a", "10.0.0.3/32")}
`);
    const objects = objectsOf(conversion);
    expect(objects).toMatchObject({
      "IPAddressPool my-pool": { legacyName: "My_Pool" },
      "IPAddressPool 9pool": {},
      "IPAddressPool pool-a": {},
      "IPAddressPool pool-a-2": { legacyName: "pool_a" },
      "L2Advertisement l2advertisement4": { ipAddressPools: ["pool-a-2"] },
    });
    expect(findingsOf(conversion)).toEqual([
      "inform address-pools[0].name",
      "inform address-pools[3].name",
    ]);
    expect(refused(`address-pools: [${pool("___", "10.0.0.0/24")}]`)).toEqual([
      expect.stringContaining("address-pools[0].name: "),
    ]);
  });

  it("5.8 a name that is legal keeps itself when it comes second", () => {
    const conversion = convert(
      `address-pools: [${pool("pool_a", "10.0.0.2/32")}, ${pool("pool-a", "10.0.0.3/32")}]`,
    );
    expect(objectsOf(conversion)).toMatchObject({
      "IPAddressPool pool-a": { addresses: ["10.0.0.3/32"] },
      "IPAddressPool pool-a-2": { addresses: ["10.0.0.2/32"], legacyName: "pool_a" },
    });
  });

  it("5.9 a wrong protocol, none, and none in a file of 0.1", () => {
    const [wrong] = refused("address-pools: [{name: p, protocol: l2, addresses: [10.0.0.0/24]}]");
    expect(wrong).toMatch(/^address-pools\[0\]\.protocol: /);
    for (const word of ["layer2", "bgp", "arp", "ndp"]) expect(wrong).toContain(word);
    expect(refused("address-pools: [{name: p, addresses: [10.0.0.0/24]}]")).toEqual([
      expect.stringContaining("address-pools[0].protocol: "),
    ]);
    expect(
      converted(
        "address-pools: [{name: p, cidr: [10.0.0.0/24], advertisements: [{localpref: 5}]}]",
      ),
    ).toHaveProperty(["BGPAdvertisement bgpadvertisement1"]);
  });

  it("5.10 an unknown key is named, with the one that is meant", () => {
    const messages = refused(
      "address-pools: [{name: p, protocol: layer2, adresses: [10.0.0.0/24]}]",
    );
    expect(messages.join("\n")).toMatch(
      /^address-pools\[0\]\.adresses: .*Did you mean addresses\?/m,
    );
  });

  it("5.11 two pools of one name", () => {
    const [message] = refused(
      `address-pools: [${pool("p", "10.0.0.0/24")}, ${pool("p", "10.0.1.0/24")}]`,
    );
    expect(message).toMatch(/^address-pools\[1\]\.name: .*"p"/);
  });

  it("5.12 two pools that overlap", () => {
    const [message] = refused(
      `address-pools: [${pool("one", "10.0.0.0/24")}, ${pool("two", "10.0.0.128/25")}]`,
    );
    expect(message).toContain('"one"');
    expect(message).toContain('"two"');
  });

  it("5.13 advertisements of a layer 2 pool, and one that is wider than its pool", () => {
    expect(
      refused(
        "address-pools: [{name: p, protocol: layer2, addresses: [10.0.0.0/24], bgp-advertisements: [{localpref: 1}]}]",
      ),
    ).toEqual([expect.stringContaining("address-pools[0].bgp-advertisements")]);
    expect(
      refused(
        "address-pools: [{name: p, protocol: bgp, addresses: [10.0.0.0/24], bgp-advertisements: [{aggregation-length: 16}]}]",
      ),
    ).toEqual([
      expect.stringContaining("address-pools[0].bgp-advertisements[0].aggregation-length"),
    ]);
  });

  it("5.14 families that ARP and NDP do not have", () => {
    expect(refused('address-pools: [{name: p, protocol: arp, cidr: ["fc00::/120"]}]')).toHaveLength(
      1,
    );
    expect(refused("address-pools: [{name: p, protocol: ndp, cidr: [10.0.0.0/24]}]")).toHaveLength(
      1,
    );
  });

  const poolWith = (fields: string): string =>
    `address-pools: [{name: p, protocol: bgp, addresses: [10.0.0.0/24], ${fields}}]`;

  it.each([
    ["address-pools: 5", "address-pools"],
    ["address-pools: [5]", "address-pools[0]"],
    [
      "address-pools: [{name: p, protocol: bgp, addresses: 10.0.0.0/24}]",
      "address-pools[0].addresses",
    ],
    ["address-pools: [{name: p, protocol: bgp, addresses: [{}]}]", "address-pools[0].addresses[0]"],
    [poolWith("auto-assign: maybe"), "address-pools[0].auto-assign"],
    [
      poolWith("bgp-advertisements: [{localpref: much}]"),
      "address-pools[0].bgp-advertisements[0].localpref",
    ],
    ["peers: {}", "peers"],
    ["peers: [{peer-address: 10.0.0.1, my-asn: one, peer-asn: 2}]", "peers[0].my-asn"],
    ["bgp-communities: [a]", "bgp-communities"],
  ])("a wrong type is refused where it is: %s", (text, field) => {
    expect(refused(text).map(each => each.split(": ")[0])).toContain(field);
  });
});
