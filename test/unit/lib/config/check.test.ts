import { describe, expect, it } from "vitest";
import { checkConfiguration, type ConfigurationResources } from "../../../../lib/config/check";
import { formatProblem } from "../../../../lib/config/problem";
import { formatIpRange } from "../../../../lib/net/ip-prefix";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  createdAt,
  ipAddressPool,
  l2Advertisement,
  labelled,
  withLabel,
} from "../../../support/resources";

function rules(resources: ConfigurationResources): string[] {
  return checkConfiguration(resources).problems.map(({ rule }) => rule);
}

function poolNames(resources: ConfigurationResources): string[] {
  return checkConfiguration(resources).configuration.pools.map(({ name }) => name);
}

describe("what comes out", () => {
  it("gives nothing for nothing", () => {
    expect(checkConfiguration({})).toEqual({
      configuration: {
        pools: [],
        l2Advertisements: [],
        bgpAdvertisements: [],
        bgpPeers: [],
        bfdProfiles: [],
      },
      problems: [],
    });
  });

  it("gives pools with parsed entries in the order written, defaults filled in", () => {
    const { configuration } = checkConfiguration({
      ipAddressPools: [
        ipAddressPool("b", ["192.0.2.20-192.0.2.30", "192.0.2.0/29", "2001:DB8::1"]),
        labelled(ipAddressPool("a", ["10.0.0.0/8"], { autoAssign: false }), { tier: "x" }),
      ],
    });
    expect(configuration.pools.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(configuration.pools[1]?.entries.map(({ range }) => formatIpRange(range))).toEqual([
      "192.0.2.20-192.0.2.30",
      "192.0.2.0/29",
      "2001:db8::1",
    ]);
    expect(configuration.pools[0]).toMatchObject({ autoAssign: false, labels: { tier: "x" } });
    expect(configuration.pools[1]).toMatchObject({ autoAssign: true, avoidBuggyIps: false });
    expect(configuration.pools[1]).not.toHaveProperty("serviceAllocation");
  });

  it("gives service allocation with an absent priority as 0", () => {
    const serviceAllocation = { namespaces: ["a"], serviceSelectors: [withLabel("x", "y")] };
    const pool = ipAddressPool("a", ["10.0.0.0/8"], { serviceAllocation });
    const [read] = checkConfiguration({ ipAddressPools: [pool] }).configuration.pools;
    expect(read?.serviceAllocation).toMatchObject({ priority: 0, namespaces: ["a"] });
    expect(read?.serviceAllocation?.serviceSelectors).toHaveLength(1);
  });

  it("resolves an advertisement's pools: all, by name, by label, each once", () => {
    const ipAddressPools = [
      labelled(ipAddressPool("one", ["10.0.0.0/24"]), { tier: "x" }),
      labelled(ipAddressPool("two", ["10.0.1.0/24"]), { tier: "x" }),
      ipAddressPool("three", ["10.0.2.0/24"]),
    ];
    const byLabel = { ipAddressPoolSelectors: [withLabel("tier", "x")] };
    const l2Advertisements = [
      l2Advertisement("all"),
      l2Advertisement("labels", byLabel),
      l2Advertisement("both", { ...byLabel, ipAddressPools: ["three", "one"] }),
    ];
    const { configuration } = checkConfiguration({ ipAddressPools, l2Advertisements });
    expect(configuration.l2Advertisements.map(({ name, pools }) => [name, pools])).toEqual([
      ["all", ["one", "three", "two"]],
      ["both", ["one", "three", "two"]],
      ["labels", ["one", "two"]],
    ]);
  });

  it("gives peers with times in milliseconds, cut to what BGP can say", () => {
    const read = (fields: Parameters<typeof bgpPeer>[1]): unknown =>
      checkConfiguration({ bgpPeers: [bgpPeer("p", fields)] }).configuration.bgpPeers[0];
    expect(read({})).toMatchObject({ peerPort: 179, myAsn: 64500, peerAsn: 64501 });
    expect(read({})).not.toHaveProperty("holdTimeMs");
    expect(read({ holdTime: "90s" })).toMatchObject({ holdTimeMs: 90_000 });
    expect(read({ holdTime: "500ms" })).toMatchObject({ holdTimeMs: 0 });
    expect(read({ holdTime: "20h" })).toMatchObject({ holdTimeMs: 65_535_000 });
    expect(read({ keepaliveTime: "10s" })).toMatchObject({ holdTimeMs: 30_000 });
    expect(read({ peerASN: undefined, dynamicASN: "external" })).toMatchObject({
      peerAsn: "external",
    });
    expect(read({ passwordSecret: { name: "s" } })).toMatchObject({
      password: { secretName: "s" },
    });
  });

  it("gives BFD profiles with MetalLB's defaults", () => {
    const { configuration } = checkConfiguration({ bfdProfiles: [bfdProfile("p")] });
    expect(configuration.bfdProfiles).toEqual([
      {
        name: "p",
        receiveIntervalMs: 300,
        transmitIntervalMs: 300,
        detectMultiplier: 3,
        echoIntervalMs: 50,
        isEchoEnabled: false,
        isPassive: false,
        minimumTtl: 254,
      },
    ]);
  });

  it("resolves aliases and gives each community once, sorted", () => {
    const { configuration } = checkConfiguration({
      communities: [community("c", ["vpn", "64500:2"])],
      bgpAdvertisements: [bgpAdvertisement("a", { communities: ["vpn", "64500:2", "64500:1"] })],
    });
    expect(configuration.bgpAdvertisements[0]?.communities).toEqual([
      { type: "standard", high: 64500, low: 1 },
      { type: "standard", high: 64500, low: 2 },
    ]);
  });
});

describe("a bad object is left out alone", () => {
  const good = ipAddressPool("good", ["10.0.0.0/24"]);

  it("keeps the other pools when one is malformed", () => {
    expect(poolNames({ ipAddressPools: [ipAddressPool("bad", ["x"]), good] })).toEqual(["good"]);
  });

  it("drops the younger of two pools that overlap, whatever their names and order", () => {
    const older = createdAt(ipAddressPool("z", ["10.0.0.0/24"]), 1);
    const younger = createdAt(ipAddressPool("a", ["10.0.0.7"]), 2);
    expect(poolNames({ ipAddressPools: [older, younger] })).toEqual(["z"]);
    expect(poolNames({ ipAddressPools: [younger, older] })).toEqual(["z"]);
  });

  it("does not drop a pool for the sake of one that is dropped itself", () => {
    const first = createdAt(ipAddressPool("first", ["10.0.0.0/24"]), 1);
    const middle = createdAt(ipAddressPool("middle", ["10.0.0.128-10.0.1.10"]), 2);
    const last = createdAt(ipAddressPool("last", ["10.0.1.0/24"]), 3);
    expect(poolNames({ ipAddressPools: [last, middle, first] })).toEqual(["first", "last"]);
  });

  it("names both pools and both entries of an overlap", () => {
    const [problem] = checkConfiguration({
      ipAddressPools: [createdAt(good, 1), createdAt(ipAddressPool("b", ["10.0.0.9"]), 2)],
    }).problems.filter(({ rule }) => rule === "V-L4");
    expect(problem).toMatchObject({
      object: { name: "b" },
      field: "spec.addresses[0]",
      value: "10.0.0.9",
      related: [{ kind: "IPAddressPool", name: "good" }],
    });
    expect(formatProblem(problem!)).toBe(
      'IPAddressPool "b": spec.addresses[0] "10.0.0.9" overlaps "10.0.0.0/24" of IPAddressPool "good". ' +
        "An address may be in one pool only: take it out of one of the two first. (V-L4)",
    );
  });

  it("reports every overlap inside a pool, also those behind a short range", () => {
    const pool = ipAddressPool("a", ["10.0.0.0/24", "10.0.0.0/29", "10.0.0.100-10.0.0.110"]);
    const { problems } = checkConfiguration({ ipAddressPools: [pool] });
    expect(problems.map(({ field }) => field)).toEqual(["spec.addresses[1]", "spec.addresses[2]"]);
  });

  it("reports every problem of an object, not the first", () => {
    const bad = ipAddressPool("bad", ["x", "10.0.0.9-10.0.0.1"], {
      serviceAllocation: { namespaces: ["a", "a"] },
    });
    expect(rules({ ipAddressPools: [bad] }).sort()).toEqual(["V-L2", "V-L3", "V-L5"]);
  });

  it("takes from an advertisement only the pool that its aggregate is too wide for", () => {
    const { configuration } = checkConfiguration({
      ipAddressPools: [good, ipAddressPool("small", ["10.0.1.0/28"])],
      bgpAdvertisements: [bgpAdvertisement("adv", { aggregationLength: 24 })],
    });
    expect(configuration.bgpAdvertisements[0]?.pools).toEqual(["good"]);
  });

  it("takes from the younger of two conflicting advertisements only the pools they share", () => {
    const { configuration } = checkConfiguration({
      ipAddressPools: [good, ipAddressPool("other", ["10.0.1.0/24"])],
      bgpAdvertisements: [
        createdAt(bgpAdvertisement("a", { localPref: 1 }), 2),
        createdAt(bgpAdvertisement("b", { localPref: 2, ipAddressPools: ["good"] }), 1),
      ],
    });
    expect(configuration.bgpAdvertisements.map(({ name, pools }) => [name, pools])).toEqual([
      ["a", ["other"]],
      ["b", ["good"]],
    ]);
  });

  it("leaves one wrong alias out and keeps the others of its object", () => {
    const { configuration } = checkConfiguration({
      communities: [community("c", ["bad", "x"], ["vpn", "1:2"])],
      bgpAdvertisements: [
        bgpAdvertisement("a", { communities: ["vpn"] }),
        bgpAdvertisement("b", { communities: ["bad"] }),
      ],
    });
    expect(configuration.bgpAdvertisements.map(({ name }) => name)).toEqual(["a"]);
  });

  it("keeps layer 2 alive beside a broken peer", () => {
    const { configuration } = checkConfiguration({
      ipAddressPools: [good],
      l2Advertisements: [l2Advertisement("l2")],
      bgpPeers: [bgpPeer("bad", { peerAddress: "x" }), bgpPeer("good")],
    });
    expect(configuration.l2Advertisements).toHaveLength(1);
    expect(configuration.bgpPeers.map(({ name }) => name)).toEqual(["good"]);
  });

  it("uses stored objects that only new ones must not be like", () => {
    const fields = [{ holdTime: "20h" }, { routerID: "2001:db8::1" }, { peerPort: 0 }];
    for (const field of fields) {
      const { configuration, problems } = checkConfiguration({ bgpPeers: [bgpPeer("p", field)] });
      expect(configuration.bgpPeers[0]?.peerPort).toBe(179);
      expect(problems).toMatchObject([{ severity: "warn", nature: "strict" }]);
    }
  });

  it("never shows a password", () => {
    const bgpPeers = [
      bgpPeer("p", { password: "canary-text", passwordSecret: { name: "s" } }),
      bgpPeer("q", { password: 9753108642 as unknown as string }),
    ];
    const text = JSON.stringify(checkConfiguration({ bgpPeers }).problems);
    expect(text).toContain("V-P15");
    expect(text).not.toMatch(/canary|9753108642/);
  });
});

describe("what is legal and does nothing", () => {
  const ipAddressPools = [ipAddressPool("first", ["10.0.0.0/24"])];

  it.each([
    ["H-R1", { l2Advertisements: [l2Advertisement("x", { ipAddressPools: ["nosuch"] })] }],
    ["H-R2", { bgpAdvertisements: [bgpAdvertisement("x", { peers: ["nosuch"] })] }],
    ["H-R3", {}],
    [
      "H-R4",
      {
        l2Advertisements: [l2Advertisement("x", { ipAddressPoolSelectors: [withLabel("a", "b")] })],
      },
    ],
    [
      "H-R7",
      {
        l2Advertisements: [l2Advertisement("x", { nodeSelectors: [withLabel("a", "b")] })],
        nodes: [{ name: "n", labels: {} }],
      },
    ],
    [
      "H-R14",
      {
        l2Advertisements: [
          l2Advertisement("x", {
            preferredNodeSelectors: [{ weight: 1, preference: withLabel("a", "b") }],
          }),
        ],
        nodes: [{ name: "n", labels: {} }],
      },
    ],
    ["H-R8", { bgpPeers: [bgpPeer("a"), bgpPeer("b")] }],
    ["H-C1", { communities: [community("c", ["a:b:c", "1:2"])] }],
  ] as const)("%s is a warning and changes nothing", (rule, resources) => {
    const { problems, configuration } = checkConfiguration({ ipAddressPools, ...resources });
    expect(problems.find(problem => problem.rule === rule)).toMatchObject({ severity: "warn" });
    expect(configuration.pools).toHaveLength(1);
  });

  it("warns about namespaces that do not exist and selectors that match none", () => {
    const serviceAllocation = { namespaces: ["no"], namespaceSelectors: [withLabel("a", "b")] };
    const pool = ipAddressPool("p", ["10.0.0.0/24"], { serviceAllocation });
    const l2Advertisements = [l2Advertisement("all")];
    const namespaces = [{ name: "default", labels: {} }];
    expect(rules({ ipAddressPools: [pool], l2Advertisements, namespaces })).toEqual([
      "H-R6",
      "H-R5",
    ]);
    expect(rules({ ipAddressPools: [pool], l2Advertisements })).toEqual([]);
  });

  it("says nothing about a usual configuration", () => {
    const resources = {
      ipAddressPools,
      l2Advertisements: [l2Advertisement("all")],
      bgpPeers: [bgpPeer("a"), bgpPeer("b", { peerAddress: "10.0.0.2" })],
      bgpAdvertisements: [bgpAdvertisement("all", { peers: ["a"] })],
      nodes: [{ name: "n", labels: {} }],
      namespaces: [{ name: "default", labels: {} }],
    };
    expect(checkConfiguration(resources).problems).toEqual([]);
  });

  it("says nothing about one router that two groups of nodes connect to", () => {
    const rack = (name: string): Parameters<typeof bgpPeer>[1] => ({
      nodeSelectors: [withLabel("rack", name)],
    });
    const nodes = ["a", "b"].map(name => ({ name, labels: { rack: name } }));
    expect(rules({ bgpPeers: [bgpPeer("a", rack("a")), bgpPeer("b", rack("b"))], nodes })).toEqual(
      [],
    );
  });

  it("warns about a field that does not exist", () => {
    const l2 = { ...l2Advertisement("x"), spec: { interface: "eth0" } } as object;
    const { problems } = checkConfiguration({ l2Advertisements: [l2 as never] });
    expect(problems).toMatchObject([{ severity: "warn", field: "spec.interface", rule: "V-S" }]);
  });

  it("refuses the second of two objects with one name, as files may have them", () => {
    const twice = [ipAddressPool("a", ["10.0.0.0/24"]), ipAddressPool("a", ["10.0.1.0/24"])];
    expect(poolNames({ ipAddressPools: twice })).toEqual(["a"]);
    expect(rules({ ipAddressPools: twice })).toContain("V-S");
  });
});
