/** Acceptance cases of allocation, by number, on a cluster in memory. */
import { describe, expect, it } from "vitest";
import { countPools } from "../../../../lib/allocation/counters";
import { pool, service, V4, V6 } from "../../../support/services";
import { A, B, C, D, ALL, LB_IPS, POOL, settledWorlds } from "./cases";

const world = settledWorlds();

describe("requests", () => {
  it("1: clears a ClusterIP Service", () => {
    const c = world(ALL);
    c.apply(
      service("bare", { type: "ClusterIP" }),
      service("stale", { type: "ClusterIP", ingress: ["1.2.3.0"], allocatedFrom: "A" }),
    );
    expect([c.addressesOf("bare"), c.addressesOf("stale")]).toEqual(["-", "-"]);
    expect(c.events).toEqual([]);
  });

  it("2: gives the lowest first, and what is freed to who waits", () => {
    const c = world([A]);
    c.apply(service("s1"), service("s2"), service("s3"));
    expect(["s1", "s2", "s3"].map(name => c.addressesOf(name))).toEqual([
      ["1.2.3.0"],
      ["1.2.3.1"],
      "-",
    ]);
    expect(c.reasonsOf("s3")).toEqual(["AllocationFailed"]);
    c.delete("s1");
    expect(c.addressesOf("s3")).toEqual(["1.2.3.0"]);
    expect(c.reasonsOf("s3")).toEqual(["AllocationFailed", "IPAllocated"]);
  });

  it("3: spec.loadBalancerIP", () => {
    const c = world(ALL);
    c.apply(service("s", { loadBalancerIp: "1.2.3.1" }));
    expect([c.addressesOf("s"), c.poolOf("s")]).toEqual([["1.2.3.1"], "A"]);
  });

  it.each([
    ["metallb.io", "1.2.3.1"],
    ["metallb.io", " 1.2.3.1 "],
    ["metallb.universe.tf", "1.2.3.1"],
    ["metallb.universe.tf", " 1.2.3.1 "],
  ])("4: %s/loadBalancerIPs %j", (prefix, value) => {
    const c = world(ALL);
    c.apply(service("s", { annotations: { [`${prefix}/loadBalancerIPs`]: value } }));
    expect(c.addressesOf("s")).toEqual(["1.2.3.1"]);
  });

  it("5: field and annotation together are refused, even when equal", () => {
    const c = world(ALL);
    c.apply(service("s", { loadBalancerIp: "1.2.3.1", annotations: { [LB_IPS]: "1.2.3.1" } }));
    expect([c.addressesOf("s"), c.reasonsOf("s")]).toEqual(["-", ["AllocationFailed"]]);
  });

  const wrong = ["hello", "1.2.3.0,", "1.2.3.0,1.2.3.1", "1.2.3.0,1000::,1.2.3.1"];
  it.each([
    { loadBalancerIp: "hello" },
    ...wrong.map(value => ({ annotations: { [LB_IPS]: value } })),
    { annotations: { [LB_IPS]: "192.0.2.10/32" } },
    { annotations: { [LB_IPS]: "0x7f.1" } },
    { annotations: { [LB_IPS]: "x".repeat(10_000) } },
    { loadBalancerIp: " 1.2.3.1" },
  ])("6: %j cannot be read", fields => {
    const c = world(ALL);
    c.apply(service("s", fields));
    expect([c.addressesOf("s"), c.reasonsOf("s")]).toEqual(["-", ["AllocationFailed"]]);
    expect(c.messagesOf("s").length).toBeLessThan(1_000);
    c.apply(service("held"));
    c.change("held", fields);
    expect(c.addressesOf("held")).toEqual(["1.2.3.0"]);
    expect(c.reasonsOf("held")).toEqual(["IPAllocated", "LoadBalancerFailed"]);
  });

  it("7: a requested address outside the requested pool books nothing", () => {
    const c = world(ALL);
    c.apply(service("s", { annotations: { [LB_IPS]: "1.2.3.1", [POOL]: "B" } }));
    expect([c.addressesOf("s"), c.reasonsOf("s")]).toEqual(["-", ["AllocationFailed"]]);
    expect(c.messagesOf("s")).toContain('"B"');
    c.apply(service("second", { loadBalancerIp: "1.2.3.1" }));
    expect(c.addressesOf("second")).toEqual(["1.2.3.1"]);
  });

  it("8: a wish that cannot be met keeps the address (D7)", () => {
    const c = world(ALL);
    c.apply(service("s", { loadBalancerIp: "1.2.3.1" }));
    c.change("s", { loadBalancerIp: "9.9.9.9" });
    expect(c.addressesOf("s")).toEqual(["1.2.3.1"]);
    expect(c.reasonsOf("s")).toEqual(["IPAllocated", "AllocationFailed"]);
  });

  it.each([{ [POOL]: "B" }, { [POOL]: "B", [LB_IPS]: "3.4.5.6" }])("9: %j", annotations => {
    const c = world(ALL);
    c.apply(service("s", { annotations }));
    expect([c.addressesOf("s"), c.poolOf("s")]).toEqual([["3.4.5.6"], "B"]);
  });

  it("10: moves to the requested pool and stays when the request goes", () => {
    const c = world(ALL);
    c.apply(service("s"));
    c.annotate("s", POOL, "B");
    expect([c.addressesOf("s"), c.poolOf("s")]).toEqual([["3.4.5.6"], "B"]);
    c.annotate("s", POOL, undefined);
    expect([c.addressesOf("s"), c.poolOf("s")]).toEqual([["3.4.5.6"], "B"]);
  });

  it("11: an unknown pool is named", () => {
    const c = world(ALL);
    c.apply(service("s", { annotations: { [POOL]: "does-not-exist" } }));
    expect([c.addressesOf("s"), c.reasonsOf("s")]).toEqual(["-", ["AllocationFailed"]]);
    expect(c.messagesOf("s")).toContain("does-not-exist");
  });

  it("16: the family must be the Service's", () => {
    const c = world(ALL);
    c.apply(
      service("v4", { loadBalancerIp: "1000::1" }),
      service("v6", { clusterIps: V6, loadBalancerIp: "1.2.3.1" }),
    );
    expect(["v4", "v6"].map(name => c.addressesOf(name))).toEqual(["-", "-"]);
    expect(c.events.map(event => event.reason)).toEqual(["AllocationFailed", "AllocationFailed"]);
  });

  it("47: the deprecated prefix works and is noticed once", () => {
    const c = world(ALL);
    c.apply(service("s", { annotations: { "metallb.universe.tf/address-pool": "B" } }));
    for (let count = 0; count < 10; count += 1) c.reconcile("s");
    expect(c.addressesOf("s")).toEqual(["3.4.5.6"]);
    expect(c.reasonsOf("s")).toEqual(["IPAllocated", "deprecatedAnnotation"]);
    expect(c.messagesOf("s")).toContain("metallb.universe.tf/address-pool");
  });

  it("49: a present current key wins, even empty", () => {
    const c = world(ALL);
    c.apply(service("s", { annotations: { [POOL]: "", "metallb.universe.tf/address-pool": "B" } }));
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    expect(c.reasonsOf("s")).toContain("deprecatedAnnotation");
  });
});

