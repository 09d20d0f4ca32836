import { describe, expect, it } from "vitest";
import {
  countEndpoints,
  planRoutes,
  type RoutedService,
  type RoutePlan,
} from "../../../../lib/announcement/plan-routes";
import type { EndpointSummary, ServiceFacts } from "../../../../lib/announcement/snapshot";
import {
  bgpAdvertisement,
  bgpContext,
  bgpPeer,
  node,
  pool,
  readyOn,
  service,
  type BgpWorld,
} from "./builders";

const EVERYTHING = { advertisements: [bgpAdvertisement("all")] };

function plan(
  world: BgpWorld,
  given: Partial<ServiceFacts> = {},
  endpoints: EndpointSummary = readyOn("node-a"),
): RoutePlan {
  return planRoutes(bgpContext(world), service("web/nginx", given), endpoints);
}

function routed(...given: Parameters<typeof plan>): RoutedService {
  const planned = plan(...given);
  if (planned.type !== "announce") throw new Error(planned.message);
  return planned;
}

/** Prefix and peers of each contribution. */
function routes(...given: Parameters<typeof plan>): string[] {
  return routed(...given).contributions.map(({ key, peers }) => `${key} → ${peers.join(" ")}`);
}

describe("whether this node announces a Service by BGP", () => {
  const selecting = (value: string) => [{ matchLabels: { rack: value } }];

  it.each<[string, BgpWorld, Partial<ServiceFacts>, EndpointSummary, string, string]>([
    ["another type", EVERYTHING, { type: "ClusterIP" }, readyOn("node-a"), "notLoadBalancer", ""],
    [
      "another class",
      EVERYTHING,
      { loadBalancerClass: "other" },
      readyOn("node-a"),
      "otherLoadBalancerClass",
      "",
    ],
    ["no address", EVERYTHING, { ingressAddresses: [] }, readyOn("node-a"), "noIPAllocated", ""],
    ["no IP", EVERYTHING, { ingressAddresses: ["x"] }, readyOn("node-a"), "invalidIP", ""],
    [
      "an address of no pool",
      EVERYTHING,
      { ingressAddresses: ["198.51.100.1"] },
      readyOn("node-a"),
      "ipNotAllowed",
      "",
    ],
    [
      "no advertisement of the pool",
      { advertisements: [] },
      {},
      readyOn("node-a"),
      "notOwner",
      "no BGPAdvertisement is for IPAddressPool first",
    ],
    [
      "no advertisement selects the node",
      { advertisements: [bgpAdvertisement("rack", { nodeSelectors: selecting("1") })] },
      {},
      readyOn("node-a"),
      "notOwner",
      "no BGPAdvertisement of IPAddressPool first selects the Node node-a",
    ],
    [
      "no advertisement selects the Service",
      { advertisements: [bgpAdvertisement("some", { serviceSelectors: selecting("1") })] },
      {},
      readyOn("node-a"),
      "noMatchingAdvertisement",
      "no BGPAdvertisement of IPAddressPool first selects the Service by its labels",
    ],
    [
      "two values of localPref",
      {
        advertisements: [
          bgpAdvertisement("one", { localPref: 100, serviceSelectors: [{}] }),
          bgpAdvertisement("two", { localPref: 200, serviceSelectors: [{}] }),
        ],
      },
      {},
      readyOn("node-a"),
      "conflictingAdvertisements",
      "BGPAdvertisements one and two give the route 192.0.2.10/32 two values of localPref, 100 and 200, for one peer",
    ],
    [
      "the node has no network",
      { ...EVERYTHING, node: node("node-a", { isNetworkUnavailable: true }) },
      {},
      readyOn("node-a"),
      "nodeNetworkUnavailable",
      "condition NetworkUnavailable of the Node node-a is True",
    ],
    [
      "the node is excluded",
      {
        ...EVERYTHING,
        node: node("node-a", {
          labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" },
        }),
      },
      {},
      readyOn("node-a"),
      "nodeLabeledExcludeBalancers",
      "the Node node-a carries the label node.kubernetes.io/exclude-from-external-load-balancers",
    ],
    [
      "the machine shuts down",
      { ...EVERYTHING, node: node("node-a", { isShuttingDown: true }) },
      {},
      readyOn("node-a"),
      "nodeShuttingDown",
      "the Node node-a shuts down",
    ],
    [
      "policy Local without an endpoint here",
      EVERYTHING,
      { externalTrafficPolicy: "Local" },
      readyOn("node-b"),
      "noLocalEndpoints",
      "externalTrafficPolicy is Local and no endpoint on the Node node-a is ready or serving",
    ],
    [
      "no endpoint at all",
      EVERYTHING,
      {},
      readyOn(),
      "noEndpoints",
      "no endpoint of the Service is ready or serving",
    ],
    [
      "no peer",
      { ...EVERYTHING, peers: [] },
      {},
      readyOn("node-a"),
      "noPeer",
      "no BGPPeer selects the Node node-a",
    ],
    [
      "only peers of the other family",
      { ...EVERYTHING, peers: [bgpPeer("six", { peerAddress: "2001:db8:1::1" })] },
      {},
      readyOn("node-a"),
      "noPeer",
      "no BGPPeer of the Node node-a that the advertisements name carries routes for 192.0.2.10",
    ],
  ])("%s", (...[, world, given, endpoints, reason, message]) => {
    const planned = plan(world, given, endpoints);
    expect(planned).toMatchObject({ type: "withhold", reason });
    if (message !== "") expect(planned).toMatchObject({ message });
  });

  it("announces with policy Cluster from a node without endpoints", () => {
    expect(plan(EVERYTHING, {}, readyOn("node-b")).type).toBe("announce");
  });

  it("announces from an excluded node when told to", () => {
    const labels = { "node.kubernetes.io/exclude-from-external-load-balancers": "" };
    const excluded = { ...EVERYTHING, node: node("node-a", { labels }), ignoreExcludeLabel: true };
    expect(plan(excluded).type).toBe("announce");
  });

  it("gives the same localPref twice without a conflict", () => {
    const advertisements = ["one", "two"].map(name =>
      bgpAdvertisement(name, { localPref: 100, serviceSelectors: [{}] }),
    );
    expect(plan({ advertisements }).type).toBe("announce");
  });

  it("sees no conflict between advertisements for different peers", () => {
    const advertisements = [
      bgpAdvertisement("one", { localPref: 100, serviceSelectors: [{}], peers: ["left"] }),
      bgpAdvertisement("two", { localPref: 200, serviceSelectors: [{}], peers: ["right"] }),
    ];
    const peers = [bgpPeer("left"), bgpPeer("right", { peerAddress: "192.168.1.2" })];
    expect(routes({ advertisements, peers })).toEqual([
      "192.0.2.10/32 → left",
      "192.0.2.10/32 → right",
    ]);
  });

  it("sees no conflict between different aggregates", () => {
    const advertisements = [
      bgpAdvertisement("host", { localPref: 200 }),
      bgpAdvertisement("net", { localPref: 100, aggregationLength: 26, aggregationLengthV6: 100 }),
    ];
    expect(routes({ advertisements })).toEqual(["192.0.2.10/32 → router", "192.0.2.0/26 → router"]);
  });
});

