/** Acceptance cases of allocation, by number, on a cluster in memory. */
import { describe, expect, it } from "vitest";
import { countPools } from "../../../../lib/allocation/counters";
import type { Pool } from "../../../../lib/config/configuration";
import { pool, service, type TestCluster, V6 } from "../../../support/services";
import { A, B, E, S, ALL, POOL, SHARE, settledWorlds } from "./cases";

const world = settledWorlds();

describe("held addresses", () => {
  it("12: an address outside all pools is replaced, one inside is kept", () => {
    const c = world(ALL);
    c.apply(
      service("foreign", { ingress: ["2.3.4.5"] }),
      service("ours", { ingress: ["1.2.3.1"] }),
    );
    expect([c.addressesOf("foreign"), c.addressesOf("ours")]).toEqual([["1.2.3.0"], ["1.2.3.1"]]);
    expect(c.reasonsOf("foreign")).toEqual(["ClearAssignment", "IPAllocated"]);
    expect(c.reasonsOf("ours")).toEqual([]);
    expect([c.poolOf("foreign"), c.poolOf("ours")]).toEqual(["A", "A"]);
  });

  it("13: entries with a host name vanish", () => {
    const c = world(ALL);
    c.apply({ ...service("s"), ingress: [{ hostname: "x" }, { ip: "10.10.10.10" }] });
    expect(c.get("s").ingress).toEqual([{ ip: "1.2.3.0", ipMode: "VIP" }]);
  });

  it("14: a NodePort Service gives its address back", () => {
    const c = world(ALL);
    c.apply(service("s", { type: "NodePort", ingress: ["1.2.3.0"], allocatedFrom: "A" }));
    expect(c.addressesOf("s")).toEqual("-");
    c.apply(service("next"));
    expect(c.addressesOf("next")).toEqual(["1.2.3.0"]);
  });

  it("15: without cluster IPs there is nothing", () => {
    const c = world(ALL);
    c.apply(service("s", { clusterIps: [], ingress: ["1.2.3.0"] }));
    expect([c.addressesOf("s"), c.events]).toEqual(["-", []]);
  });

  it("17: an address of the wrong family is replaced", () => {
    const c = world(ALL);
    c.apply(
      service("v4", { ingress: ["1000::"] }),
      service("v6", { clusterIps: V6, ingress: ["1.2.3.0"] }),
    );
    expect([c.addressesOf("v4"), c.addressesOf("v6")]).toEqual([["1.2.3.0"], ["1000::"]]);
  });

  it("27: three addresses are no family", () => {
    const c = world(ALL);
    c.apply(service("s", { ingress: ["1.2.3.0", "1.2.3.1", "5.5.5.0"] }));
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    expect(c.reasonsOf("s")).toEqual(["nolbIPsIPFamily", "IPAllocated"]);
  });

  it("40: restarts change nothing", () => {
    const c = world([A]);
    for (const name of ["d", "c", "b", "a"]) c.apply(service(name));
    const before = ["a", "b", "c", "d"].map(name => c.addressesOf(name));
    const { writes } = c.activity();
    const allocated = c.events.filter(event => event.reason === "IPAllocated").length;
    for (let count = 0; count < 5; count += 1) c.restart();
    expect(["a", "b", "c", "d"].map(name => c.addressesOf(name))).toEqual(before);
    expect(c.activity().writes).toBe(writes);
    expect(c.events.filter(event => event.reason === "IPAllocated")).toHaveLength(allocated);
  });

  it("restores the booked address when the status is emptied by hand", () => {
    const c = world(ALL);
    c.apply(service("s", { loadBalancerIp: "1.2.3.1" }));
    c.change("s", { loadBalancerIp: "" });
    c.editIngress("s", []);
    expect(c.addressesOf("s")).toEqual(["1.2.3.1"]);
    c.editIngress("s", ["1.2.3.0"]);
    expect(c.addressesOf("s")).toEqual(["1.2.3.0"]);
    c.annotate("s", "metallb.io/ip-allocated-from-pool", "edited");
    expect(c.poolOf("s")).toBe("A");
  });

  it("46: a pass over settled Services writes nothing, ipMode or not", () => {
    const c = world([pool("P", ["10.0.0.0/16"])]);
    for (let count = 0; count < 1_000; count += 1) c.apply(service(`s${count}`));
    const { writes } = c.activity();
    c.delete("s500");
    c.pass();
    expect(c.activity().writes).toBe(writes);
  });

  it("a holder keeps its address although a claimant was read first", () => {
    const c = world([pool("P", ["10.0.0.0/32"])]);
    c.services.set("ns1/a", service("a", { ingress: ["9.9.9.9"] }));
    c.services.set("ns1/z", service("z", { ingress: ["10.0.0.0"], allocatedFrom: "P" }));
    c.restart();
    expect([c.addressesOf("a"), c.addressesOf("z")]).toEqual(["-", ["10.0.0.0"]]);
  });
});

