import { describe, expect, it } from "vitest";
import { EXCLUDE_LABEL } from "../../../../lib/announcement/candidates";
import { NO_ENDPOINTS } from "../../../../lib/announcement/endpoints";
import {
  planService,
  prepareAnnouncing,
  type ServicePlan,
} from "../../../../lib/announcement/plan-service";
import type {
  AnnouncementSnapshot,
  EndpointSummary,
  ServiceFacts,
} from "../../../../lib/announcement/snapshot";
import { advertisement, configure, node, pool, readyOn, service, snapshot } from "./builders";

function plan(
  given: {
    service?: Partial<ServiceFacts>;
    snapshot?: Partial<AnnouncementSnapshot>;
    endpoints?: EndpointSummary;
  },
  nodeName = "node-a",
): ServicePlan {
  const context = prepareAnnouncing(snapshot(given.snapshot), nodeName);
  return planService(
    context,
    service("web/nginx", given.service),
    given.endpoints ?? readyOn("node-a", "node-b"),
  );
}

function reasonOf(planned: ServicePlan): string {
  return planned.type === "withhold" ? planned.reason : planned.type;
}

function candidatesOf(planned: ServicePlan): string[] {
  return (planned.election?.candidates ?? []).map(({ nodeName }) => nodeName);
}

describe("planService: the checks of the Service, in order (layer 2 §2.1)", () => {
  it("announces a Service with an address of a pool and an endpoint", () => {
    expect(plan({})).toEqual({
      type: "announce",
      key: "web/nginx",
      election: {
        addresses: ["192.0.2.10"],
        key: "192.0.2.10",
        candidates: [
          { nodeName: "node-c", score: 0 },
          { nodeName: "node-b", score: 0 },
          { nodeName: "node-a", score: 0 },
        ],
      },
      interfaces: "all",
    });
  });

  it.each<[string, Partial<ServiceFacts>, string]>([
    ["of another type", { type: "ClusterIP" }, "notLoadBalancer"],
    ["of another class", { loadBalancerClass: "other" }, "otherLoadBalancerClass"],
    ["without an address", { ingressAddresses: [] }, "noIPAllocated"],
    ["with a host name only", { ingressAddresses: [""] }, "invalidIP"],
    ["with a wrong address", { ingressAddresses: ["192.0.2.10", "nine"] }, "invalidIP"],
    ["with an address of no pool", { ingressAddresses: ["203.0.113.1"] }, "ipNotAllowed"],
    [
      "with one address outside",
      { ingressAddresses: ["192.0.2.10", "203.0.113.1"] },
      "ipNotAllowed",
    ],
  ])("withholds a Service %s", (_, given, reason) => {
    expect(reasonOf(plan({ service: given }))).toBe(reason);
  });

  it("asks for one pool that contains all addresses", () => {
    const configuration = configure(
      [pool("four", ["192.0.2.0/24"]), pool("six", ["2001:db8::/64"])],
      [advertisement("all")],
    );
    const given = { ingressAddresses: ["192.0.2.10", "2001:db8::10"] };
    expect(reasonOf(plan({ service: given, snapshot: { configuration } }))).toBe("ipNotAllowed");
    expect(reasonOf(plan({ service: given }))).toBe("announce");
  });

  it("handles only its class when it has one", () => {
    const options = { loadBalancerClass: "herald.dev/lan", ignoreExcludeLabel: false };
    const withClass = { service: { loadBalancerClass: "herald.dev/lan" }, snapshot: { options } };
    expect(reasonOf(plan(withClass))).toBe("announce");
    expect(reasonOf(plan({ snapshot: { options } }))).toBe("otherLoadBalancerClass");
  });

  it("elects by the canonical text of the first address, for all of them", () => {
    const planned = plan({ service: { ingressAddresses: ["2001:DB8:0::10", "192.0.2.10"] } });
    expect(planned.election?.key).toBe("2001:db8::10");
    expect(planned.election?.addresses).toEqual(["2001:db8::10", "192.0.2.10"]);
    expect(candidatesOf(planned)).toEqual(["node-b", "node-a", "node-c"]);
  });
});