describe("the routes of a Service", () => {
  it("masks each address to the aggregation length of its family", () => {
    const world = {
      advertisements: [
        bgpAdvertisement("net", { aggregationLength: 28, aggregationLengthV6: 124 }),
      ],
      peers: [bgpPeer("router", { dualStackAddressFamily: true })],
    };
    expect(routes(world, { ingressAddresses: ["192.0.2.77", "2001:db8::beef"] })).toEqual([
      "192.0.2.64/28 → router",
      "2001:db8::bee0/124 → router",
    ]);
  });

  it("gives a peer the families its session has, and says which addresses nobody carries", () => {
    const peers = [
      bgpPeer("dual", { peerAddress: "192.168.1.3", dualStackAddressFamily: true }),
      bgpPeer("four"),
      bgpPeer("link", { peerAddress: "", interface: "eth0" }),
      bgpPeer("six", { peerAddress: "2001:db8:1::1" }),
    ];
    const ingressAddresses = ["192.0.2.10", "2001:db8::10"];
    const mixed = routed({ ...EVERYTHING, peers }, { ingressAddresses });
    expect(mixed.contributions.map(({ key, peers: names }) => [key, names])).toEqual([
      ["192.0.2.10/32", ["dual", "four", "link"]],
      ["2001:db8::10/128", ["dual", "link", "six"]],
    ]);
    expect(mixed).toMatchObject({ peers: ["dual", "four", "link", "six"], unroutable: [] });
    const narrow = routed({ ...EVERYTHING, peers: [bgpPeer("four")] }, { ingressAddresses });
    expect(narrow).toMatchObject({ peers: ["four"], unroutable: ["2001:db8::10"] });
  });

  it("goes to the peers that are named, without those that nobody has or that select other nodes", () => {
    const elsewhere = [{ matchLabels: { rack: "2" } }];
    const peers = [bgpPeer("here"), bgpPeer("there", { nodeSelectors: elsewhere })];
    const advertisements = [bgpAdvertisement("all", { peers: ["nobody", "there", "here"] })];
    expect(routes({ advertisements, peers })).toEqual(["192.0.2.10/32 → here"]);
  });

  it("applies advertisements by name of the pool, by its labels, and to all pools", () => {
    const pools = [
      pool("blue", ["192.0.2.0/24"], { colour: "blue" }),
      pool("red", ["198.51.100.0/24"], { colour: "red" }),
    ];
    const advertisements = [
      bgpAdvertisement("by-label", {
        ipAddressPoolSelectors: [{ matchLabels: { colour: "red" } }],
        aggregationLength: 25,
      }),
      bgpAdvertisement("by-name", { ipAddressPools: ["blue"], aggregationLength: 26 }),
      bgpAdvertisement("every"),
    ];
    const world = { pools, advertisements };
    const at = (address: string) => routes(world, { ingressAddresses: [address] });
    expect(at("192.0.2.10")).toEqual(["192.0.2.0/26 → router", "192.0.2.10/32 → router"]);
    expect(at("198.51.100.200")).toEqual([
      "198.51.100.128/25 → router",
      "198.51.100.200/32 → router",
    ]);
  });

  it("carries communities of both sizes, sorted, and localPref unless it is 0", () => {
    const communities = [
      {
        metadata: { name: "aliases", namespace: "metallb-system" },
        spec: { communities: [{ name: "blackhole", value: "65535:666" }] },
      },
    ];
    const advertisements = [
      bgpAdvertisement("all", {
        localPref: 0,
        communities: ["blackhole", "large:64512:1:2", "64512:100"],
      }),
    ];
    const [contribution] = routed({ advertisements, communities }).contributions;
    expect(contribution?.values).toEqual({
      communities: [0xfc00_0064, 0xffff_029a],
      largeCommunities: [{ global: 64512, data1: 1, data2: 2 }],
    });
    const preferred = routed({ advertisements: [bgpAdvertisement("all", { localPref: 300 })] });
    expect(preferred.contributions[0]?.values).toMatchObject({ localPreference: 300 });
  });
});

