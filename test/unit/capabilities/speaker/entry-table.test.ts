import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { EntryTable } from "../../../../capabilities/speaker/entry-table";
import {
  combinePlans,
  type AnnouncementEntry,
} from "../../../../lib/announcement/plan-announcements";
import type { ServicePlan } from "../../../../lib/announcement/plan-service";

const KEYS = ["web/a", "web/b", "web/c", "web/d"];
const ADDRESSES = ["192.0.2.1", "192.0.2.10", "192.0.2.2", "2001:db8::1"];
const NODES = ["node-a", "node-b", "node-c"];

/** A change: the plan of one Service, or its end. */
const change = fc.record({
  key: fc.constantFrom(...KEYS),
  addresses: fc.subarray(ADDRESSES),
  nodes: fc.subarray(NODES),
  interfaces: fc.constantFrom<"all" | readonly string[]>("all", ["eth0"], ["eth1"]),
  is: fc.constantFrom("ours", "others", "gone"),
});

function toPlan(
  given: typeof change extends fc.Arbitrary<infer Value> ? Value : never,
): ServicePlan {
  const { key, addresses, nodes, interfaces } = given;
  const candidates = nodes.map(nodeName => ({ nodeName, score: 0 }));
  const election = { addresses, key: addresses[0] ?? "", candidates };
  return given.is === "ours"
    ? { type: "announce", key, election, interfaces }
    : { type: "withhold", key, reason: "notOwner", message: "", election };
}

describe("EntryTable", () => {
  test.prop([
    fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }),
    fc.subarray(KEYS),
    fc.subarray(ADDRESSES),
  ])("holds what combining all plans gives, after any changes", (passes, unserved, leaving) => {
    const departing = (address: string): AnnouncementEntry | undefined =>
      leaving.includes(address) ? { address, interfaces: "all", candidates: [] } : undefined;
    const isServed = (key: string): boolean => !unserved.includes(key);
    const table = new EntryTable({ isServed, departing });
    const plans = new Map<string, ServicePlan>();
    for (const changes of passes) {
      for (const each of changes) {
        const plan = each.is === "gone" ? undefined : toPlan(each);
        table.setPlan(each.key, plan);
        if (plan === undefined) plans.delete(each.key);
        else plans.set(each.key, plan);
      }
      const served = [...plans.values()].filter(
        ({ type, key }) => type === "withhold" || isServed(key),
      );
      const entries = table.combine();
      expect(entries).toEqual(combinePlans(served, departing));
      expect(table.combine()).toBe(entries);
    }
  });

  it("puts many addresses in order at once", () => {
    const table = new EntryTable({ isServed: () => true, departing: () => undefined });
    const addresses = Array.from({ length: 100 }, (_, index) => `192.0.2.${index}`);
    const base = { key: "web/a", nodes: NODES, interfaces: "all", is: "ours" } as const;
    table.setPlan("web/a", toPlan({ ...base, addresses, nodes: [...NODES] }));
    expect(table.combine().map(({ address }) => address)).toEqual([...addresses].sort());
    table.setPlan("web/a", undefined);
    expect(table.combine()).toEqual([]);
  });

  it("asks again for everything when told so", () => {
    let isServed = false;
    const table = new EntryTable({ isServed: () => isServed, departing: () => undefined });
    const plan = { key: "web/a", nodes: ["node-a"], interfaces: "all", is: "ours" } as const;
    table.setPlan("web/a", toPlan({ ...plan, nodes: ["node-a"], addresses: ["192.0.2.1"] }));
    expect(table.combine()).toEqual([]);
    isServed = true;
    expect(table.combine()).toEqual([]);
    table.markAll();
    expect(table.combine()).toHaveLength(1);
  });
});
