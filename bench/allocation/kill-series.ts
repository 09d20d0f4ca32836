/**
 * The kill series: `npx tsx bench/allocation/kill-series.ts [kills] [Services]`, by default 100 and 300. The controller is killed with
 * SIGKILL again and again while Services are created and deleted; counted are addresses that changed and changes of Services that
 * had their address already. Writes bench/results/allocation-kills.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../../lab/paths";
import { BenchWorld, contenders, namesOf, type Contender } from "./world";

/** Services that come and go besides. */
const CHURN = 40;

interface Series {
  readonly kills: number;
  readonly churned: number;
  readonly moved: number;
  readonly writes: number;
  readonly doubles: number;
}

async function main(kills: number, count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "herald-bench-program-"));
  const world = await BenchWorld.start();
  try {
    const { herald } = await contenders(folder, "");
    await world.makePool("a", "10.0.0.0/20");
    const series = await run(world, herald, { kills, count });
    const report = describe(series, count);
    writeFileSync(join(REPOSITORY, "bench", "results", "allocation-kills.md"), report);
    console.log(report);
    const isWrong = series.moved + series.writes + series.doubles > 0;
    process.exitCode = isWrong ? 1 : 0;
  } finally {
    await world.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(
  world: BenchWorld,
  herald: Contender,
  { kills, count }: { readonly kills: number; readonly count: number },
): Promise<Series> {
  const names = namesOf("s", count);
  let child = world.run(herald);
  await world.createMany(names);
  await world.untilVisible(names, 120_000);
  world.watchOver(names);
  let isOver = false;
  let churned = 0;
  const churn = async (): Promise<void> => {
    for (let turn = 0; !isOver; turn += 1) {
      const some = namesOf(`c${turn}-`, CHURN);
      await world.createMany(some);
      await sleep(200);
      await world.deleteMany(some);
      churned += CHURN;
    }
  };
  const churning = churn();
  for (let kill = 0; kill < kills; kill += 1) {
    // From before the first list to well after the first writes.
    await sleep(200 + ((kill * 137) % 2_000));
    await world.kill(child);
    child = world.run(herald);
    if (kill % 10 === 9) console.error(`${kill + 1} kills, ${churned} Services came and went`);
  }
  isOver = true;
  await churning;
  await world.create("last");
  await world.untilVisible(["last"], 120_000);
  await sleep(2_000);
  const held = names.map(name => world.seen(name)?.address);
  const doubles = held.length - new Set(held).size;
  const { moved } = world;
  return { kills, churned, moved: moved.size, writes: world.watchedChanges, doubles };
}

function describe({ kills, churned, moved, writes, doubles }: Series, count: number): string {
  return [
    "# Kill series",
    "",
    `${count} Services with addresses; the controller was killed with SIGKILL ${kills} times, 0.2 to 2.2 s after its start, while ${churned} other Services came and went.`,
    "",
    `- changed addresses: ${moved} (target 0)`,
    `- changes of the ${count} Services, status writes included: ${writes} (target 0)`,
    `- addresses of two Services: ${doubles} (target 0)`,
    "",
  ].join("\n");
}

const [kills = 100, count = 300] = process.argv.slice(2).map(Number);
main(kills, count).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
