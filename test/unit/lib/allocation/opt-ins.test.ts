/** What a pool or a Service can ask for that MetalLB does not have; without it nothing is different. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { ALLOCATED_FROM_POOL } from "../../../../lib/allocation/service";
import { DUAL, pool, service, TestCluster, V6 } from "../../../support/services";

const POOL = "metallb.io/address-pool";
const KEY = "metallb.io/allow-shared-ip";
const NAMESPACES = "metallb.io/allow-shared-ip-namespaces";

describe("addressOrder: LeastRecentlyUsed", () => {
  const recent = (addresses: readonly string[]) =>
    new TestCluster([pool("P", addresses, { addressOrder: "LeastRecentlyUsed" })]);

  it("gives what nobody had yet, then what was given back longest ago", () => {
    const cluster = recent(["10.0.0.0/30"]);
    cluster.apply(service("a"), service("b"));
    cluster.delete("a");
    cluster.apply(service("c"));
    expect(cluster.addressesOf("c")).toEqual(["10.0.0.2"]);
    cluster.delete("b");
    cluster.apply(service("d"), service("e"), service("f"));
    expect(cluster.addressesOf("d")).toEqual(["10.0.0.3"]);
    expect(cluster.addressesOf("e")).toEqual(["10.0.0.0"]);
    expect(cluster.addressesOf("f")).toEqual(["10.0.0.1"]);
  });

  it("remembers over a change of pools, and counts addresses taken by name", () => {
    const cluster = recent(["10.0.0.0/30"]);
    cluster.apply(service("named", { loadBalancerIp: "10.0.0.1" }));
    cluster.delete("named");
    cluster.load([pool("Q", ["10.0.0.0/30"], { addressOrder: "LeastRecentlyUsed" })]);
    const names = ["a", "b", "c", "d"];
    cluster.apply(...names.map(name => service(name)));
    expect(names.map(name => cluster.addressesOf(name)[0])).toEqual([
      "10.0.0.0",
      "10.0.0.2",
      "10.0.0.3",
      "10.0.0.1",
    ]);
  });

  const turn = fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e"), go: fc.boolean() });
  test.prop([fc.array(turn, { maxLength: 60 })])("is what a list of all addresses says", turns => {
    const cluster = recent(["10.0.0.0/29"]);
    const order = Array.from({ length: 8 }, (_, index) => `10.0.0.${index}`);
    const held = new Map<string, string>();
    for (const { name, go } of turns) {
      const address = held.get(name);
      if (go && address !== undefined) {
        cluster.delete(name);
        held.delete(name);
        order.push(address);
      } else if (!go && address === undefined) {
        cluster.apply(service(name));
        const next = order.shift() ?? "";
        expect(cluster.addressesOf(name)).toEqual([next]);
        held.set(name, next);
      }
    }
  });
});

describe("two names in the annotation address-pool", () => {
  const A = pool("A", ["10.0.0.0/31"]);
  const C = pool("C", ["fd00:c::/127"]);
  const both = (policy: string, names: string) =>
    service("s", { clusterIps: DUAL, ipFamilyPolicy: policy, annotations: { [POOL]: names } });

  it.each(["RequireDualStack", "PreferDualStack"])("%s gets a pair from both", policy => {
    const cluster = new TestCluster([A, C]);
    cluster.apply(both(policy, "A, C"));
    expect(cluster.addressesOf("s")).toEqual(["10.0.0.0", "fd00:c::"]);
    expect(cluster.poolOf("s")).toBe("A,C");
    const before = cluster.activity();
    cluster.pass();
    cluster.restart();
    expect(cluster.activity()).toEqual(before);
    // The annotation may go: what was given stays.
    cluster.annotate("s", POOL, undefined);
    expect(cluster.addressesOf("s")).toEqual(["10.0.0.0", "fd00:c::"]);
    cluster.restart();
    expect(cluster.addressesOf("s")).toEqual(["10.0.0.0", "fd00:c::"]);
  });

  it("without it a pair of two pools stays illegal (case 26), also from a status written by hand", () => {
    const cluster = new TestCluster([A, C]);
    cluster.apply(
      service("s", {
        clusterIps: DUAL,
        ipFamilyPolicy: "RequireDualStack",
        ingress: ["10.0.0.0", "fd00:c::"],
        allocatedFrom: "A",
      }),
    );
    expect(cluster.addressesOf("s")).toBe("-");
    expect(cluster.messagesOf("s")).toContain("the annotation address-pool must name both pools");
  });

  it("addresses may be asked for of both; PreferDualStack gains the second family later", () => {
    const cluster = new TestCluster([A, C]);
    cluster.apply(
      service("named", {
        clusterIps: DUAL,
        ipFamilyPolicy: "PreferDualStack",
        annotations: { [POOL]: "C,A", "metallb.io/loadBalancerIPs": "10.0.0.1,fd00:c::1" },
      }),
    );
    expect(cluster.addressesOf("named")).toEqual(["10.0.0.1", "fd00:c::1"]);
    cluster.load([A]);
    expect(cluster.addressesOf("named")).toBe("-");
    cluster.apply(both("PreferDualStack", "A"));
    expect(cluster.addressesOf("s")).toEqual(["10.0.0.0"]);
    cluster.load([A, C]);
    expect(cluster.addressesOf("s")).toEqual(["10.0.0.0"]);
    cluster.annotate("s", POOL, "A,C");
    expect(cluster.addressesOf("s")).toEqual(["10.0.0.0", "fd00:c::"]);
  });

  it("a single-stack Service gets an address of the first that has one", () => {
    const cluster = new TestCluster([A, C, pool("B", ["10.1.0.0/31"])]);
    cluster.apply(service("s", { clusterIps: V6, annotations: { [POOL]: "A,C" } }));
    cluster.apply(service("t", { annotations: { [POOL]: "B,A" } }));
    expect(cluster.addressesOf("s")).toEqual(["fd00:c::"]);
    expect(cluster.addressesOf("t")).toEqual(["10.1.0.0"]);
  });

  it.each(["A,", "A,A", "A,B,C", ","])("%o is refused with what is allowed", names => {
    const cluster = new TestCluster([A, C]);
    cluster.apply(both("PreferDualStack", names));
    expect(cluster.addressesOf("s")).toBe("-");
    expect(cluster.messagesOf("s")).toContain("allowed is the name of one IPAddressPool, or two");
  });

  it("an unknown one of the two is named", () => {
    const cluster = new TestCluster([A, C]);
    cluster.apply(both("PreferDualStack", "A,nope"));
    expect(cluster.messagesOf("s")).toContain('"nope"');
  });
});

describe("sharing: WithinNamespace", () => {
  const strict = (): TestCluster =>
    new TestCluster([pool("P", ["10.0.0.0/32"], { sharing: "WithinNamespace" })]);
  const sharer = (name: string, namespace: string, port: string, trusts = "") =>
    service(name, {
      namespace,
      ports: [port],
      annotations: { [KEY]: "k", ...(trusts === "" ? {} : { [NAMESPACES]: trusts }) },
    });

  it("lets Services of one namespace share, and keeps others out (S2, S3)", () => {
    const cluster = strict();
    cluster.apply(sharer("a", "A", "TCP/443"), sharer("a2", "A", "TCP/444"));
    cluster.apply(sharer("b", "B", "TCP/80", "A"));
    expect(cluster.addressesOf("A/a2")).toEqual(["10.0.0.0"]);
    expect(cluster.addressesOf("B/b")).toBe("-");
    expect(cluster.messagesOf("B/b")).toContain(NAMESPACES);
    // Who is on the address is none of B's business.
    expect(cluster.messagesOf("B/b")).not.toContain("A/a");
  });

  it("both sides have to name each other", () => {
    const cluster = strict();
    cluster.apply(sharer("a", "A", "TCP/443", "X, B"), sharer("b", "B", "TCP/80"));
    expect(cluster.addressesOf("B/b")).toBe("-");
    cluster.apply(sharer("b", "B", "TCP/80", "A"));
    expect(cluster.addressesOf("B/b")).toEqual(["10.0.0.0"]);
    cluster.apply(sharer("a", "A", "TCP/443"));
    expect([cluster.addressesOf("A/a"), cluster.addressesOf("B/b")]).toContain("-");
  });

  it("a Service that waits hears of it when the other side opens", () => {
    const cluster = strict();
    cluster.apply(sharer("a", "A", "TCP/443"), sharer("b", "B", "TCP/80", "A"));
    cluster.apply(sharer("a", "A", "TCP/443", "B"));
    expect(cluster.addressesOf("B/b")).toEqual(["10.0.0.0"]);
  });
});

describe("maxAddressesPerNamespace", () => {
  const limited = (limit: number, addresses = ["10.0.0.0/24", "fd00::/120"]): TestCluster =>
    new TestCluster([pool("P", addresses, { maxAddressesPerNamespace: limit })]);

  it("stops a namespace at its limit and leaves the others theirs (S6)", () => {
    const cluster = limited(2);
    cluster.apply(service("a"), service("b"), service("c"), service("d", { namespace: "other" }));
    expect(cluster.addressesOf("b")).toEqual(["10.0.0.1"]);
    expect(cluster.addressesOf("c")).toBe("-");
    expect(cluster.messagesOf("c")).toContain("at most 2 addresses (maxAddressesPerNamespace)");
    expect(cluster.addressesOf("other/d")).toEqual(["10.0.0.2"]);
    cluster.delete("a");
    expect(cluster.addressesOf("c")).toEqual(["10.0.0.0"]);
  });

  it("counts a pair as two, a shared address once, and holds for requests too", () => {
    const cluster = limited(3);
    cluster.apply(service("pair", { clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" }));
    const share = (name: string, port: string) =>
      service(name, { annotations: { [KEY]: "k" }, ports: [port] });
    cluster.apply(share("x", "TCP/1"), share("y", "TCP/2"));
    expect(cluster.addressesOf("y")).toEqual(cluster.addressesOf("x"));
    cluster.apply(service("more", { loadBalancerIp: "10.0.0.77" }));
    expect(cluster.addressesOf("more")).toBe("-");
    expect(cluster.messagesOf("more")).toContain("10.0.0.77");
    const two = limited(1);
    two.apply(service("p", { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" }));
    expect(two.addressesOf("p")).toEqual(["10.0.0.0"]);
    two.apply(
      service("q", { namespace: "o", clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" }),
    );
    expect(two.addressesOf("o/q")).toBe("-");
  });

  it("lets a Service at the limit move, and takes nothing away when the limit falls", () => {
    const cluster = limited(2);
    cluster.apply(service("a"), service("b"));
    cluster.change("a", { loadBalancerIp: "10.0.0.9" });
    expect(cluster.addressesOf("a")).toEqual(["10.0.0.9"]);
    cluster.load([pool("P", ["10.0.0.0/24"], { maxAddressesPerNamespace: 1 })]);
    cluster.restart();
    expect(cluster.addressesOf("a")).toEqual(["10.0.0.9"]);
    expect(cluster.addressesOf("b")).toEqual(["10.0.0.1"]);
    cluster.change("b", { loadBalancerIp: "10.0.0.8" });
    expect(cluster.addressesOf("b")).toEqual(["10.0.0.8"]);
    cluster.delete("a");
    cluster.apply(service("c"));
    expect(cluster.addressesOf("c")).toBe("-");
  });

  it("goes on to the next pool", () => {
    const cluster = new TestCluster([
      pool("P", ["10.0.0.0/24"], { maxAddressesPerNamespace: 1 }),
      pool("Q", ["10.1.0.0/24"]),
    ]);
    cluster.apply(service("a"), service("b"));
    expect(cluster.addressesOf("b")).toEqual(["10.1.0.0"]);
  });

  test.prop([fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean()), { maxLength: 40 })])(
    "no namespace ever has more than it may, and none is stopped below",
    changes => {
      const cluster = limited(2, ["10.0.0.0/29"]);
      for (const [number, isDeletion] of changes) {
        const namespace = `n${number % 3}`;
        const name = `s${number}`;
        if (isDeletion) cluster.delete(`${namespace}/${name}`);
        else if (!cluster.services.has(`${namespace}/${name}`)) {
          cluster.apply(service(name, { namespace }));
        }
        for (const one of ["n0", "n1", "n2"]) {
          const own = [...cluster.services.values()].filter(view => view.namespace === one);
          const holders = own.filter(view => view.ingress.length > 0).length;
          expect(holders).toBe(Math.min(own.length, 2));
        }
      }
    },
  );
});

describe("the condition of a Service that waits", () => {
  it("is there while there is no address, says why, and is gone with it", () => {
    const cluster = new TestCluster([pool("P", ["10.0.0.0/32"])]);
    cluster.apply(service("a"), service("b"));
    expect(cluster.get("a").pending).toBeUndefined();
    expect(cluster.get("b").pending).toEqual({
      reason: "NoAddress",
      message: 'no available IPs: pool "P" is full',
    });
    const before = cluster.activity();
    cluster.pass();
    expect(cluster.activity()).toEqual(before);
    cluster.delete("a");
    expect(cluster.get("b").pending).toBeUndefined();
    expect(cluster.writes.get("ns1/b")).toBe(2);
  });

  it("names a wrong request, missing cluster IPs, and goes with the type", () => {
    const cluster = new TestCluster([pool("P", ["10.0.0.0/32"])]);
    cluster.apply(service("a", { loadBalancerIp: "hello" }));
    expect(cluster.get("a").pending).toEqual({
      reason: "WrongRequest",
      message: 'spec.loadBalancerIP "hello" is not an IP address',
    });
    cluster.apply(service("b", { ipFamilyPolicy: "RequireDualStack" }));
    expect(cluster.get("b").pending?.reason).toBe("NotEnoughClusterIPs");
    cluster.change("a", { type: "ClusterIP" });
    expect(cluster.get("a").pending).toBeUndefined();
  });

  it("is written again when the reason reads differently, and not when it is put together anew", () => {
    const shared = { annotations: { [KEY]: "k" }, ports: ["TCP/80"] };
    const cluster = new TestCluster([pool("P", ["10.0.0.0/31", "fd00::/127"])]);
    // Two addresses of the key, the higher one booked first after a restart: a pair goes before a single one.
    cluster.apply(
      service("single", shared),
      service("pair", { ...shared, clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" }),
      service("waits", shared),
    );
    const text = 'no available IPs: pool "P" is full, and port TCP/80 of 10.0.0.0 is in use by';
    expect(cluster.get("waits").pending?.message).toContain(text);
    const { writes } = cluster.activity();
    cluster.restart();
    expect(cluster.activity().writes).toBe(writes);
    cluster.load([
      pool("P", ["10.0.0.0/31", "fd00::/127"]),
      pool("Q", ["10.1.0.0/31"], { autoAssign: false }),
    ]);
    expect(cluster.get("waits").pending?.message).toContain('pool "Q" has autoAssign off');
    expect(cluster.activity().writes).toBe(writes + 1);
  });

  it("is not set beside a kept address, nor while there are no pools", () => {
    const cluster = new TestCluster([pool("P", ["10.0.0.0/32"])]);
    cluster.apply(service("a"));
    cluster.change("a", { loadBalancerIp: "9.9.9.9" });
    expect(cluster.reasonsOf("a")).toContain("AllocationFailed");
    expect(cluster.get("a").pending).toBeUndefined();
    cluster.load([]);
    expect(cluster.get("a").pending).toBeUndefined();
    expect(cluster.get("a").annotations[ALLOCATED_FROM_POOL]).toBeUndefined();
  });
});
