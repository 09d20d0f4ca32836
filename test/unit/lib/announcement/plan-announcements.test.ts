import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  combinePlans,
  planAnnouncements,
  type AnnouncementEntry,
} from "../../../../lib/announcement/plan-announcements";
import { planService, prepareAnnouncing } from "../../../../lib/announcement/plan-service";
import type {
  AnnouncementSnapshot,
  EndpointSummary,
  ServiceFacts,
} from "../../../../lib/announcement/snapshot";
import { advertisement, configure, node, pool, readyOn, service, snapshot } from "./builders";

describe("planAnnouncements", () => {
  it("gives an entry for each address, with the order of MetalLB", () => {
    const given = snapshot({
      services: [service("web/nginx", { ingressAddresses: ["192.0.2.10", "2001:db8::10"] })],
    });
    const candidates = ["node-c", "node-b", "node-a"];
    expect(planAnnouncements(given, "node-a").entries).toEqual([
      { address: "192.0.2.10", interfaces: "all", candidates },
      { address: "2001:db8::10", interfaces: "all", candidates },
    ]);
  });

  it("plans nothing without Services", () => {
    const planned = planAnnouncements(snapshot({ services: [] }), "node-a");
    expect(planned).toEqual({ entries: [], plans: new Map() });
  });

  it("treats a Service without slices as one without endpoints", () => {
    const planned = planAnnouncements(snapshot({ endpoints: new Map() }), "node-a");
    expect(planned.entries).toEqual([]);
    expect(planned.plans.get("web/nginx")).toMatchObject({ reason: "notOwner" });
  });
});

describe("combinePlans", () => {
  const shared = (key: string, given: Partial<ServiceFacts> = {}): ServiceFacts =>
    service(key, { annotations: { "metallb.io/allow-shared-ip": "key" }, ...given });

  it("gives Services that share an address one entry and one owner", () => {
    const given = snapshot({
      services: [shared("web/b"), shared("web/a")],
      endpoints: new Map([
        ["web/a", readyOn("node-a")],
        ["web/b", readyOn("node-b")],
      ]),
    });
    expect(planAnnouncements(given, "node-b").entries).toEqual([
      { address: "192.0.2.10", interfaces: "all", candidates: ["node-c", "node-b", "node-a"] },
    ]);
  });

  it("prefers a node that is a candidate of all sharers, and every node knows it", () => {
    const given = snapshot({
      services: [
        shared("web/a"),
        shared("web/b", { externalTrafficPolicy: "Local" }),
        shared("web/c", { ingressAddresses: ["192.0.2.11"] }),
      ],
      endpoints: new Map([
        ["web/a", readyOn("node-a")],
        ["web/b", readyOn("node-a")],
      ]),
    });
    for (const nodeName of ["node-a", "node-b", "node-c"]) {
      expect(planAnnouncements(given, nodeName).entries).toEqual([
        { address: "192.0.2.10", interfaces: "all", candidates: ["node-a", "node-c", "node-b"] },
      ]);
    }
  });
});

