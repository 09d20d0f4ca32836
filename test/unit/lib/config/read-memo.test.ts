import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { reviewChange, type Change } from "../../../../lib/config/admission";
import { checkConfiguration } from "../../../../lib/config/check";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import { ReadMemo } from "../../../../lib/config/read-memo";
import { largeConfiguration } from "../../../support/large-configuration";
import { createdAt, ipAddressPool, NAMESPACE } from "../../../support/resources";

const SMALL: ConfigurationResources = {
  ...largeConfiguration({ pools: 5, peers: 3, advertisements: 6 }),
  nodes: [],
  namespaces: [],
};

describe("a memo", () => {
  it("reads an object once and another object anew", () => {
    const memo = new ReadMemo();
    const object = {};
    let reads = 0;
    const read = (): number => (reads += 1);
    expect([memo.get("a", object, read), memo.get("a", object, read)]).toEqual([1, 1]);
    expect(memo.get("b", object, read)).toBe(2);
    expect(memo.get("a", {}, read)).toBe(3);
    expect([memo.get("a", null, read), memo.get("a", null, read)]).toEqual([4, 5]);
  });

  const pools = fc.array(
    fc.tuple(fc.nat(5), fc.nat(20), fc.nat(6)).map(([name, from, size]) => ({
      name: `p${name}`,
      addresses: [`10.0.0.${from}-10.0.0.${from + size}`],
    })),
    { minLength: 1, maxLength: 12 },
  );

  test.prop([pools], { numRuns: 40 })("changes no verdict, however often it is used", changes => {
    const memo = new ReadMemo();
    let live: ConfigurationResources = SMALL;
    for (const [index, { name, addresses }] of changes.entries()) {
      const object = createdAt(ipAddressPool(name, addresses), index);
      const stored = live.ipAddressPools ?? [];
      const oldObject = stored.find(({ metadata }) => metadata.name === name);
      const change: Change = oldObject
        ? { operation: "UPDATE", kind: "IPAddressPool", object, oldObject }
        : { operation: "CREATE", kind: "IPAddressPool", object };
      const verdict = reviewChange(change, live, { namespace: NAMESPACE });
      expect(reviewChange(change, live, { namespace: NAMESPACE, memo })).toEqual(verdict);
      // Refused ones are stored too: a memo must not mix up what was said in which neighbourhood.
      const others = stored.filter(({ metadata }) => metadata.name !== name);
      live = { ...live, ipAddressPools: [...others, object] };
      expect(checkConfiguration(live, { memo })).toEqual(checkConfiguration(live));
    }
  });
});