describe("classes", () => {
  it("45: only our class is touched", () => {
    const c = world(ALL);
    c.apply(
      service("empty", { loadBalancerClass: "a" }),
      service("filled", { loadBalancerClass: "a", ingress: ["203.0.113.9"] }),
    );
    expect([c.addressesOf("empty"), c.addressesOf("filled")]).toEqual(["-", ["203.0.113.9"]]);
    expect(c.activity()).toEqual({ writes: 0, events: 0 });
    const d = world(ALL, { lbClass: "a" });
    d.apply(
      service("none"),
      service("a", { loadBalancerClass: "a" }),
      service("b", { loadBalancerClass: "b" }),
    );
    expect(["none", "a", "b"].map(name => d.addressesOf(name))).toEqual(["-", ["1.2.3.0"], "-"]);
  });

  it("54: a Service that leaves our class gives its address back unseen (D11)", () => {
    const c = world(ALL);
    c.apply(service("s"));
    c.change("s", { loadBalancerClass: "other" });
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    expect(c.writes.get("ns1/s")).toBe(1);
    c.apply(service("next"));
    expect(c.addressesOf("next")).toEqual(["1.2.3.0"]);
  });

  it("a Service that was ours is cleared when its type changes, also with a class", () => {
    const c = world(ALL, { lbClass: "a" });
    c.apply(service("s", { loadBalancerClass: "a" }));
    c.change("s", { type: "ClusterIP", loadBalancerClass: undefined });
    expect(c.addressesOf("s")).toBe("-");
  });
});

describe("numbers and reasons", () => {
  it("35: avoidBuggyIPs", () => {
    const c = world([pool("F", ["1.2.4.0/24"], { avoidBuggyIps: true })]);
    c.apply(
      service("r0", { loadBalancerIp: "1.2.4.0" }),
      service("r255", { loadBalancerIp: "1.2.4.255" }),
    );
    expect(c.events.map(event => event.reason)).toEqual(["AllocationFailed", "AllocationFailed"]);
    for (let count = 1; count <= 255; count += 1) c.apply(service(`s${count}`));
    expect(c.addressesOf("s1")).toEqual(["1.2.4.1"]);
    expect(c.addressesOf("s254")).toEqual(["1.2.4.254"]);
    expect(c.addressesOf("s255")).toBe("-");
    expect(countPools(c.allocator.book)[0]?.ipv4).toEqual({
      capacity: 254n,
      assigned: 254n,
      available: 0n,
    });
  });

  it("48: several entries and families in one pool", () => {
    const c = world([
      pool("K", ["192.168.10.0/24", "192.168.9.1-192.168.9.5", "fc00:f853:0ccd:e799::/124"]),
    ]);
    c.apply(service("v4"), service("v6", { clusterIps: V6 }));
    expect([c.addressesOf("v4"), c.addressesOf("v6")]).toEqual([
      ["192.168.10.0"],
      ["fc00:f853:ccd:e799::"],
    ]);
    expect(countPools(c.allocator.book)[0]).toMatchObject({
      ipv4: { capacity: 261n, available: 260n },
      ipv6: { capacity: 16n, available: 15n },
    });
  });

  it("56: reasons per pool, one event per state (D9, D10)", () => {
    const c = world([A, B, C, D]);
    c.apply(service("s1"), service("s2"), service("s3"));
    for (let count = 0; count < 5; count += 1) c.reconcile("s3");
    expect(c.reasonsOf("s3")).toEqual(["AllocationFailed"]);
    expect(c.messagesOf("s3")).toMatch(/pool "A" is full.*pool "B" has autoAssign off/);
    expect(c.messagesOf("s3")).not.toMatch(/"C"|"D"/);
  });

  it("names no more pools than fit an event", () => {
    const many = Array.from({ length: 200 }, (_, index) =>
      pool(`pool-${index}`, [`10.0.${index}.0/32`], { autoAssign: false }),
    );
    const c = world(many);
    c.apply(service("s", { clusterIps: V4 }));
    expect(c.messagesOf("s").length).toBeLessThan(1_000);
    expect(c.messagesOf("s")).toContain("188 more pools");
  });
});