describe("changes of pools", () => {
  const only = (name: string, ...addresses: string[]): Pool[] => [pool(name, addresses)];

  it("36: an address that stays in some pool is kept", () => {
    const c = world(only("X", "1.2.3.0/30"));
    c.apply(service("s"));
    const seen: unknown[] = [];
    for (const pools of [
      only("X", "1.2.3.0/24"),
      only("X", "1.2.3.0/30"),
      only("Y", "1.2.3.0/30"),
      only("Y", "1.2.3.0/31", "1.2.3.2/31"),
    ]) {
      c.load(pools);
      seen.push([c.addressesOf("s"), c.poolOf("s")]);
    }
    expect(seen).toEqual(["X", "X", "Y", "Y"].map(name => [["1.2.3.0"], name]));
    expect(c.reasonsOf("s")).toEqual(["IPAllocated"]);
  });

  it("37: an address outside all pools moves", () => {
    const c = world(only("X", "1.2.3.0/30"));
    c.apply(service("s"));
    c.load(only("X", "1.2.3.2/31"));
    expect(c.addressesOf("s")).toEqual(["1.2.3.2"]);
    expect(c.reasonsOf("s")).toEqual(["IPAllocated", "ClearAssignment", "IPAllocated"]);
  });

  it("38: avoidBuggyIPs moves .0", () => {
    const c = world(only("X", "1.2.3.0/30"));
    c.apply(service("s"));
    c.load([pool("X", ["1.2.3.0/30"], { avoidBuggyIps: true })]);
    expect(c.addressesOf("s")).toEqual(["1.2.3.1"]);
    expect(c.reasonsOf("s")).toContain("ClearAssignment");
  });

  it("39: deleted pools", () => {
    const c = world([A, E]);
    c.apply(service("s"));
    c.load([E]);
    expect([c.addressesOf("s"), c.poolOf("s")]).toEqual([["5.5.5.0"], "E"]);
    expect(c.reasonsOf("s")).toContain("ClearAssignment");
    c.load([]);
    expect(c.addressesOf("s")).toBe("-");
  });

  it("53: with no pool at all a foreign address is left alone (D8)", () => {
    const c = world([]);
    c.apply(service("s", { ingress: ["203.0.113.9"] }));
    expect(c.addressesOf("s")).toEqual(["203.0.113.9"]);
    expect(c.activity()).toEqual({ writes: 0, events: 0 });
  });

  it("a pool that grows helps who waits; autoAssign off keeps who is in", () => {
    const c = world(only("X", "1.2.3.0/32"));
    c.apply(service("s"), service("t"));
    c.load(only("X", "1.2.3.0/31"));
    expect(c.addressesOf("t")).toEqual(["1.2.3.1"]);
    c.load([pool("X", ["1.2.3.0/31"], { autoAssign: false })]);
    expect([c.addressesOf("s"), c.addressesOf("t")]).toEqual([["1.2.3.0"], ["1.2.3.1"]]);
  });
});

