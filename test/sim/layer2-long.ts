/**
 * Random histories of layer 2 with 2 to 200 speakers. `HERALD_SIM_SEEDS` (50) of them with 2, 3 and 5 speakers, a tenth as many
 * with 20, one with 50 for each 50, one shorter with 100 and with 200 for each thousand: those take a quarter of an hour or more.
 * `--seed 17 --speakers 3` plays one history again.
 */
import { parseArgs } from "node:util";
import { runScenario, type ScenarioOptions } from "./layer2/scenario";
import { Breach } from "./layer2/watch";

const SEEDS = Number(process.env["HERALD_SIM_SEEDS"] ?? "50");
const SIZES: readonly {
  readonly nodes: number;
  readonly seeds: number;
  readonly faults: number;
}[] = [
  { nodes: 2, seeds: SEEDS, faults: 20 },
  { nodes: 3, seeds: SEEDS, faults: 20 },
  { nodes: 5, seeds: SEEDS, faults: 20 },
  { nodes: 20, seeds: Math.ceil(SEEDS / 10), faults: 20 },
  { nodes: 50, seeds: Math.ceil(SEEDS / 50), faults: 10 },
  { nodes: 100, seeds: Math.floor(SEEDS / 1_000), faults: 3 },
  { nodes: 200, seeds: Math.floor(SEEDS / 1_000), faults: 2 },
];
const MS_PER_HOUR = 3_600_000;

interface Totals {
  histories: number;
  failures: number;
  virtualMs: number;
  moves: number;
  worstDoubleMs: number;
  worstNeedlessMs: number;
}

function newTotals(): Totals {
  return {
    histories: 0,
    failures: 0,
    virtualMs: 0,
    moves: 0,
    worstDoubleMs: 0,
    worstNeedlessMs: 0,
  };
}

function play(options: ScenarioOptions, totals: Totals): void {
  totals.histories += 1;
  try {
    const result = runScenario(options);
    totals.virtualMs += result.virtualMs;
    totals.moves += result.moves;
    totals.worstDoubleMs = Math.max(totals.worstDoubleMs, result.worstDoubleMs);
    totals.worstNeedlessMs = Math.max(totals.worstNeedlessMs, result.worstNeedlessMs);
  } catch (error) {
    if (!(error instanceof Breach)) throw error;
    totals.failures += 1;
    console.error(`${error.message} (${options.faults} faults)`);
  }
}

function report(what: string, totals: Totals): void {
  console.log(
    `layer 2, ${what}: ${totals.histories} seeds, ${(totals.virtualMs / MS_PER_HOUR).toFixed(2)} virtual hours, ` +
      `${totals.moves} moves, two owners for ${Math.round(totals.worstDoubleMs)} ms at worst, ` +
      `nobody without need for ${Math.round(totals.worstNeedlessMs)} ms, ${totals.failures} failures`,
  );
}

function playSize(size: (typeof SIZES)[number], seeds: readonly number[]): Totals {
  const totals = newTotals();
  for (const seed of seeds) play({ seed, nodes: size.nodes, faults: size.faults }, totals);
  report(`${size.nodes} speakers`, totals);
  return totals;
}

function firstSeeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => 1 + index);
}

const { values } = parseArgs({
  options: { seed: { type: "string" }, speakers: { type: "string" } },
});
const sizes = SIZES.filter(({ nodes }) => nodes === Number(values.speakers ?? nodes));
let failures = 0;
for (const size of sizes) {
  const seeds = values.seed === undefined ? firstSeeds(size.seeds) : [Number(values.seed)];
  failures += playSize(size, seeds).failures;
}
process.exitCode = failures === 0 ? 0 : 1;
