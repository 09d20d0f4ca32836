/**
 * One random history of a cluster: everything that the simulation can do to it, one thing after the other and overlapping, then
 * none of it. The seed decides all of it. Safety holds at each step; in the end every address is with its natural owner,
 * the segment knows it, and nothing moves any more.
 */
import { Breach, type WatchLimits } from "./watch";
import { World } from "./world";

export interface ScenarioOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly faults?: number;
}

export interface ScenarioResult {
  readonly virtualMs: number;
  readonly moves: number;
  readonly worstDoubleMs: number;
  /** Nobody answered although some candidate could have, for as long. */
  readonly worstNeedlessMs: number;
}

/**
 * While faults of all kinds overlap. Two owners that do not hear each other announce again with the refresh, after 10 s ± 10 %;
 * a speaker that restarts is waited for 10 s, and its stand-in may be hit meanwhile.
 */
const ANY_FAULTS: WatchLimits = { doubleMs: 11_500, noneMs: 11_500 };
/** A node that lost its addresses again and again gets them back after five minutes. */
const CALM_S = 330;
const MAX_LAG_MS = 5_000;
const MEMBERSHIP_SETTLED_MS = 2_500;

/** Runs it. Throws a `Breach` that names the seed when something does not hold. */
export function runScenario(options: ScenarioOptions): ScenarioResult {
  const { seed, nodes } = options;
  const world = new World({ seed, nodes, addresses: Math.min(nodes, 10) });
  try {
    return play(world, options);
  } catch (error) {
    if (!(error instanceof Breach)) throw error;
    throw new Breach(`${nodes} speakers, seed ${seed}: ${error.message}`);
  }
}

function play(world: World, { faults = 20 }: ScenarioOptions): ScenarioResult {
  for (const name of world.names) world.start(name);
  world.run(MEMBERSHIP_SETTLED_MS);
  requireNatural(world);
  world.forget();
  world.watch.limits = ANY_FAULTS;
  for (let fault = 0; fault < faults; fault += 1) {
    disturb(world);
    world.run(world.random.between(10, 3_000));
  }
  // Whoever is leaving just now has to be gone before it can be started.
  world.run(500);
  world.mend();
  for (let second = 0; second < CALM_S && !isNatural(world); second += 1) world.run(1_000);
  // The refresh tells those who missed the announcement.
  world.run(11_000);
  const { worstDoubleMs, worstNeedlessMs } = world.watch;
  const { moves } = world;
  requireNatural(world);
  requireLearnt(world);
  world.forget();
  world.watch.limits = { doubleMs: 0, noneMs: 0 };
  world.run(5_000);
  if (world.moves > 0) throw new Breach(`${world.moves} moves without a cause`);
  return { virtualMs: world.nowMs, moves, worstDoubleMs, worstNeedlessMs };
}

function isNatural(world: World): boolean {
  return world.entries.every(
    ({ address, candidates }) => world.owners(address).join() === candidates[0],
  );
}

function requireNatural(world: World): void {
  for (const { address, candidates } of world.entries) {
    const owners = world.owners(address);
    if (owners.length === 1 && owners[0] === candidates[0]) continue;
    throw new Breach(
      `${address} is with ${owners.join(" and ") || "nobody"}, not ${candidates[0]}`,
    );
  }
}

function requireLearnt(world: World): void {
  for (const { address, candidates } of world.entries) {
    const learnt = world.learnt.get(address);
    if (learnt !== candidates[0]) throw new Breach(`${address} was last announced by ${learnt}`);
  }
}

/** Something happens to one node, or to the segment. */
export function disturb(world: World): void {
  const { random } = world;
  const name = random.pick(world.names);
  if (world.node(name).speaker === undefined && random.isLucky(0.5)) world.start(name);
  else random.pick([...toSpeaker(world, name), ...toLink(world, name), ...toView(world, name)])();
}

type Fault = () => void;

function toSpeaker(world: World, name: string): readonly Fault[] {
  const { random } = world;
  return [
    () => world.crash(name),
    () => world.kill(name),
    () => world.leave(name),
    () => world.leave(name, true),
    () => world.start(name),
    () => world.stall(name, random.between(50, 1_500)),
    () => world.names.forEach(each => world.stall(each, random.between(50, 400))),
    () => world.freeze(name, random.between(50, 1_500)),
  ];
}

function toLink(world: World, name: string): readonly Fault[] {
  const { random } = world;
  const node = world.node(name);
  return [
    () => world.setCable(name, node.isCut, random.isLucky(0.5)),
    () => flap(world, name),
    () => world.set(name, { half: 1 - node.half }),
    () => world.names.forEach(each => world.set(each, { half: random.isLucky(0.5) ? 1 : 0 })),
    () => world.names.forEach(each => world.set(each, { half: 0 })),
    () => world.set(name, { isMute: !node.isMute }),
    () => world.set(name, { isDeaf: !node.isDeaf }),
    () => world.set(name, { isPortBlocked: random.pick(["no", "dropped", "rejected"]) }),
    () => void (world.lossShare = random.pick([0, 0.05, 0.1])),
    () => void (world.jitterMs = random.pick([0.2, 1, 3, 30])),
  ];
}

/** Its main thread stands still, or the API server is slow: what changes meanwhile reaches it later. */
function toView(world: World, name: string): readonly Fault[] {
  const { random } = world;
  const lag = (): number => random.between(0, MAX_LAG_MS);
  return [
    () => void (world.node(name).toldMs = world.nowMs + lag()),
    () => world.setExcluded(name, true, lag),
    () => world.setExcluded(name, false, lag),
  ];
}

function flap(world: World, name: string): void {
  const isSeen = world.random.isLucky(0.5);
  for (let count = 0; count < 5; count += 1) {
    world.setCable(name, false, isSeen);
    world.run(world.random.between(20, 400));
    world.setCable(name, true, isSeen);
    world.run(world.random.between(20, 400));
  }
}