describe("sharing", () => {
  const shared = (name: string, fields: object = {}): ReturnType<typeof service> =>
    service(name, { annotations: { [SHARE]: "k" }, selector: { app: "same" }, ...fields });
  const assigned = (c: TestCluster): bigint | undefined =>
    countPools(c.allocator.book)[0]?.ipv4.assigned;

  it.each([SHARE, "metallb.universe.tf/allow-shared-ip"])("31: one key, two ports, %s", key => {
    const c = world([S]);
    c.apply(shared("a"), shared("b", { ports: ["TCP/81"], annotations: { [key]: "k" } }));
    expect([c.addressesOf("a"), c.addressesOf("b")]).toEqual([["9.9.9.9"], ["9.9.9.9"]]);
    expect(assigned(c)).toBe(1n);
  });

  it("32: externalTrafficPolicy and selector step by step", () => {
    const c = world([S]);
    c.apply(shared("a"), shared("b", { ports: ["TCP/81"] }));
    const both = (): unknown => [c.addressesOf("a"), c.addressesOf("b")];
    const writesOfA = c.writes.get("ns1/a");
    c.change("b", { externalTrafficPolicy: "Local" });
    expect(both()).toEqual([["9.9.9.9"], "-"]);
    expect(c.writes.get("ns1/a")).toBe(writesOfA);
    c.change("a", { externalTrafficPolicy: "Local" });
    expect(both()).toEqual([["9.9.9.9"], ["9.9.9.9"]]);
    const writesOfB = c.writes.get("ns1/b");
    c.change("a", { selector: { app: "other" } });
    expect(both()).toEqual(["-", ["9.9.9.9"]]);
    expect(c.writes.get("ns1/b")).toBe(writesOfB);
    c.change("b", { selector: { app: "other" } });
    expect(both()).toEqual([["9.9.9.9"], ["9.9.9.9"]]);
  });

  it("33: TCP and UDP of one port", () => {
    const c = world([S]);
    c.apply(shared("a", { ports: ["TCP/53"] }), shared("b", { ports: ["UDP/53"] }));
    expect([c.addressesOf("a"), c.addressesOf("b")]).toEqual([["9.9.9.9"], ["9.9.9.9"]]);
  });

  it("34: a port in use is named", () => {
    const c = world([S]);
    c.apply(shared("a", { ports: ["TCP/53"] }), shared("b", { ports: ["TCP/53"] }));
    expect(c.addressesOf("b")).toBe("-");
    expect(c.messagesOf("b")).toMatch(/TCP\/53.*9\.9\.9\.9/);
    expect(c.messagesOf("b")).not.toContain("ns1/a");
    c.change("b", { ports: ["TCP/54"] });
    expect(c.addressesOf("b")).toEqual(["9.9.9.9"]);
  });

  it("a port that collides later costs the one that adds it", () => {
    const c = world([S]);
    c.apply(shared("a"), shared("b", { ports: ["TCP/81"] }));
    c.change("b", { ports: ["TCP/81", "TCP/80"] });
    expect([c.addressesOf("a"), c.addressesOf("b")]).toEqual([["9.9.9.9"], "-"]);
    expect(c.reasonsOf("b")).toEqual(["IPAllocated", "ClearAssignment", "AllocationFailed"]);
  });

  it("a changed key costs the address and names who is on it; the sole user may change it", () => {
    const c = world([S]);
    c.apply(shared("a"));
    c.annotate("a", SHARE, "l");
    expect(c.addressesOf("a")).toEqual(["9.9.9.9"]);
    c.apply(shared("b", { ports: ["TCP/81"], annotations: { [SHARE]: "l" } }));
    c.annotate("b", SHARE, "m");
    expect([c.addressesOf("a"), c.addressesOf("b")]).toEqual([["9.9.9.9"], "-"]);
    expect(c.messagesOf("b")).toContain("ns1/a");
  });

  it("a lower unused address beats a shareable one", () => {
    const c = world([pool("S", ["9.9.9.0/30"])]);
    c.apply(shared("a", { loadBalancerIp: "9.9.9.1" }), shared("b", { ports: ["TCP/81"] }));
    c.apply(shared("c", { ports: ["TCP/82"] }));
    expect([c.addressesOf("b"), c.addressesOf("c")]).toEqual([["9.9.9.0"], ["9.9.9.0"]]);
  });

  it("52: what moves, and ports that are dropped, help who waits (D6)", () => {
    const c = world([A, B]);
    c.apply(service("s1"), service("s2"), service("s3"));
    c.annotate("s1", POOL, "B");
    expect([c.addressesOf("s1"), c.addressesOf("s3")]).toEqual([["3.4.5.6"], ["1.2.3.0"]]);
    const d = world([S]);
    d.apply(shared("t1", { ports: ["TCP/80", "TCP/81"] }), shared("t2"));
    expect(d.addressesOf("t2")).toBe("-");
    d.change("t1", { ports: ["TCP/81"] });
    expect(d.addressesOf("t2")).toEqual(["9.9.9.9"]);
  });
});
