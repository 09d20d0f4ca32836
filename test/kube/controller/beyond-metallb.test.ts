/** What MetalLB does not have, on a real API server: conditions, holders, reservations, opt-ins of a pool. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { servicePath, World, type PoolSpec } from "./world";

const KEPT_MS = 600_000;
const P: PoolSpec = { name: "p", addresses: ["10.0.0.0/29"] };
const PENDING = "metallb.io/AddressPending";

let world: World;

beforeAll(async () => {
  world = await World.start({ reservationMs: KEPT_MS });
});
afterAll(() => world.end());
beforeEach(() => world.clear());

describe("the condition of a Service that waits", () => {
  it("stands beside those of others and goes when the address comes", async () => {
    await world.load([{ name: "one", addresses: ["10.0.1.0/32"] }]);
    await world.create("first");
    await world.expect("first", ["10.0.1.0"]);
    await world.create("waits");
    await world.expectEvents("waits", ["AllocationFailed"]);
    const other = {
      type: "example.com/Other",
      status: "True",
      reason: "Other",
      message: "kept",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const before = await world.get("waits");
    expect(before.status?.conditions).toMatchObject([
      {
        type: PENDING,
        status: "True",
        reason: "NoAddress",
        message: 'no available IPs: pool "one" is full',
      },
    ]);
    await world.patch("waits/status", {
      status: { conditions: [...before.status!.conditions!, other] },
    });
    expect(await world.secondReconcile()).toEqual([]);
    await world.delete("first");
    await world.expect("waits", ["10.0.1.0"]);
    expect((await world.get("waits")).status?.conditions).toEqual([other]);
    expect(await world.secondReconcile()).toEqual([]);
  });

  it("is put right when somebody edits it, and goes with the type", async () => {
    await world.load([{ name: "one", addresses: ["10.0.1.0/32"] }]);
    await world.create("bad", { loadBalancerIP: "hello" });
    await world.expectEvents("bad", ["AllocationFailed"]);
    const [own] = (await world.get("bad")).status?.conditions ?? [];
    expect(own).toMatchObject({ type: PENDING, reason: "WrongRequest" });
    await world.patch("bad/status", { status: { conditions: [{ ...own, status: "False" }] } });
    await world.barrier();
    expect((await world.get("bad")).status?.conditions).toMatchObject([{ status: "True" }]);
    await world.patch("bad", { spec: { type: "ClusterIP", loadBalancerIP: null } });
    await world.barrier();
    expect((await world.get("bad")).status?.conditions ?? []).toEqual([]);
  });
});

describe("the status of a pool", () => {
  it("shows who holds what, and is not written again when nothing changed", async () => {
    await world.load([P]);
    await world.create("a");
    await world.create("b", { namespace: "team" });
    await world.expectStatus("p", "two holders", ({ holders = [] }) => holders.length === 2);
    const { status, metadata } = await world.pool("p");
    expect(status).toMatchObject({
      assignedIPv4: 2,
      availableIPv4: 6,
      holders: [
        { address: "10.0.0.0", services: ["ns1/a"] },
        { address: "10.0.0.1", services: ["team/b"] },
      ],
    });
    await world.secondReconcile();
    await world.whileDown();
    await world.secondReconcile();
    expect((await world.pool("p")).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });
});

describe("a Service that is deleted and created again", () => {
  it("gets its address back, over a restart too", async () => {
    await world.load([{ ...P, addresses: ["10.0.10.0/29"] }]);
    await world.create("a");
    await world.expect("a", ["10.0.10.0"]);
    await world.delete("a");
    await world.expectStatus("p", "a reservation", ({ reservations = [] }) =>
      reservations.some(one => one.service === "ns1/a" && one.addresses[0] === "10.0.10.0"),
    );
    await world.whileDown();
    await world.create("b");
    await world.expect("b", ["10.0.10.1"]);
    await world.create("a");
    await world.expect("a", ["10.0.10.0"]);
    await world.expectStatus(
      "p",
      "no reservation",
      ({ reservations }) => reservations === undefined,
    );
  });

  it("gets it back also when no controller saw it go", async () => {
    await world.load([{ ...P, addresses: ["10.0.20.0/29"] }]);
    await world.create("a");
    await world.create("b");
    await world.expect("b", ["10.0.20.1"]);
    await world.expectStatus("p", "two holders", ({ holders = [] }) => holders.length === 2);
    await world.whileDown(() => world.delete("a"));
    await world.create("c");
    await world.expect("c", ["10.0.20.2"]);
    await world.create("a");
    await world.expect("a", ["10.0.20.0"]);
  });

  it("does not when another one has nothing else", async () => {
    await world.load([{ name: "one", addresses: ["10.0.1.0/32"] }]);
    await world.create("a");
    await world.expect("a", ["10.0.1.0"]);
    await world.delete("a");
    await world.create("b");
    await world.expect("b", ["10.0.1.0"]);
  });
});

describe("opt-ins of a pool", () => {
  it("order, limit and sharing are read from the resource, and wrong ones refused by its schema", async () => {
    await world.load([
      {
        name: "recent",
        addresses: ["10.0.2.0/30"],
        addressOrder: "LeastRecentlyUsed",
        maxAddressesPerNamespace: 2,
      },
    ]);
    await world.create("a");
    await world.expect("a", ["10.0.2.0"]);
    await world.create("b");
    await world.expect("b", ["10.0.2.1"]);
    await world.create("c");
    const told = await world.expectEvents("c", ["AllocationFailed"]);
    expect(told).toContain("at most 2 addresses (maxAddressesPerNamespace)");
    await world.delete("a");
    await world.expect("c", ["10.0.2.2"]);
    await expect(
      world.putPool({ name: "bad", addresses: ["10.0.3.0/30"], maxAddressesPerNamespace: 0 }),
    ).rejects.toThrow("maxAddressesPerNamespace");
  });

  it("a pair comes from two pools when both are named", async () => {
    await world.load([
      { name: "four", addresses: ["10.0.4.0/30"] },
      { name: "six", addresses: ["fd00:6::/126"] },
    ]);
    await world.create("pair", {
      families: "dual",
      policy: "RequireDualStack",
      annotations: { "metallb.io/address-pool": "four,six" },
    });
    await world.expect("pair", ["10.0.4.0", "fd00:6::"], "four,six");
    expect(await world.secondReconcile()).toEqual([]);
    await world.client.patch(servicePath("pair", "ns1"), {
      metadata: { annotations: { "metallb.io/address-pool": null } },
    });
    await world.whileDown();
    await world.expect("pair", ["10.0.4.0", "fd00:6::"], "four,six");
  });
});