/** A small world in which everything that matters happens often. */
const world = fc.record({
  nodes: fc.array(
    fc.record({
      zone: fc.constantFrom("x", "y"),
      isNetworkUnavailable: fc.constantFrom(false, false, false, true),
      isExcluded: fc.constantFrom(false, false, false, true),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  advertisements: fc.array(
    fc.record({
      pools: fc.constantFrom<string[]>([], ["first"], ["second"]),
      zones: fc.constantFrom<string[]>([], ["x"], ["x", "y"]),
      tiers: fc.constantFrom<string[]>([], [], ["web"]),
      interfaces: fc.constantFrom<string[]>([], ["eth0"], ["eth1", "eth0"]),
      weight: fc.constantFrom(0, 10, 50),
    }),
    { maxLength: 3 },
  ),
  services: fc.array(
    fc.record({
      type: fc.constantFrom("LoadBalancer", "LoadBalancer", "LoadBalancer", "ClusterIP"),
      loadBalancerClass: fc.constantFrom(undefined, undefined, undefined, "other"),
      addresses: fc.uniqueArray(
        fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1", "198.51.100.1", "nonsense"),
        { maxLength: 2 },
      ),
      isShared: fc.boolean(),
      isLocal: fc.boolean(),
      tier: fc.constantFrom("web", "data"),
      endpointsOn: fc.subarray([0, 1, 2, 3, 4]),
    }),
    { maxLength: 5 },
  ),
  ignoreExcludeLabel: fc.boolean(),
});

type World = typeof world extends fc.Arbitrary<infer Value> ? Value : never;

const nodeNameAt = (index: number): string => `node-${"abcde".charAt(index)}`;
const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

function toSnapshot(given: World): AnnouncementSnapshot {
  const configuration = configure(
    [pool("first", ["192.0.2.0/24", "2001:db8::/64"]), pool("second", ["198.51.100.0/24"])],
    given.advertisements.map((each, index) =>
      advertisement(`advertisement-${index}`, {
        ipAddressPools: each.pools,
        nodeSelectors: each.zones.map(zone => ({ matchLabels: { zone } })),
        serviceSelectors: each.tiers.map(tier => ({ matchLabels: { tier } })),
        interfaces: each.interfaces,
        preferredNodeSelectors:
          each.weight === 0
            ? []
            : [{ weight: each.weight, preference: { matchLabels: { zone: "y" } } }],
      }),
    ),
  );
  const endpoints = new Map<string, EndpointSummary>();
  const services = given.services.map((each, index) => {
    const key = `web/service-${index}`;
    endpoints.set(key, readyOn(...each.endpointsOn.map(nodeNameAt)));
    return service(key, {
      type: each.type,
      loadBalancerClass: each.loadBalancerClass,
      ingressAddresses: each.addresses,
      labels: { tier: each.tier },
      annotations: each.isShared ? { "metallb.universe.tf/allow-shared-ip": "" } : {},
      externalTrafficPolicy: each.isLocal ? "Local" : "Cluster",
    });
  });
  const nodes = given.nodes.map((each, index) =>
    node(nodeNameAt(index), {
      labels: { zone: each.zone, ...(each.isExcluded ? { [EXCLUDE]: "yes" } : {}) },
      isNetworkUnavailable: each.isNetworkUnavailable,
    }),
  );
  const options = { loadBalancerClass: "", ignoreExcludeLabel: given.ignoreExcludeLabel };
  return { configuration, services, endpoints, nodes, options };
}

/** The specification read aloud, one Service and one node at a time, straight from the generated world. */
function isCandidate(given: World, serviceIndex: number, nodeIndex: number): boolean {
  const candidate = given.nodes[nodeIndex]!;
  const wanted = given.services[serviceIndex]!;
  if (!mayBeAnnounced(given, serviceIndex)) return false;
  if (candidate.isNetworkUnavailable) return false;
  if (candidate.isExcluded && !given.ignoreExcludeLabel) return false;
  if (wanted.isLocal && !wanted.endpointsOn.includes(nodeIndex)) return false;
  return collectSlowly(given, serviceIndex).some(
    each => each.zones.length === 0 || each.zones.includes(candidate.zone),
  );
}

function mayBeAnnounced(given: World, serviceIndex: number): boolean {
  const wanted = given.services[serviceIndex]!;
  if (wanted.type !== "LoadBalancer" || wanted.loadBalancerClass !== undefined) return false;
  if (wanted.addresses.length === 0 || wanted.addresses.includes("nonsense")) return false;
  if (wanted.addresses.includes("198.51.100.1") && wanted.addresses.length > 1) return false;
  if (wanted.endpointsOn.length === 0) return false;
  return !wanted.isShared || collectSlowly(given, serviceIndex).every(each => !each.tiers.length);
}

function collectSlowly(given: World, serviceIndex: number): World["advertisements"] {
  const wanted = given.services[serviceIndex]!;
  const poolName = wanted.addresses.includes("198.51.100.1") ? "second" : "first";
  return given.advertisements
    .filter(each => each.pools.length === 0 || each.pools.includes(poolName))
    .filter(each => each.tiers.length === 0 || each.tiers.includes(wanted.tier));
}

function scoreSlowly(given: World, serviceIndex: number, nodeIndex: number): number {
  const { zone } = given.nodes[nodeIndex]!;
  return collectSlowly(given, serviceIndex)
    .filter(each => each.zones.length === 0 || each.zones.includes(zone))
    .reduce((sum, each) => sum + (zone === "y" ? each.weight : 0), 0);
}

/** The election order of each address that exactly one Service uses. */
function ordersSlowly(given: World): Map<string, string[]> {
  const orders = new Map<string, string[]>();
  for (const [index, wanted] of given.services.entries()) {
    const order = given.nodes
      .map((_, nodeIndex) => nodeIndex)
      .filter(nodeIndex => isCandidate(given, index, nodeIndex))
      .map(nodeIndex => ({
        name: nodeNameAt(nodeIndex),
        score: scoreSlowly(given, index, nodeIndex),
        digest: createHash("sha256")
          .update(`${nodeNameAt(nodeIndex)}#${wanted.addresses[0] ?? ""}`)
          .digest(),
      }))
      .sort((left, right) => right.score - left.score || left.digest.compare(right.digest))
      .map(({ name }) => name);
    for (const address of order.length === 0 ? [] : wanted.addresses) orders.set(address, order);
  }
  for (const address of usedTwice(given)) orders.delete(address);
  return orders;
}

function usedTwice(given: World): Set<string> {
  const all = given.services.flatMap(each => each.addresses);
  return new Set(all.filter((address, index) => all.indexOf(address) !== index));
}

function entriesByNode(given: AnnouncementSnapshot): Map<string, readonly AnnouncementEntry[]> {
  return new Map(
    [...given.nodes].map(({ name }) => [name, planAnnouncements(given, name).entries]),
  );
}

describe("properties of the plan", () => {
  test.prop([world], { numRuns: 300 })("agrees with the oracle", given => {
    const orders = ordersSlowly(given);
    const twice = usedTwice(given);
    for (const [name, entries] of entriesByNode(toSnapshot(given))) {
      const expected = [...orders].filter(([, order]) => order.includes(name));
      const actual = entries.filter(entry => !twice.has(entry.address));
      expect(new Map(actual.map(entry => [entry.address, entry.candidates]))).toEqual(
        new Map(expected),
      );
    }
  });

  test.prop([world], { numRuns: 300 })(
    "every candidate sees the same order, itself in it, shared addresses included",
    given => {
      const seen = new Map<string, readonly string[]>();
      for (const [name, entries] of entriesByNode(toSnapshot(given))) {
        for (const { address, candidates } of entries) {
          expect(candidates).toContain(name);
          expect(new Set(candidates).size).toBe(candidates.length);
          expect(seen.get(address) ?? candidates).toEqual(candidates);
          seen.set(address, candidates);
        }
      }
      for (const [address, candidates] of seen) {
        const aware = [...entriesByNode(toSnapshot(given))].filter(([, entries]) =>
          entries.some(entry => entry.address === address),
        );
        expect(aware.map(([name]) => name).sort()).toEqual([...candidates].sort());
      }
    },
  );

  test.prop([world])("the order of the inputs has no influence", given => {
    const forward = toSnapshot(given);
    const backward = {
      ...forward,
      services: [...forward.services].reverse(),
      nodes: [...forward.nodes].reverse(),
      endpoints: new Map([...forward.endpoints].reverse()),
    };
    expect(planAnnouncements(backward, "node-a")).toEqual(planAnnouncements(forward, "node-a"));
  });

  test.prop([world, fc.nat()])("one Service planned alone gives the same", (given, pick) => {
    const whole = toSnapshot(given);
    const planned = planAnnouncements(whole, "node-a");
    const services = [...whole.services];
    const changed = services[pick % Math.max(services.length, 1)];
    fc.pre(changed !== undefined);
    const plans = new Map(planned.plans);
    const endpoints = whole.endpoints.get(changed.key)!;
    plans.set(changed.key, planService(prepareAnnouncing(whole, "node-a"), changed, endpoints));
    expect(combinePlans(plans.values())).toEqual(planned.entries);
  });
});
