/** Acceptance cases of allocation, by number, on a cluster in memory. */
import { describe, expect, it } from "vitest";
import type { Pool } from "../../../../lib/config/configuration";
import { DUAL, pool, service, V4 } from "../../../support/services";
import { A, C, E, ALL, LB_IPS, POOL, settledWorlds } from "./cases";

const world = settledWorlds();

describe("two families", () => {
  it("18: RequireDualStack", () => {
    const c = world(ALL);
    c.apply(service("s", { clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" }));
    expect([c.addressesOf("s"), c.poolOf("s")]).toEqual([["5.5.5.0", "1001::"], "E"]);
  });

  it("19: PreferDualStack takes one of the primary family", () => {
    const c = world([A, C]);
    const prefer = { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" };
    c.apply(service("v4", prefer), service("v6", { ...prefer, ipFamilies: ["IPv6", "IPv4"] }));
    expect([c.addressesOf("v4"), c.addressesOf("v6")]).toEqual([["1.2.3.0"], ["1000::"]]);
  });

  it("20, 21: PreferDualStack takes a pair, or what the requested pool has", () => {
    const c = world([A, C, E]);
    const prefer = { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" };
    c.apply(service("pair", prefer), service("one", { ...prefer, annotations: { [POOL]: "A" } }));
    expect([c.addressesOf("pair"), c.addressesOf("one")]).toEqual([
      ["5.5.5.0", "1001::"],
      ["1.2.3.0"],
    ]);
  });

  it("22: PreferDualStack with one cluster IP never flaps (D1)", () => {
    const c = world(ALL);
    c.apply(service("s", { ipFamilyPolicy: "PreferDualStack", annotations: { [POOL]: "E" } }));
    for (let count = 0; count < 10; count += 1) c.reconcile("s");
    expect([c.addressesOf("s"), c.activity().writes]).toEqual([["5.5.5.0"], 1]);
  });

  it("23: RequireDualStack with one cluster IP", () => {
    const c = world(ALL);
    c.apply(service("s", { ipFamilyPolicy: "RequireDualStack" }), service("held"));
    c.change("held", { ipFamilyPolicy: "RequireDualStack" });
    expect([c.addressesOf("s"), c.addressesOf("held")]).toEqual(["-", "-"]);
    expect(c.reasonsOf("s")).toEqual(["not enough clusterips"]);
    expect(c.messagesOf("held")).toContain("10.96.0.10");
  });

  it.each(["PreferDualStack", "RequireDualStack"])("24: one address for %s is refused", policy => {
    const c = world(ALL);
    const dual = { clusterIps: DUAL, ipFamilyPolicy: policy };
    c.apply(
      service("field", { ...dual, loadBalancerIp: "5.5.5.1" }),
      service("text", { ...dual, annotations: { [LB_IPS]: "5.5.5.1" } }),
    );
    expect([c.addressesOf("field"), c.addressesOf("text")]).toEqual(["-", "-"]);
    expect(c.events.map(event => event.reason)).toEqual(["AllocationFailed", "AllocationFailed"]);
  });

  it.each(["5.5.5.0,1001::", "1001::,5.5.5.0"])("25: %s keeps its order", value => {
    const c = world(ALL);
    c.apply(
      service("s", {
        clusterIps: DUAL,
        ipFamilyPolicy: "RequireDualStack",
        annotations: { [LB_IPS]: value },
      }),
    );
    for (let count = 0; count < 10; count += 1) c.reconcile("s");
    expect(c.addressesOf("s")).toEqual(value.split(","));
    c.restart();
    expect(c.addressesOf("s")).toEqual(value.split(","));
  });

  it("26: a pair from two pools is refused", () => {
    const c = world(ALL);
    c.apply(
      service("s", {
        clusterIps: DUAL,
        ipFamilyPolicy: "PreferDualStack",
        annotations: { [LB_IPS]: "1.2.3.0,1000::" },
      }),
    );
    expect([c.addressesOf("s"), c.reasonsOf("s")]).toEqual(["-", ["AllocationFailed"]]);
  });

  it("41: the other family is added when the pool gains it", () => {
    const c = world([pool("E1", ["5.5.5.0/31"])]);
    c.apply(service("s", { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" }));
    expect(c.addressesOf("s")).toEqual(["5.5.5.0"]);
    c.load([pool("E1", ["5.5.5.0/31", "1001::/127"])]);
    expect(c.addressesOf("s")).toEqual(["5.5.5.0", "1001::"]);
    expect(c.events.at(-1)).toMatchObject({ reason: "IPAllocated" });
    expect(c.events.at(-1)?.message).toContain("1001::");
  });

  it("42: from Prefer to Require and back with one family", () => {
    const c = world([A]);
    c.apply(service("s", { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" }));
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    c.change("s", { ipFamilyPolicy: "RequireDualStack" });
    expect(c.addressesOf("s")).toBe("-");
    expect(c.reasonsOf("s")).toContain("AllocationFailed");
    c.change("s", { ipFamilyPolicy: "PreferDualStack" });
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
  });

  it.each([
    ["PreferDualStack", true, ["5.5.5.0", "1001::"]],
    ["RequireDualStack", true, ["5.5.5.0", "1001::"]],
    ["PreferDualStack", false, ["1002::"]],
    ["RequireDualStack", false, "-"],
  ] as const)("43: a pool loses a family: %s, another dual pool: %s", (policy, hasE, expected) => {
    const more = hasE ? [E] : [];
    const c = world([pool("X", ["6.6.6.0/31", "1002::/127"]), ...more]);
    c.apply(
      service("s", { clusterIps: DUAL, ipFamilyPolicy: policy, annotations: { [POOL]: "X" } }),
    );
    c.annotate("s", POOL, undefined);
    expect(c.addressesOf("s")).toEqual(["6.6.6.0", "1002::"]);
    c.load([pool("X", ["1002::/127"]), ...more]);
    expect(c.addressesOf("s")).toEqual(expected);
    expect(c.reasonsOf("s")).toContain("ClearAssignment");
  });

  it("44: another pool does not move a Service with one address", () => {
    const c = world([A]);
    c.apply(service("s", { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" }));
    c.load([A, E]);
    c.pass();
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    const failures = c.reasonsOf("s").filter(reason => reason === "AdditionalAssignFailed");
    expect(failures.length).toBeLessThanOrEqual(1);
  });

  it("a pair whose Service becomes single-stack keeps the fitting half", () => {
    const c = world([E]);
    c.apply(service("first", { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" }));
    c.apply(service("s", { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" }));
    c.delete("first");
    c.change("s", { clusterIps: V4, ipFamilyPolicy: "SingleStack" });
    expect(c.addressesOf("s")).toEqual(["5.5.5.1"]);
  });

  it("from Prefer with one address to Require keeps it when its pool has the other family", () => {
    const c = world([E]);
    c.apply(service("first"), service("s"));
    c.delete("first");
    c.change("s", { clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" });
    expect(c.addressesOf("s")).toEqual(["5.5.5.1", "1001::"]);
  });
});

describe("pinned pools", () => {
  const pins = [
    A,
    pool("P1", ["10.1.0.0/32"], { serviceAllocation: { namespaces: ["team"], priority: 10 } }),
    pool("P2", ["10.2.0.0/32"], { serviceAllocation: { namespaces: ["team"], priority: 11 } }),
    pool("P3", ["10.3.0.0/30"], {
      serviceAllocation: { serviceSelectors: [{ matchLabels: { x: "y" } }], priority: 9 },
    }),
    pool("P4", ["10.4.0.0/32"], {
      serviceAllocation: {
        namespaces: ["team"],
        serviceSelectors: [{ matchLabels: { x: "y" } }],
        priority: 5,
      },
    }),
    pool("P5", ["10.5.0.0/32"], { serviceAllocation: { namespaces: ["team"] } }),
  ];
  const labels = { x: "y" };

  it("28: by priority, then open pools", () => {
    const c = world(pins);
    const names = ["t1", "t2", "t3", "t4"];
    for (const name of names) c.apply(service(name, { namespace: "team" }));
    expect(names.map(name => c.addressesOf(`team/${name}`))).toEqual([
      ["10.1.0.0"],
      ["10.2.0.0"],
      ["10.5.0.0"],
      ["1.2.3.0"],
    ]);
    c.apply(
      service("x1", { namespace: "team", labels }),
      service("x2", { namespace: "team", labels }),
    );
    expect([c.addressesOf("team/x1"), c.addressesOf("team/x2")]).toEqual([
      ["10.4.0.0"],
      ["10.3.0.0"],
    ]);
    c.apply(service("o1", { namespace: "other", labels }), service("o2", { namespace: "other" }));
    expect([c.addressesOf("other/o1"), c.addressesOf("other/o2")]).toEqual([
      ["10.3.0.1"],
      ["1.2.3.1"],
    ]);
  });

  it.each([{ [POOL]: "P1" }, { [LB_IPS]: "10.1.0.0" }])("29: %j is refused elsewhere", request => {
    const c = world(pins);
    c.apply(service("s", { namespace: "other", annotations: request }));
    expect([c.addressesOf("other/s"), c.reasonsOf("other/s")]).toEqual(["-", ["AllocationFailed"]]);
  });

  it("30: a pin without conditions admits everybody", () => {
    const c = world([A, pool("Q", ["10.6.0.0/32"], { serviceAllocation: { priority: 5 } })]);
    c.apply(service("s1"), service("s2"));
    expect([c.addressesOf("s1"), c.addressesOf("s2")]).toEqual([["10.6.0.0"], ["1.2.3.0"]]);
  });

  it("50: equal priorities by name, whatever the order of the pools (D3)", () => {
    const pinned = { serviceAllocation: { namespaces: ["ns1"] } };
    const pools = [
      pool("z", ["10.9.0.0/32"]),
      pool("m", ["10.8.0.0/32"]),
      pool("q", ["10.10.0.0/32"], pinned),
      pool("p", ["10.11.0.0/32"], pinned),
    ];
    for (let run = 0; run < 20; run += 1) {
      const turned = [...pools.slice(run % 4), ...pools.slice(0, run % 4)];
      const c = world(run % 2 === 0 ? turned : turned.reverse());
      const names = ["s1", "s2", "s3", "s4"];
      for (const name of names) c.apply(service(name));
      expect(names.flatMap(name => c.addressesOf(name))).toEqual([
        "10.11.0.0",
        "10.10.0.0",
        "10.8.0.0",
        "10.9.0.0",
      ]);
    }
  });

  it.each([[], [{ matchLabels: { x: "y" } }]])(
    "51: selectors without namespace close (D5) %j",
    (...selectors) => {
      const namespaceSelectors = [{ matchLabels: { no: "where" } }];
      const N = pool("N", ["10.7.0.0/30"], {
        serviceAllocation: { namespaceSelectors, serviceSelectors: selectors },
      });
      const c = world([N]);
      c.apply(
        service("auto", { labels }),
        service("pool", { labels, annotations: { [POOL]: "N" } }),
        service("ip", { labels, annotations: { [LB_IPS]: "10.7.0.1" } }),
      );
      expect(["auto", "pool", "ip"].map(name => c.addressesOf(name))).toEqual(["-", "-", "-"]);
    },
  );

  it("the labels of the namespace decide, and who is no longer admitted moves", () => {
    const T = pool("T", ["10.7.0.0/30"], {
      serviceAllocation: { namespaceSelectors: [{ matchLabels: { team: "a" } }] },
    });
    const c = world([A, T]);
    c.load([A, T], new Map([["ns1", { team: "a" }]]));
    c.apply(service("s"));
    expect(c.addressesOf("s")).toEqual(["10.7.0.0"]);
    c.load([A, T], new Map([["ns1", { team: "b" }]]));
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    expect(c.reasonsOf("s")).toEqual(["IPAllocated", "ClearAssignment", "IPAllocated"]);
  });

  it("priority 0 and negative ones come after every positive one", () => {
    const at = (name: string, address: string, priority: number): Pool =>
      pool(name, [address], { serviceAllocation: { priority } });
    const c = world([at("a", "10.0.0.1", -5), at("b", "10.0.0.2", 0), at("z", "10.0.0.3", 900)]);
    c.apply(service("s1"), service("s2"), service("s3"));
    expect(["s1", "s2", "s3"].flatMap(name => c.addressesOf(name))).toEqual([
      "10.0.0.3",
      "10.0.0.1",
      "10.0.0.2",
    ]);
  });
});
