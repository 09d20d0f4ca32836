import { describe, expect, it } from "vitest";
import { Judge, summarise } from "../../../../capabilities/controller/judge";
import { ipAddressPool, l2Advertisement, metadata } from "../../../support/resources";

const all = l2Advertisement("all");
const at = (seconds: number) => ({
  creationTimestamp: `2026-01-01T00:00:${String(seconds).padStart(2, "0")}Z`,
});

function pools(judged: {
  readonly pools: readonly { name: string; entries: readonly { text: string }[] }[];
}): unknown {
  return judged.pools.map(pool => [pool.name, ...pool.entries.map(entry => entry.text)]);
}

describe("a bad edit", () => {
  const good = ipAddressPool("a", ["10.0.0.0/30"]);
  const bad = ipAddressPool("a", ["10.0.0.0/33"]);
  const b = ipAddressPool("b", ["10.0.1.0/30"]);

  it("keeps the pool as it was while its object exists, and says so", () => {
    const judge = new Judge();
    judge.judge({ ipAddressPools: [good, b], l2Advertisements: [all] });
    const judged = judge.judge({ ipAddressPools: [bad, b], l2Advertisements: [all] });
    expect(pools(judged)).toEqual([
      ["a", "10.0.0.0/30"],
      ["b", "10.0.1.0/30"],
    ]);
    expect(summarise(judged.errors)).toContain('"a"');
    const again = judge.judge({ ipAddressPools: [bad, b], l2Advertisements: [all] });
    expect(again).toEqual(judged);
    const gone = judge.judge({ ipAddressPools: [b], l2Advertisements: [all] });
    expect([pools(gone), gone.errors]).toEqual([[["b", "10.0.1.0/30"]], []]);
  });

  it("is not in force after a start, when nothing is known of before", () => {
    const judged = new Judge().judge({ ipAddressPools: [bad, b], l2Advertisements: [all] });
    expect(pools(judged)).toEqual([["b", "10.0.1.0/30"]]);
  });

  it("gives way to a pool that is in force and has its addresses", () => {
    const judge = new Judge();
    judge.judge({ ipAddressPools: [good], l2Advertisements: [all] });
    const wide = ipAddressPool("wide", ["10.0.0.0/24"]);
    expect(pools(judge.judge({ ipAddressPools: [bad, wide], l2Advertisements: [all] }))).toEqual([
      ["wide", "10.0.0.0/24"],
    ]);
  });
});

it("of two pools that overlap the later one is left out, whatever the order of the list", () => {
  const early = { ...ipAddressPool("z", ["10.0.0.0/24"]), metadata: metadata("z", at(1)) };
  const late = { ...ipAddressPool("a", ["10.0.0.0/25"]), metadata: metadata("a", at(2)) };
  for (const ipAddressPools of [
    [early, late],
    [late, early],
  ]) {
    const judged = new Judge().judge({ ipAddressPools, l2Advertisements: [all] });
    expect(pools(judged)).toEqual([["z", "10.0.0.0/24"]]);
    expect(judged.errors.map(error => error.object.name)).toEqual(["a"]);
  }
});

it("an empty configuration is valid", () => {
  expect(new Judge().judge({})).toEqual({ pools: [], errors: [], current: [] });
});
