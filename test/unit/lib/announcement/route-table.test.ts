import { fc, test } from "@fast-check/vitest";
import { beforeEach, describe, expect, it } from "vitest";
import type { RouteContribution } from "../../../../lib/announcement/plan-routes";
import {
  mergeRouteValues,
  routeValuesKey,
  type RouteValues,
} from "../../../../lib/announcement/route-attributes";
import { RouteTable } from "../../../../lib/announcement/route-table";
import { parseIpPrefix } from "../../../../lib/net/ip-prefix";

const PLAIN: RouteValues = { communities: [], largeCommunities: [] };

function contribution(key: string, given: Partial<RouteContribution> = {}): RouteContribution {
  const prefix = parseIpPrefix(key);
  if (!prefix.ok) throw new Error(key);
  return {
    prefix: prefix.value,
    key,
    peers: ["router"],
    values: PLAIN,
    isBackup: false,
    advertisement: "all",
    ...given,
  };
}

let table: RouteTable;

beforeEach(() => {
  table = new RouteTable();
});

/** What changed, as text: `+ prefix peer` and `- prefix peer`. */
function changes(): string[] {
  return table
    .takeChanges()
    .flatMap(({ peer, announced, withdrawn }) => [
      ...announced.map(({ key }) => `+ ${key} ${peer}`),
      ...withdrawn.map(key => `- ${key} ${peer}`),
    ]);
}

describe("RouteTable", () => {
  it("tells each peer what it has to learn, once", () => {
    table.setService("web/a", [contribution("192.0.2.1/32", { peers: ["left", "right"] })]);
    expect(changes()).toEqual(["+ 192.0.2.1/32 left", "+ 192.0.2.1/32 right"]);
    expect(changes()).toEqual([]);
    table.setService("web/a", [contribution("192.0.2.1/32", { peers: ["left"] })]);
    expect(changes()).toEqual(["- 192.0.2.1/32 right"]);
    table.setService("web/a", []);
    expect(changes()).toEqual(["- 192.0.2.1/32 left"]);
  });

  it("says nothing of a Service that is planned again with the same result", () => {
    table.setService("web/a", [contribution("192.0.2.1/32")]);
    changes();
    table.setService("web/a", [contribution("192.0.2.1/32", { values: { ...PLAIN } })]);
    expect(changes()).toEqual([]);
  });

  it("keeps an aggregate while any Service is left in it", () => {
    table.setService("web/a", [contribution("192.0.2.0/24")]);
    table.setService("web/b", [contribution("192.0.2.0/24")]);
    expect(changes()).toEqual(["+ 192.0.2.0/24 router"]);
    table.setService("web/a", []);
    expect(changes()).toEqual([]);
    table.setService("web/b", []);
    expect(changes()).toEqual(["- 192.0.2.0/24 router"]);
    expect(table.routesOf("router")).toEqual([]);
  });

  it("unites the communities of everybody who wants the prefix", () => {
    const large = { global: 1, data1: 2, data2: 3 };
    table.setService("web/a", [
      contribution("192.0.2.1/32", { values: { ...PLAIN, communities: [1, 3] } }),
      contribution("192.0.2.1/32", {
        values: { communities: [2, 3], largeCommunities: [large] },
      }),
    ]);
    expect(table.takeChanges()[0]?.announced[0]?.values).toEqual({
      communities: [1, 2, 3],
      largeCommunities: [large],
    });
  });

  it("lets a backup count only where nothing else is announced", () => {
    const backup = {
      isBackup: true,
      peers: ["left", "right"],
      values: { ...PLAIN, communities: [9] },
    };
    table.setService("web/a", [
      contribution("192.0.2.1/32", { peers: ["left"] }),
      contribution("192.0.2.1/32", backup),
    ]);
    const values = table.takeChanges().map(({ peer, announced }) => [peer, announced[0]?.values]);
    expect(values).toEqual([
      ["left", PLAIN],
      ["right", backup.values],
    ]);
  });

  it("adds the endpoints of Services that share a prefix, and of a Service once", () => {
    table.setService("web/a", [
      contribution("192.0.2.1/32", { weight: 2 }),
      contribution("192.0.2.1/32", { weight: 2, advertisement: "again" }),
    ]);
    table.setService("web/b", [contribution("192.0.2.1/32", { weight: 3 })]);
    expect(table.takeChanges()[0]?.announced[0]?.values.weight).toBe(5);
  });

  it("lists what a peer was told", () => {
    table.setService("web/b", [contribution("192.0.2.2/32")]);
    table.setService("web/a", [contribution("192.0.2.1/32")]);
    expect(table.routesOf("router")).toEqual([]);
    changes();
    expect(table.routesOf("router").map(({ key }) => key)).toEqual([
      "192.0.2.1/32",
      "192.0.2.2/32",
    ]);
    expect(table.routesOf("other")).toEqual([]);
  });
});

