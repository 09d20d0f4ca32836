/** Speakers that restart in order: their addresses stay theirs, and nobody asks in vain meanwhile. */
import { describe, expect, it } from "vitest";
import { expectNatural, seeds, settled } from "./settled";
import type { World } from "./world";

function restart(world: World, name: string, afterMs: number): void {
  world.leave(name, true);
  world.run(afterMs);
  world.start(name);
}

function startMissing(world: World): void {
  for (const name of world.names) if (world.node(name).speaker === undefined) world.start(name);
}

describe("a speaker that restarts", { timeout: 300_000 }, () => {
  it.each([2, 3, 5, 20])(
    "of %i nodes keeps its addresses: nothing moves, all is answered",
    nodes => {
      for (const seed of seeds()) {
        const world = settled(seed, nodes);
        restart(world, "node-1", world.random.between(500, 9_000));
        world.run(3_000);
        expectNatural(world, `seed ${seed}`);
        // Its own taking back is the only change.
        expect(world.moves, `seed ${seed}`).toBe(1);
        expect([world.watch.worstNoneMs, world.watch.worstDoubleMs], `seed ${seed}`).toEqual([
          0, 0,
        ]);
      }
    },
  );

  it("one after the other, with loss: nothing moves", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      world.lossShare = 0.05;
      for (const name of world.names) {
        restart(world, name, world.random.between(500, 5_000));
        world.run(4_000);
      }
      expectNatural(world, `seed ${seed}`);
      expect(world.moves, `seed ${seed}`).toBe(3);
      expect(world.watch.worstDoubleMs, `seed ${seed}`).toBe(0);
    }
  });

  it("and does not come back is replaced after ten seconds", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      world.leave("node-1", true);
      world.run(9_900);
      expect(world.moves, `seed ${seed}`).toBe(0);
      world.run(1_000);
      expect(world.owners(world.entries[0]!.address)).toEqual(["node-2"]);
      expect(world.watch.worstNoneMs, `seed ${seed}`).toBe(0);
    }
  });

  it("with its machine is replaced within the detection time after the machine goes down", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      world.leave("node-1", true);
      world.run(3_000);
      world.crash("node-1");
      const address = world.entries[0]!.address;
      const tookMs = world.runUntil(() => world.owners(address).includes("node-2"), 5_000);
      expect(tookMs, `seed ${seed}`).toBeLessThan(700);
    }
  });

  it("again and again on all nodes, overlapping, with loss up to a tenth: one owner in the end", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      for (let count = 0; count < 30; count += 1) {
        world.lossShare = world.random.pick([0, 0.05, 0.1]);
        const name = world.random.pick(world.names);
        world.leave(name, true);
        world.run(world.random.between(500, 3_000));
        if (world.random.isLucky(0.3)) world.leave(world.random.pick(world.names), true);
        world.run(world.random.between(0, 2_500));
        startMissing(world);
      }
      // Whoever is leaving just now has to be gone before it can be started.
      world.run(500);
      world.mend();
      world.run(40_000);
      expectNatural(world, `seed ${seed}`);
    }
  });
});
