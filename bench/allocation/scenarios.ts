/** What is measured with one controller on one API server; each returns numbers, `allocation.ts` puts them together. */
import { setTimeout as sleep } from "node:timers/promises";
import { BenchWorld, namesOf, residentOctets, servicePath, type Contender } from "./world";

const READY_LIMIT_MS = 60_000;

export interface BurstResult {
  readonly createsPerSecond: number;
  /** Last address after the last create was answered. */
  readonly lagMs: number;
  /** From the first create to the last address. */
  readonly addressesPerSecond: number;
}

/** A world with one pool of a /16 and the controller giving addresses from it. */
export async function readyWorld(contender: Contender, morePools = 0): Promise<BenchWorld> {
  const world = await BenchWorld.start();
  try {
    for (let index = 0; index < morePools; index += 1) {
      await world.makePool(`other-${index}`, `172.${16 + (index >> 8)}.${index & 255}.0/24`);
    }
    await world.makePool("a", "10.0.0.0/16");
    world.run(contender);
    await world.create("first");
    await world.untilVisible(["first"], READY_LIMIT_MS);
    return world;
  } catch (error) {
    await world.end();
    throw error;
  }
}

/** Services created by 16 clients while the controller works. */
export async function measureBurst(contender: Contender, count: number): Promise<BurstResult> {
  const world = await readyWorld(contender);
  try {
    const names = namesOf("s", count);
    const begunMs = performance.now();
    const createdMs = await world.createMany(names);
    const lastMs = await world.untilVisible(names, 600_000);
    return {
      createsPerSecond: (count * 1_000) / (createdMs - begunMs),
      lagMs: Math.max(0, lastMs - createdMs),
      addressesPerSecond: (count * 1_000) / (lastMs - begunMs),
    };
  } finally {
    await world.end();
  }
}

export interface BacklogResult {
  /** Addresses per second, from the first to the last. */
  readonly addressesPerSecond: number;
  /** The same statuses written again by 16 clients without a controller, on the same API server right afterwards. */
  readonly barePerSecond: number;
}

/** Services that wait when the controller starts, so that nothing but statuses (and Events) is written. */
export async function measureBacklog(contender: Contender, count: number): Promise<BacklogResult> {
  const world = await BenchWorld.start();
  try {
    await world.makePool("a", "10.0.0.0/16");
    const names = namesOf("s", count);
    await world.createMany(names);
    const child = world.run(contender);
    const lastMs = await world.untilVisible(names, 600_000);
    const firstMs = Math.min(...names.map(name => world.visibleAtMs.get(name) ?? 0));
    await world.kill(child);
    const barePerSecond = await world.writeStatuses(names);
    return { addressesPerSecond: ((count - 1) * 1_000) / (lastMs - firstMs), barePerSecond };
  } finally {
    await world.end();
  }
}

/** The API server alone: creates per second by 16 clients. */
export async function measureBareCreates(count: number): Promise<number> {
  const world = await BenchWorld.start();
  try {
    const begunMs = performance.now();
    const createdMs = await world.createMany(namesOf("s", count));
    return (count * 1_000) / (createdMs - begunMs);
  } finally {
    await world.end();
  }
}

/** From the begin of a create to the address at a watcher, one after the other, ms. */
export async function measureLatencies(
  world: BenchWorld,
  prefix: string,
  count: number,
): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (const name of namesOf(prefix, count)) {
    const begunMs = await world.create(name);
    latencies.push((await untilSeen(world, name)) - begunMs);
    // MetalLB v0.15.2 writes at most 20 times a second; no contender is to be held by that here.
    await sleep(60);
  }
  return latencies;
}

/** The same way without a controller: a Service that nobody handles, whose status the client writes itself at once. */
export async function measureBareLatencies(
  world: BenchWorld,
  prefix: string,
  count: number,
): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (const [index, name] of namesOf(prefix, count).entries()) {
    const begunMs = performance.now();
    await world.createWithAddress(name, `10.255.${index >> 8}.${index & 255}`);
    latencies.push((await untilSeen(world, name)) - begunMs);
    await sleep(60);
  }
  return latencies;
}

type Measure = (world: BenchWorld, prefix: string, count: number) => Promise<readonly number[]>;

/** The measurement while somebody changes another Service 20 times a second. */
export const whileBusy =
  (measure: Measure): Measure =>
  async (world, prefix, count) => {
    let isOver = false;
    const change = async (): Promise<void> => {
      for (let turn = 0; !isOver; turn += 1) {
        const labels = { turn: String(turn) };
        await world.client.patch(servicePath("first"), { metadata: { labels } });
        await sleep(50);
      }
    };
    const changing = change();
    try {
      return await measure(world, prefix, count);
    } finally {
      isOver = true;
      await changing;
    }
  };

async function untilSeen(world: BenchWorld, name: string): Promise<number> {
  const limitMs = performance.now() + 120_000;
  for (;;) {
    const seenMs = world.visibleAtMs.get(name);
    if (seenMs !== undefined) return seenMs;
    if (performance.now() > limitMs) throw new Error(`${name} has no address after 120 s`);
    await sleep(1);
  }
}

/** Many Services are deleted by 16 clients; how long a new one then waits, ms. */
export async function measureAfterDeletions(contender: Contender, count: number): Promise<number> {
  const world = await readyWorld(contender);
  try {
    const names = namesOf("d", count);
    await world.createMany(names);
    await world.untilVisible(names, 600_000);
    await world.deleteMany(names);
    const begunMs = await world.create("after");
    return (await untilSeen(world, "after")) - begunMs;
  } finally {
    await world.end();
  }
}

export interface RestartResult {
  /** From the start of the process to the address of a Service created at that moment, ms. */
  readonly firstAddressMs: number;
  /** Changes of Services that had their address already. */
  readonly writes: number;
  readonly moved: number;
  readonly baseOctets: number;
  readonly residentOctets: number;
}

/** The controller is killed and started over many Services that have their addresses. */
export async function measureRestart(contender: Contender, count: number): Promise<RestartResult> {
  const world = await BenchWorld.start();
  try {
    await world.makePool("a", "10.0.0.0/16");
    const idle = world.run(contender);
    await sleep(5_000);
    const baseOctets = residentOctets(idle);
    const names = namesOf("s", count);
    await world.createMany(names);
    await world.untilVisible(names, 600_000);
    await world.kill(idle);
    await sleep(500);
    world.changes = 0;
    const begunMs = performance.now();
    const child = world.run(contender);
    await world.create("new");
    const firstAddressMs = (await untilSeen(world, "new")) - begunMs;
    await sleep(10_000);
    // The new one is changed once, by its address.
    const writes = world.changes - 1;
    return {
      firstAddressMs,
      writes,
      moved: world.moved.size,
      baseOctets,
      residentOctets: residentOctets(child),
    };
  } finally {
    await world.end();
  }
}