describe("options that MetalLB does not have", () => {
  it("become attributes of the routes", () => {
    const options = { multiExitDisc: 20, asPathPrepend: 2, weightByEndpoints: true };
    const endpoints = readyOn("node-a", "node-a", "node-b");
    const planned = routed({ advertisements: [bgpAdvertisement("all", options)] }, {}, endpoints);
    expect(planned.contributions[0]).toMatchObject({
      values: { multiExitDisc: 20, asPathPrepend: 2 },
      weight: 2,
    });
  });

  it("give a Service the attributes of the first entry that selects it, and the rest of its advertisement", () => {
    const gold = [{ matchLabels: { tier: "gold" } }];
    const advertisements = [
      bgpAdvertisement("all", {
        localPref: 100,
        communities: ["64512:1"],
        serviceAttributes: [
          { serviceSelectors: gold, localPref: 300 },
          { serviceSelectors: [{}], communities: [] },
        ],
      }),
    ];
    const valuesOf = (labels: Record<string, string>) =>
      routed({ advertisements }, { labels }).contributions[0]?.values;
    expect(valuesOf({ tier: "gold" })).toEqual({
      localPreference: 300,
      communities: [0xfc00_0001],
      largeCommunities: [],
    });
    expect(valuesOf({})).toEqual({
      localPreference: 100,
      communities: [],
      largeCommunities: [],
    });
  });

  it("let a backup differ in localPref from what it stands behind", () => {
    const advertisements = [
      bgpAdvertisement("last", { localPref: 50, backup: true, serviceSelectors: [{}] }),
      bgpAdvertisement("main", { localPref: 200, serviceSelectors: [{}] }),
    ];
    expect(routed({ advertisements }).contributions.map(({ isBackup }) => isBackup)).toEqual([
      true,
      false,
    ]);
  });
});

describe("countEndpoints", () => {
  it("counts what is on the node", () => {
    expect(countEndpoints(readyOn("node-a", "node-b", "node-b"), "node-b")).toBe(2);
    expect(countEndpoints(readyOn("node-a"), "node-a")).toBe(1);
    expect(countEndpoints(readyOn("node-a"), "node-b")).toBe(0);
  });
});
