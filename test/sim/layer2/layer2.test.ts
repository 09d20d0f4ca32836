/**
 * Ownership and failure detection under faults, with the real code of lib/liveness. `HERALD_SIM_SEEDS=1000` runs more seeds of
 * each; a failure names its seed, and the same seed gives the same run.
 */
import { describe, expect, it } from "vitest";
import { runScenario } from "./scenario";
import { expectNatural, seeds, settled, untilTaken } from "./settled";
import { World } from "./world";

const FAULTS = {
  crash: (world: World, name: string) => world.crash(name),
  kill: (world: World, name: string) => world.kill(name),
  "cable pulled": (world: World, name: string) => world.setCable(name, false),
  "cable pulled behind a switch": (world: World, name: string) =>
    world.setCable(name, false, false),
};

describe("one fault", { timeout: 300_000 }, () => {
  it.each([
    [2, "crash", 965],
    [3, "crash", 490],
    [5, "crash", 490],
    [20, "crash", 490],
    [2, "kill", 210],
    [3, "kill", 210],
    [5, "kill", 210],
    [3, "cable pulled", 490],
    [2, "cable pulled behind a switch", 965],
    [3, "cable pulled behind a switch", 490],
  ] as const)("of %i nodes, %s: taken over within %i ms", (nodes, fault, limitMs) => {
    for (const seed of seeds()) {
      const world = settled(seed, nodes);
      FAULTS[fault](world, world.names[0]!);
      expect(untilTaken(world, world.names[0]!), `seed ${seed}`).toBeLessThan(limitMs);
      world.run(2_000);
      expect(world.watch.worstDoubleMs, `seed ${seed}`).toBe(0);
    }
  });

  it.each([2, 3, 5])("of %i nodes, one leaves: nobody asks in vain", nodes => {
    for (const seed of seeds()) {
      const world = settled(seed, nodes);
      world.leave(world.names[0]!);
      expect(untilTaken(world, world.names[0]!), `seed ${seed}`).toBeLessThan(10);
      world.run(1_000);
      expect(world.watch.worstNoneMs, `seed ${seed}`).toBe(0);
      expect(world.watch.worstDoubleMs, `seed ${seed}`).toBeLessThan(20);
      expect(world.owners(world.entries[0]!.address)).toEqual([world.entries[0]!.candidates[1]]);
    }
  });

  it("a node that comes back takes its addresses after ten seconds, and nobody asks in vain", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      world.crash("node-1");
      world.run(3_000);
      world.forget();
      world.start("node-1");
      world.run(9_000);
      expect(world.moves, `seed ${seed}`).toBe(0);
      world.run(3_000);
      expectNatural(world, `seed ${seed}`);
      expect(world.watch.worstNoneMs, `seed ${seed}`).toBe(0);
      expect(world.watch.worstDoubleMs, `seed ${seed}`).toBeLessThan(20);
    }
  });

  it.each([true, false])("a link that comes back (carrier seen: %s): one owner at once", isSeen => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      world.setCable("node-1", false, isSeen);
      world.run(world.random.between(1_000, 4_000));
      world.forget();
      world.setCable("node-1", true, isSeen);
      world.run(20_000);
      expectNatural(world, `seed ${seed}`);
      expect(world.watch.worstDoubleMs, `seed ${seed}`).toBeLessThan(100);
    }
  });

  it("a machine that stood still: one owner within a quarter of a second", () => {
    for (const seed of seeds()) {
      const world = settled(seed, 3);
      world.freeze("node-1", world.random.between(600, 5_000));
      world.run(25_000);
      expectNatural(world, `seed ${seed}`);
      expect(world.watch.worstDoubleMs, `seed ${seed}`).toBeLessThan(250);
    }
  });

  it.each(["dropped", "rejected"] as const)(
    "heartbeats %s on all nodes, from the start or later: one owner, and it stays",
    isPortBlocked => {
      for (const seed of seeds()) {
        for (const nodes of [2, 3, 5]) {
          const block = (world: World): void => {
            for (const name of world.names) world.set(name, { isPortBlocked });
          };
          const world = settled(seed, nodes);
          block(world);
          world.run(20_000);
          expect([world.moves, world.watch.worstDoubleMs], `seed ${seed}, ${nodes} nodes`).toEqual([
            0, 0,
          ]);
          const blocked = new World({ seed, nodes });
          block(blocked);
          for (const name of blocked.names) blocked.start(name);
          blocked.run(30_000);
          expectNatural(blocked, `seed ${seed}, blocked from the start`);
          blocked.forget();
          blocked.run(10_000);
          expect([blocked.moves, blocked.watch.worstDoubleMs], `seed ${seed}`).toEqual([0, 0]);
        }
      }
    },
  );
});

describe("no fault", { timeout: 300_000 }, () => {
  it.each([2, 3, 5])("one in twenty lost and stalls of 300 ms move nothing (%i nodes)", nodes => {
    for (const seed of seeds()) {
      const world = settled(seed, nodes);
      world.lossShare = 0.05;
      for (let second = 0; second < 60; second += 3) {
        for (const name of world.names) world.stall(name, 300);
        world.run(3_000);
      }
      expect(world.moves, `seed ${seed}`).toBe(0);
    }
  });

  it("the same seed gives the same run", () => {
    const trace = (): string => {
      const world = settled(4711, 3);
      world.lossShare = 0.3;
      const seen: string[] = [];
      for (let step = 0; step < 100; step += 1) {
        world.run(20);
        seen.push(world.entries.map(({ address }) => world.owners(address).join()).join(" "));
      }
      return `${seen.join("\n")} ${world.packets} ${world.watch.totalNoneMs}`;
    };
    expect(trace()).toBe(trace());
  });
});

describe("a bug that the simulation found", { timeout: 60_000 }, () => {
  // A stand-in whose owner was back was taken out of the set of waiting entries and put in again while that was walked: for ever.
  it("the stand-in's fade without end: three speakers, seed 13", () => {
    expect(runScenario({ seed: 13, nodes: 3 }).worstDoubleMs).toBeLessThan(11_500);
  });
});

describe("any faults", { timeout: 600_000 }, () => {
  it.each([2, 3, 5])("end with one owner, the natural one (%i nodes)", nodes => {
    for (const seed of seeds()) {
      expect(runScenario({ seed, nodes }).worstDoubleMs, `seed ${seed}`).toBeLessThan(11_500);
    }
  });
});
