/**
 * How long nobody, or two nodes, answer for an address when something happens to the one that announces it, and what planned moves
 * lose: Herald and MetalLB in turns on the same lab. `HERALD_BENCH_TRIALS` (default 20) of each, `HERALD_BENCH_REQUESTS`.
 */
import { join } from "node:path";
import { REPOSITORY } from "../lab/paths";
import { run } from "../lab/run";
import { Stage, type Contender } from "./failover/stage";
import {
  REQUESTS,
  drained,
  killed,
  killedWithoutApi,
  linkCut,
  portBlocked,
  poweredOff,
  restarted,
  type Trial,
} from "./failover/trials";
import { ensurePeer, PEER_VERSION } from "./peer";
import { markdownTable, median } from "./statistics";

const TRIALS = Number(process.env["HERALD_BENCH_TRIALS"] ?? "20");

/** What is done on three nodes, in this order, then on two. */
const ON_THREE: readonly Trial[] = [
  killed,
  killedWithoutApi,
  linkCut,
  restarted,
  drained,
  portBlocked,
];
const ON_TWO: readonly Trial[] = [poweredOff];

/** By contender, by measurement: one value a trial. */
type Results = Map<string, Map<string, number[]>>;

/** Runs the bench and returns the report as Markdown. */
export async function benchFailover(): Promise<string> {
  const contenders = await findContenders();
  const results: Results = new Map();
  for (const { name } of contenders) results.set(name, new Map());
  await compete({ name: "bench-fo3", nodes: 3, trials: ON_THREE }, contenders, results);
  await compete({ name: "bench-fo2", nodes: 2, trials: ON_TWO }, contenders, results);
  return report(results);
}

async function findContenders(): Promise<readonly Contender[]> {
  const peer = await ensurePeer();
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  const program = join(REPOSITORY, "dist", "speaker.js");
  return [
    { name: "Herald", argv: () => [process.execPath, program] },
    { name: `MetalLB ${PEER_VERSION}`, argv: () => [join(peer, "speaker")] },
  ];
}

async function compete(
  given: { readonly name: string; readonly nodes: number; readonly trials: readonly Trial[] },
  contenders: readonly Contender[],
  results: Results,
): Promise<void> {
  let [current] = contenders;
  const stage = await Stage.up(given.name, given.nodes, () => {
    if (current === undefined) throw new Error("nobody announces");
    return current;
  });
  try {
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const order = trial % 2 === 0 ? contenders : [...contenders].reverse();
      for (const contender of order) {
        current = contender;
        await runTrials(
          stage,
          given.trials,
          results.get(contender.name) ?? new Map<string, number[]>(),
        );
      }
    }
  } finally {
    await stage.lab.down();
  }
}

async function runTrials(
  stage: Stage,
  trials: readonly Trial[],
  figures: Map<string, number[]>,
): Promise<void> {
  for (const trial of trials) {
    await stage.settle();
    for (const [name, value] of Object.entries(await trial(stage))) {
      const values = figures.get(name);
      if (values) values.push(value);
      else figures.set(name, [value]);
      console.error(`  ${name}: ${value.toFixed(0)}`);
    }
  }
  await stage.stop();
}

function report(results: Results): string {
  const contenders = [...results.keys()];
  const measurements = [...(results.get("Herald")?.keys() ?? [])];
  const cell = (contender: string, name: string): string => {
    const values = results.get(contender)?.get(name) ?? [];
    if (name.endsWith("requests")) return String(values.reduce((sum, value) => sum + value, 0));
    if (!name.endsWith(", ms") && !name.endsWith("owners")) {
      return String(values.reduce((sum, value) => sum + value, 0));
    }
    return `${median(values).toFixed(0)} / ${Math.max(...values).toFixed(0)}`;
  };
  const rows = measurements.map(name => [name, ...contenders.map(each => cell(each, name))]);
  return [
    "# Failover and planned moves, layer 2",
    "",
    `${TRIALS} trials of each, Herald and MetalLB ${PEER_VERSION} in turns on the same lab (three nodes, two where it says so), a client that asks every 10 ms. Times and numbers of owners: median / worst. Requests and connections: sums, at least ${REQUESTS} requests a trial.`,
    "",
    markdownTable([["", ...contenders], ...rows]),
    "",
  ].join("\n");
}
