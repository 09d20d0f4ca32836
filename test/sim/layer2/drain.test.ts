/** A node is excluded and comes back, and some speakers hear of it seconds later than others: nobody asks in vain meanwhile. */
import { describe, expect, it } from "vitest";
import { expectNatural, seeds, settled } from "./settled";
import type { World } from "./world";

const ADDRESS = "192.0.2.1";

/** The world after `node-1` was excluded: it knows at once, its successor after `lagMs`. */
function drained(seed: number, lagMs: number, lossShare = 0): World {
  const world = settled(seed, 3);
  world.lossShare = lossShare;
  world.setExcluded("node-1", true, name => (name === "node-1" ? 0 : lagMs));
  return world;
}

describe("a node that is excluded", { timeout: 300_000 }, () => {
  it.each([0, 200, 1_000, 5_000, 9_500])(
    "answers until its successor has heard of it, %i ms later",
    lagMs => {
      for (const seed of seeds()) {
        const world = drained(seed, lagMs);
        world.run(lagMs - 1);
        if (lagMs > 0) expect(world.owners(ADDRESS), `seed ${seed}`).toEqual(["node-1"]);
        world.run(100);
        expect(world.owners(ADDRESS), `seed ${seed}`).toEqual(["node-2"]);
        world.run(12_000);
        expectNatural(world, `seed ${seed}`);
        const { worstNoneMs, worstDoubleMs } = world.watch;
        expect(worstNoneMs, `seed ${seed}`).toBe(0);
        expect(worstDoubleMs, `seed ${seed}`).toBeLessThan(20);
        expect(world.moves, `seed ${seed}`).toBe(1);
      }
    },
  );

  it("gives the address up after ten seconds when nobody takes it", () => {
    for (const seed of seeds()) {
      const world = drained(seed, 15_000);
      world.run(9_900);
      expect(world.owners(ADDRESS), `seed ${seed}`).toEqual(["node-1"]);
      world.run(500);
      expect(world.owners(ADDRESS), `seed ${seed}`).toEqual([]);
      world.run(4_700);
      expect(world.owners(ADDRESS), `seed ${seed}`).toEqual(["node-2"]);
    }
  });

  it("and hears of it last: two owners for a moment, then one, then another", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      const lagMs = world.random.between(1_000, 8_000);
      world.setExcluded("node-1", true, name => (name === "node-1" ? lagMs : 0));
      world.run(lagMs + 11_000);
      expectNatural(world, `seed ${seed}`);
      const { worstNoneMs, totalDoubleMs } = world.watch;
      expect(worstNoneMs, `seed ${seed}`).toBe(0);
      expect(totalDoubleMs, `seed ${seed}`).toBeLessThan(450);
      expect(world.moves, `seed ${seed}`).toBeLessThan(10);
    }
  });

  it("comes back after the failback delay, whoever hears of it first", () => {
    for (const seed of seeds()) {
      const world = drained(seed, 100);
      world.run(5_000);
      world.setExcluded("node-1", false, () => world.random.between(0, 5_000));
      world.run(20_000);
      expectNatural(world, `seed ${seed}`);
      expect(world.watch.worstNoneMs, `seed ${seed}`).toBe(0);
      expect(world.watch.totalDoubleMs, `seed ${seed}`).toBeLessThan(450);
    }
  });
});
