/** Large pools cost what small ones do: a walk over their addresses would not end within a test's time. bench/ measures. */
import { expect, it } from "vitest";
import { Allocator } from "../../../../lib/allocation/allocator";
import { pool, service } from "../../../support/services";

function fill(addresses: readonly string[], count: number, clusterIps?: string[]): Allocator {
  const allocator = new Allocator({ lbClass: "", reservationMs: 0 });
  allocator.setPools([pool("P", addresses)], new Map());
  for (let index = 0; index < count; index += 1) {
    const view = service(`s${index}`, clusterIps === undefined ? {} : { clusterIps });
    allocator.reconcile(`ns1/s${index}`, view, 0);
  }
  return allocator;
}

it("finds the one free address of 65,536", () => {
  const allocator = fill(["10.0.0.0/16"], 65_536);
  expect(allocator.reconcile("ns1/more", service("more"), 0).plan.isWaiting).toBe(true);
  allocator.reconcile("ns1/s40000", undefined, 0);
  const { booking } = allocator.reconcile("ns1/s40000", service("s40000"), 0).plan;
  expect(booking?.addresses).toEqual([{ family: "ipv4", value: 0x0a000000n + 40_000n }]);
});

it("gives the next address of a /8 whose first 20,000 are taken", () => {
  const allocator = fill(["10.0.0.0/8"], 20_000);
  const { booking } = allocator.reconcile("ns1/more", service("more"), 0).plan;
  expect(booking?.addresses).toEqual([{ family: "ipv4", value: 0x0a000000n + 20_000n }]);
});

it("gives the next address of an IPv6 /64 whose first 10,000 are taken", () => {
  const allocator = fill(["2001:db8::/64"], 10_000, ["fd00::10"]);
  const more = service("more", { clusterIps: ["fd00::10"] });
  const { booking } = allocator.reconcile("ns1/more", more, 0).plan;
  const first = 0x20010db8000000000000000000000000n;
  expect(booking?.addresses).toEqual([{ family: "ipv6", value: first + 10_000n }]);
});