describe("mergeRouteValues", () => {
  it("takes the more attractive of each attribute", () => {
    const merged = mergeRouteValues([
      { ...PLAIN, localPreference: 50, multiExitDisc: 10, asPathPrepend: 3 },
      { ...PLAIN, localPreference: 200, multiExitDisc: 20, asPathPrepend: 1 },
    ]);
    expect(merged).toEqual({ ...PLAIN, localPreference: 200, multiExitDisc: 10, asPathPrepend: 1 });
  });

  it("counts no LOCAL_PREF as 100, no MED as the lowest, no prepending as none", () => {
    const modest = { ...PLAIN, localPreference: 50, multiExitDisc: 10, asPathPrepend: 3 };
    expect(mergeRouteValues([modest, PLAIN])).toEqual(PLAIN);
    expect(mergeRouteValues([{ ...PLAIN, localPreference: 101 }, PLAIN]).localPreference).toBe(101);
  });
});

const KEYS = ["192.0.2.0/24", "192.0.2.1/32", "2001:db8::/64"];

const anyValues = fc.record(
  {
    localPreference: fc.integer({ min: 1, max: 300 }),
    multiExitDisc: fc.nat({ max: 3 }),
    communities: fc.uniqueArray(fc.nat({ max: 3 })).map(list => list.sort()),
    largeCommunities: fc.constant([]),
  },
  { requiredKeys: ["communities", "largeCommunities"] },
);

const anyContribution = fc
  .record({
    key: fc.constantFrom(...KEYS),
    peers: fc.subarray(["left", "middle", "right"], { minLength: 1 }),
    values: anyValues,
    isBackup: fc.boolean(),
    weight: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  })
  .map(({ key, weight, ...given }) =>
    contribution(key, { ...given, ...(weight !== undefined && { weight }) }),
  );

const anyHistory = fc.array(
  fc.record({
    service: fc.constantFrom("web/a", "web/b", "web/c"),
    contributions: fc.array(anyContribution, { maxLength: 3 }),
    isTaken: fc.boolean(),
  }),
  { maxLength: 12 },
);

/** Slow and obvious: looks at every contribution for every prefix and peer. */
function routesByHand(wanted: ReadonlyMap<string, readonly RouteContribution[]>): string[] {
  const routes: string[] = [];
  for (const peer of ["left", "middle", "right"]) {
    for (const key of KEYS) {
      const all = [...wanted.values()].flat();
      const mine = all.filter(each => each.key === key && each.peers.includes(peer));
      const primary = mine.filter(each => !each.isBackup);
      const counting = primary.length > 0 ? primary : mine;
      const [first, ...rest] = counting;
      if (first === undefined) continue;
      const values = mergeRouteValues([first.values, ...rest.map(each => each.values)]);
      let weight = 0;
      for (const ofService of wanted.values()) {
        const weights = counting
          .filter(each => ofService.includes(each))
          .map(each => each.weight ?? 0);
        weight += Math.max(0, ...weights);
      }
      const full = weight > 0 ? { ...values, weight } : values;
      routes.push(`${peer} ${key} ${routeValuesKey(full)}`);
    }
  }
  return routes.sort();
}

test.prop([anyHistory])("the changes add up to what all Services want", history => {
  const table = new RouteTable();
  const wanted = new Map<string, readonly RouteContribution[]>();
  const known = new Map<string, string>();
  const take = (): void => {
    for (const { peer, announced, withdrawn } of table.takeChanges()) {
      for (const key of withdrawn) expect(known.delete(`${peer} ${key}`)).toBe(true);
      for (const { key, values } of announced) {
        const text = `${peer} ${key} ${routeValuesKey(values)}`;
        expect(known.get(`${peer} ${key}`)).not.toBe(text);
        known.set(`${peer} ${key}`, text);
      }
    }
  };
  for (const { service, contributions, isTaken } of history) {
    table.setService(service, contributions);
    wanted.set(service, contributions);
    if (isTaken) take();
  }
  take();
  expect([...known.values()].sort()).toEqual(routesByHand(wanted));
});