describe("planService: should this node announce (layer 2 §2.2)", () => {
  it("withholds a Service no endpoint of which can serve", () => {
    expect(reasonOf(plan({ endpoints: NO_ENDPOINTS }))).toBe("notOwner");
  });

  it("names the pool that no advertisement is for", () => {
    const configuration = configure([pool("first", ["192.0.2.0/24"])], []);
    expect(plan({ snapshot: { configuration } })).toMatchObject({
      reason: "noMatchingAdvertisement",
      message: "no L2Advertisement is for this Service and its IPAddressPool first",
    });
  });

  it("follows the serviceSelectors of the advertisements", () => {
    const configuration = configure(
      [pool("first", ["192.0.2.0/24"])],
      [advertisement("some", { serviceSelectors: [{ matchLabels: { tier: "web" } }] })],
    );
    const matching = { service: { labels: { tier: "web" } }, snapshot: { configuration } };
    expect(reasonOf(plan(matching))).toBe("announce");
    expect(reasonOf(plan({ snapshot: { configuration } }))).toBe("noMatchingAdvertisement");
  });

  it("refuses a shared address that an advertisement selects by serviceSelectors (V-X2)", () => {
    const configuration = configure(
      [pool("first", ["192.0.2.0/24"])],
      [advertisement("some", { serviceSelectors: [{}] }), advertisement("all")],
    );
    for (const prefix of ["metallb.io", "metallb.universe.tf"]) {
      const annotations = { [`${prefix}/allow-shared-ip`]: "" };
      expect(plan({ service: { annotations }, snapshot: { configuration } })).toMatchObject({
        reason: "sharedIPWithServiceSelector",
      });
      expect(reasonOf(plan({ service: { annotations } }))).toBe("announce");
    }
  });

  it("tells a node that no advertisement selects, and still knows who else may", () => {
    const configuration = configure(
      [pool("first", ["192.0.2.0/24"])],
      [
        advertisement("bees", {
          nodeSelectors: [{ matchLabels: { name: "b" } }, { matchLabels: { name: "c" } }],
        }),
      ],
    );
    const nodes = ["a", "b", "c"].map(name => node(`node-${name}`, { labels: { name } }));
    const planned = plan({ snapshot: { configuration, nodes } });
    expect(reasonOf(planned)).toBe("noMatchingAdvertisement");
    expect(candidatesOf(planned)).toEqual(["node-c", "node-b"]);
    expect(reasonOf(plan({ snapshot: { configuration, nodes } }, "node-b"))).toBe("announce");
  });
});

describe("planService: candidates (layer 2 §2.4)", () => {
  it("leaves out a Node whose network is unavailable", () => {
    const nodes = [node("node-a", { isNetworkUnavailable: true }), node("node-b")];
    const planned = plan({ snapshot: { nodes } });
    expect(planned).toMatchObject({
      reason: "notOwner",
      message: "the Node node-a cannot: its condition NetworkUnavailable is True",
    });
    expect(candidatesOf(planned)).toEqual(["node-b"]);
  });

  it("leaves out a Node with the exclude label, whatever its value, unless told otherwise", () => {
    const nodes = [node("node-a"), node("node-b", { labels: { [EXCLUDE_LABEL]: "" } })];
    expect(candidatesOf(plan({ snapshot: { nodes } }))).toEqual(["node-a"]);
    const options = { loadBalancerClass: "", ignoreExcludeLabel: true };
    expect(candidatesOf(plan({ snapshot: { nodes, options } }))).toEqual(["node-b", "node-a"]);
  });

  it("for policy Local keeps only Nodes with a counting endpoint", () => {
    const local = { externalTrafficPolicy: "Local" } as const;
    expect(candidatesOf(plan({ service: local }))).toEqual(["node-b", "node-a"]);
    expect(plan({ service: local }, "node-c")).toMatchObject({
      reason: "notOwner",
      message: "the Node node-c cannot: externalTrafficPolicy is Local and it has no endpoint",
    });
  });

  it("knows nothing of a Node that the cluster does not list", () => {
    expect(plan({}, "stranger")).toMatchObject({ reason: "noMatchingAdvertisement" });
  });

  it("adds up the weights of all preferences of the advertisements that select the Node", () => {
    const configuration = configure(
      [pool("first", ["192.0.2.0/24"])],
      [
        advertisement("one", {
          preferredNodeSelectors: [
            { weight: 10, preference: { matchLabels: { name: "a" } } },
            { weight: 5, preference: {} },
          ],
        }),
        advertisement("two", {
          nodeSelectors: [{ matchLabels: { name: "b" } }],
          preferredNodeSelectors: [{ weight: 20, preference: {} }],
        }),
      ],
    );
    const nodes = ["a", "b", "c"].map(name => node(`node-${name}`, { labels: { name } }));
    expect(plan({ snapshot: { configuration, nodes } }).election?.candidates).toEqual([
      { nodeName: "node-b", score: 25 },
      { nodeName: "node-a", score: 15 },
      { nodeName: "node-c", score: 5 },
    ]);
  });
});

describe("planService: interfaces (layer 2 §2.6)", () => {
  const pools = [pool("first", ["192.0.2.0/24"])];
  const nodes = ["a", "b"].map(name => node(`node-${name}`, { labels: { name } }));
  const onlyA = [{ matchLabels: { name: "a" } }];

  function interfacesOf(planned: ServicePlan): unknown {
    return planned.type === "announce" ? planned.interfaces : planned.reason;
  }

  it("unites those of the advertisements that select this node", () => {
    const configuration = configure(pools, [
      advertisement("one", { interfaces: ["eth1"], nodeSelectors: onlyA }),
      advertisement("two", { interfaces: ["eth0", "eth1"] }),
    ]);
    expect(interfacesOf(plan({ snapshot: { configuration, nodes } }))).toEqual(["eth0", "eth1"]);
  });

  it("ignores an advertisement without interfaces that is for other nodes", () => {
    const configuration = configure(pools, [
      advertisement("one", { nodeSelectors: onlyA }),
      advertisement("two", { interfaces: ["eth0"] }),
    ]);
    const given = { snapshot: { configuration, nodes } };
    expect(interfacesOf(plan(given, "node-a"))).toBe("all");
    expect(interfacesOf(plan(given, "node-b"))).toEqual(["eth0"]);
  });
});
