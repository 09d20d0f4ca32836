/** A Service that is deleted and comes back under its name gets its address back, but never at the cost of one that has nothing. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { Allocator } from "../../../../lib/allocation/allocator";
import { RESERVATIONS_MAX } from "../../../../lib/allocation/limits";
import { DUAL, pool, service, TestCluster } from "../../../support/services";

const KEPT_MS = 600_000;
const keeping = (pools: Parameters<typeof pool>[]): TestCluster =>
  new TestCluster(
    pools.map(given => pool(...given)),
    { reservationMs: KEPT_MS },
  );

const SHARE = { "metallb.io/allow-shared-ip": "k" };

describe("a deleted Service's address", () => {
  it("is its own again when it comes back, though lower ones are free and others came meanwhile", () => {
    const cluster = keeping([["P", ["10.0.0.0/29"]]]);
    cluster.apply(service("a"), service("b"), service("c"));
    cluster.delete("a");
    cluster.delete("c");
    cluster.apply(service("d"));
    expect(cluster.addressesOf("d")).toEqual(["10.0.0.3"]);
    cluster.apply(service("c"), service("a"));
    expect(cluster.addressesOf("c")).toEqual(["10.0.0.2"]);
    expect(cluster.addressesOf("a")).toEqual(["10.0.0.0"]);
    expect([...cluster.allocator.book.reservations()]).toEqual([]);
  });

  it("goes to a Service that finds nothing else, at once when one waits", () => {
    const cluster = keeping([["P", ["10.0.0.0/31"]]]);
    cluster.apply(service("a"), service("b"), service("waits"));
    expect(cluster.addressesOf("waits")).toBe("-");
    cluster.delete("a");
    expect(cluster.addressesOf("waits")).toEqual(["10.0.0.0"]);
    cluster.apply(service("a"));
    expect(cluster.addressesOf("a")).toBe("-");
    // It has lost the first round; when the address is free again within the time, it is its own.
    cluster.delete("waits");
    expect(cluster.addressesOf("a")).toEqual(["10.0.0.0"]);
  });

  it("is not spared at the cost of priority, of a pinned pool or of a second family", () => {
    const pin = (priority: number) => ({
      serviceAllocation: { priority, namespaces: ["ns1"] },
    });
    const cluster = keeping([
      ["first", ["10.1.0.0/32"], pin(1)],
      ["open", ["10.3.0.0/24"]],
      ["second", ["10.2.0.0/32"], pin(2)],
    ]);
    cluster.apply(service("a"));
    cluster.delete("a");
    cluster.apply(service("b"));
    expect(cluster.addressesOf("b")).toEqual(["10.1.0.0"]);
    const dual = keeping([
      ["both", ["10.1.0.0/32", "fd00:1::/128"]],
      ["v4", ["10.2.0.0/24"]],
    ]);
    const both = { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" };
    dual.apply(service("a", both));
    dual.delete("a");
    dual.apply(service("b", both));
    expect(dual.addressesOf("b")).toEqual(["10.1.0.0", "fd00:1::"]);
  });

  it("is spared when another pool of the same rank has one", () => {
    const cluster = keeping([
      ["a", ["10.1.0.0/32"]],
      ["b", ["10.2.0.0/32"]],
    ]);
    cluster.apply(service("s"));
    cluster.delete("s");
    cluster.apply(service("t"), service("s"));
    expect(cluster.addressesOf("t")).toEqual(["10.2.0.0"]);
    expect(cluster.addressesOf("s")).toEqual(["10.1.0.0"]);
  });

  it("is given to whoever asks for it by name", () => {
    const cluster = keeping([["P", ["10.0.0.0/29"]]]);
    cluster.apply(service("a"));
    cluster.delete("a");
    cluster.apply(service("b", { loadBalancerIp: "10.0.0.0" }));
    expect(cluster.addressesOf("b")).toEqual(["10.0.0.0"]);
  });

  it("is free for everybody after the time", () => {
    const cluster = keeping([["P", ["10.0.0.0/29"]]]);
    cluster.apply(service("a"));
    cluster.delete("a");
    cluster.nowMs += KEPT_MS - 1;
    cluster.apply(service("b"));
    expect(cluster.addressesOf("b")).toEqual(["10.0.0.1"]);
    cluster.nowMs += 1;
    cluster.apply(service("c"));
    expect(cluster.addressesOf("c")).toEqual(["10.0.0.0"]);
    expect(cluster.allocator.book.nextReservationEndMs()).toBeUndefined();
  });

  it("is kept over a restart and a change of pools, and with its family when that is the one asked for", () => {
    const cluster = keeping([["P", ["10.0.0.0/29", "fd00::/125"]]]);
    cluster.apply(
      service("first"),
      service("a", { clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" }),
    );
    cluster.apply(service("b"));
    cluster.delete("a");
    cluster.delete("first");
    cluster.restart();
    cluster.load([pool("Q", ["10.0.0.0/28", "fd00::/125"])]);
    cluster.apply(service("x"), service("a"));
    expect(cluster.addressesOf("x")).toEqual(["10.0.0.3"]);
    expect(cluster.addressesOf("a")).toEqual(["10.0.0.1"]);
  });

  it("is not given when the Service may not have it any more", () => {
    const cluster = keeping([["P", ["10.0.0.0/29"]]]);
    cluster.apply(service("a"));
    cluster.delete("a");
    cluster.load([pool("P", ["10.0.0.0/29"], { autoAssign: false }), pool("Q", ["10.1.0.0/29"])]);
    cluster.apply(service("a"));
    expect(cluster.addressesOf("a")).toEqual(["10.1.0.0"]);
    const named = keeping([
      ["P", ["10.0.0.0/29"]],
      ["Q", ["10.1.0.0/29"]],
    ]);
    named.apply(service("a"));
    named.delete("a");
    named.apply(service("a", { annotations: { "metallb.io/address-pool": "Q" } }));
    expect(named.addressesOf("a")).toEqual(["10.1.0.0"]);
  });

  it("of a shared address is joined again, and is kept when the last sharer leaves", () => {
    const cluster = keeping([["P", ["10.0.0.0/29"]]]);
    const sharing = (name: string, port: string) =>
      service(name, { annotations: SHARE, ports: [port] });
    cluster.apply(sharing("a", "TCP/1"), sharing("b", "TCP/2"));
    cluster.delete("a");
    cluster.delete("b");
    cluster.apply(service("c"));
    expect(cluster.addressesOf("c")).toEqual(["10.0.0.1"]);
    cluster.apply(sharing("b", "TCP/2"), sharing("a", "TCP/1"));
    expect(cluster.addressesOf("a")).toEqual(["10.0.0.0"]);
    expect(cluster.addressesOf("b")).toEqual(["10.0.0.0"]);
  });

  it("is not kept when that is switched off, nor for a Service that only changed its type", () => {
    const off = new TestCluster([pool("P", ["10.0.0.0/29"])]);
    off.apply(service("a"));
    off.delete("a");
    off.apply(service("b"));
    expect(off.addressesOf("b")).toEqual(["10.0.0.0"]);
    const typed = keeping([["P", ["10.0.0.0/29"]]]);
    typed.apply(service("a"));
    typed.change("a", { type: "ClusterIP" });
    typed.apply(service("b"));
    expect(typed.addressesOf("b")).toEqual(["10.0.0.0"]);
  });
});

it("reservations are bounded, and what comes from a status lasts no longer than a new one", () => {
  const allocator = new Allocator({ lbClass: "", reservationMs: KEPT_MS });
  allocator.setPools([pool("P", ["10.0.0.0/16"])], new Map());
  const reservations = Array.from({ length: RESERVATIONS_MAX + 5 }, (_, index) => ({
    key: `ns1/s${index}`,
    addresses: [{ family: "ipv4" as const, value: 0x0a000000n + BigInt(index) }],
    untilMs: 1e15,
  }));
  allocator.restoreReservations(reservations, 1_000);
  expect([...allocator.book.reservations()]).toHaveLength(RESERVATIONS_MAX);
  expect(allocator.book.nextReservationEndMs()).toBe(1_000 + KEPT_MS);
  allocator.book.expireReservations(1_000 + KEPT_MS);
  expect([...allocator.book.reservations()]).toEqual([]);
  expect(allocator.reconcile("ns1/new", service("new"), 0).plan.booking?.addresses[0]?.value).toBe(
    0x0a000000n,
  );
});

const change = fc.record({
  name: fc.constantFrom("a", "b", "c", "d", "e"),
  isDeletion: fc.boolean(),
  passedMs: fc.constantFrom(0, KEPT_MS / 4, KEPT_MS),
});

test.prop([fc.array(change, { maxLength: 40 })])(
  "with room for all, nobody ever gets another address than the one of the last ten minutes",
  changes => {
    const cluster = keeping([["P", ["10.0.0.0/28"]]]);
    const last = new Map<string, { readonly address: string; readonly atMs: number }>();
    for (const { name, isDeletion, passedMs } of changes) {
      cluster.nowMs += passedMs;
      const isThere = cluster.services.has(`ns1/${name}`);
      if (isThere && isDeletion) {
        const [address = ""] = cluster.addressesOf(name);
        last.set(name, { address, atMs: cluster.nowMs });
        cluster.delete(name);
      } else if (!isThere && !isDeletion) {
        cluster.apply(service(name));
        const before = last.get(name);
        if (before === undefined || cluster.nowMs - before.atMs >= KEPT_MS) continue;
        expect(cluster.addressesOf(name)).toEqual([before.address]);
      }
    }
  },
);
