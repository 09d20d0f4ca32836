import { describe, expect, it } from "vitest";
import { checkConfiguration } from "../../../../lib/config/check";
import type { IPAddressPool, IPAddressPoolSpec } from "../../../../lib/config/generated/resources";
import { ipAddressPool, l2Advertisement, withLabel } from "../../../support/resources";

type Allocation = NonNullable<IPAddressPoolSpec["serviceAllocation"]>;

const ENDLESS = ["10.0.0.0/8"];
const SMALL = ["192.0.2.0/24"];

function pool(name: string, addresses: string[], allocation?: Allocation): IPAddressPool {
  return ipAddressPool(name, addresses, allocation ? { serviceAllocation: allocation } : {});
}

function shadowed(...ipAddressPools: IPAddressPool[]): [string, string][] {
  const { problems } = checkConfiguration({
    ipAddressPools,
    l2Advertisements: [l2Advertisement("all")],
  });
  return problems
    .filter(({ rule }) => rule === "H-R13")
    .map(({ object, severity }) => [object.name, severity]);
}

describe("a pool that automatic allocation never reaches (H-R13)", () => {
  it("is one of lower priority behind one that cannot run out", () => {
    expect(
      shadowed(pool("b", SMALL, { priority: 2 }), pool("z", ENDLESS, { priority: 1 })),
    ).toEqual([["b", "warn"]]);
  });

  it("is one without a priority behind one with any", () => {
    expect(
      shadowed(pool("a", SMALL, { priority: 0 }), pool("z", ENDLESS, { priority: 50 })),
    ).toEqual([["a", "warn"]]);
  });

  it("is an open pool behind a pinned one that admits everybody", () => {
    expect(shadowed(pool("a", SMALL), pool("z", ENDLESS, { priority: 50 }))).toEqual([
      ["a", "warn"],
    ]);
  });

  it("is one that only comes later in the alphabet, which is worth a word", () => {
    expect(shadowed(pool("a", ENDLESS), pool("b", SMALL))).toEqual([["b", "inform"]]);
  });

  it("names the pool in front and the way out", () => {
    const ipAddressPools = [pool("b", SMALL, { priority: 2 }), pool("a", ENDLESS, { priority: 1 })];
    const { problems } = checkConfiguration({
      ipAddressPools,
      l2Advertisements: [l2Advertisement("all")],
    });
    expect(problems).toMatchObject([{ related: [{ name: "a" }] }]);
    expect(problems[0]?.message).toContain('IPAddressPool "a" first, which cannot run out');
  });

  it("is one for the same namespaces and the same labels, or fewer", () => {
    const wide = { namespaces: ["x", "y"], serviceSelectors: [withLabel("a", "b")], priority: 1 };
    const narrow = { namespaces: ["y"], serviceSelectors: [withLabel("a", "b")], priority: 2 };
    expect(shadowed(pool("a", ENDLESS, wide), pool("b", SMALL, narrow))).toEqual([["b", "warn"]]);
  });
});

describe("nothing is said", () => {
  it.each<[string, IPAddressPool, IPAddressPool]>([
    [
      "behind a pool that may run out",
      pool("a", SMALL, { priority: 1 }),
      pool("b", ENDLESS, { priority: 2 }),
    ],
    [
      "about a family that the first pool lacks",
      pool("a", ENDLESS, { priority: 1 }),
      pool("b", ["2001:db8::/64"], { priority: 2 }),
    ],
    [
      "about a pool with both families behind an endless one of one family",
      pool("a", ["2001:db8::/64", "192.0.2.0/24"], { priority: 1 }),
      pool("b", ["2001:db8:1::/64", "198.51.100.0/24"], { priority: 2 }),
    ],
    [
      "about other namespaces",
      pool("a", ENDLESS, { namespaces: ["x"], priority: 1 }),
      pool("b", SMALL, { namespaces: ["x", "y"], priority: 2 }),
    ],
    [
      "about everybody, behind a pool for some",
      pool("a", ENDLESS, { namespaces: ["x"], priority: 1 }),
      pool("b", SMALL, { priority: 2 }),
    ],
    [
      "about other labels",
      pool("a", ENDLESS, { serviceSelectors: [withLabel("a", "b")], priority: 1 }),
      pool("b", SMALL, { serviceSelectors: [withLabel("a", "c")], priority: 2 }),
    ],
    [
      "about a pinned pool behind an open one",
      pool("a", ENDLESS),
      pool("b", SMALL, { namespaces: ["x"] }),
    ],
    [
      "behind a pool that gives nothing of its own accord",
      ipAddressPool("a", ENDLESS, { autoAssign: false }),
      pool("b", SMALL),
    ],
    [
      "about a pool that gives nothing of its own accord",
      pool("a", ENDLESS),
      ipAddressPool("b", SMALL, { autoAssign: false }),
    ],
  ])("%s", (_what, first, second) => {
    expect(shadowed(first, second)).toEqual([]);
  });
});
