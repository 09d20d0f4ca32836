/** What the simulations of layer 2 share: seeds, and a cluster to begin with. */
import { expect } from "vitest";
import { World, type WorldOptions } from "./world";

const SEEDS = Number(process.env["HERALD_SIM_SEEDS"] ?? "2");
const FIRST_SEED = Number(process.env["HERALD_SIM_FIRST"] ?? "1");

/** `HERALD_SIM_SEEDS` (2) of them from `HERALD_SIM_FIRST` (1) on. */
export function seeds(): readonly number[] {
  return Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index);
}

/** A cluster where every address is with its first candidate. */
export function settled(
  seed: number,
  nodes: number,
  prepare?: (world: World) => void,
  options: Partial<WorldOptions> = {},
): World {
  const world = new World({ ...options, seed, nodes });
  prepare?.(world);
  for (const name of world.names) world.start(name);
  world.run(1500 + world.random.between(0, 80));
  expectNatural(world, `seed ${seed}`);
  world.forget();
  return world;
}

/** Every address is with its first candidate, and with nobody else. */
export function expectNatural(world: World, why: string): void {
  for (const { address, candidates } of world.entries) {
    expect(world.owners(address), `${why}: ${address}`).toEqual(candidates.slice(0, 1));
  }
}

/** Time until another node answers for the first address. */
export function untilTaken(world: World, victim: string): number {
  const address = world.entries[0]!.address;
  return world.runUntil(() => world.owners(address).some(name => name !== victim), 5_000);
}
