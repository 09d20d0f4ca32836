/**
 * How fast addresses are given: Herald's controller, MetalLB's and the bare API server, each on an API server of its own without
 * nodes. Where latencies are compared both controllers run side by side on two API servers and are asked in turns.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  measureAfterDeletions,
  measureBacklog,
  measureBareCreates,
  measureBareLatencies,
  measureBurst,
  measureLatencies,
  measureRestart,
  readyWorld,
  whileBusy,
} from "./allocation/scenarios";
import { measureAlone } from "./allocation/measure-alone";
import { contenders, type BenchWorld, type Contender } from "./allocation/world";
import { ensurePeer, PEER_VERSION } from "./peer";
import { markdownTable, median, quantile } from "./statistics";

const ROUNDS = 4;
const CREATES_PER_ROUND = 50;
/** MetalLB v0.15.2 gives 18 addresses a second: it is measured with fewer Services. */
const PEER_COUNT = 1_000;

type Row = readonly [what: string, herald: string, peer: string, target: string];

/** Runs the bench and returns the report as Markdown. */
export async function benchAllocation(): Promise<string> {
  const peer = await ensurePeer();
  const folder = mkdtempSync(join(tmpdir(), "herald-bench-program-"));
  try {
    const { herald, metallb } = await contenders(folder, peer);
    const rows: Row[] = [];
    const only = process.env["HERALD_BENCH_PARTS"]?.split(",");
    for (const part of PARTS.filter(({ name }) => only?.includes(name) ?? true)) {
      for (const row of await part(herald, metallb)) {
        console.error(row.join(" | "));
        rows.push(row);
      }
    }
    return report(rows);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Part = (herald: Contender, metallb: Contender) => Promise<readonly Row[]>;

const PARTS: readonly Part[] = [alone, burst, backlog, idle, manyPools, afterDeletions, restart];

async function burst(herald: Contender, metallb: Contender): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const theirs = await measureBurst(metallb, PEER_COUNT);
  for (const count of [1_000, 5_000, 10_000]) {
    const ours = await measureBurst(herald, count);
    const bare = await measureBareCreates(count);
    const isCompared = count === PEER_COUNT;
    const what = `${count} Services created by 16 clients:`;
    rows.push(
      [
        `${what} last address after the last create`,
        seconds(ours.lagMs),
        isCompared ? seconds(theirs.lagMs) : "",
        count === 5_000 ? "≤ 1 s" : "",
      ],
      [
        `${what} addresses/s (creates/s)`,
        `${ours.addressesPerSecond.toFixed(0)} (${ours.createsPerSecond.toFixed(0)})`,
        isCompared
          ? `${theirs.addressesPerSecond.toFixed(0)} (${theirs.createsPerSecond.toFixed(0)})`
          : "",
        "flat",
      ],
      [`${what} creates/s, bare API server alone`, bare.toFixed(0), "", ""],
    );
  }
  return rows;
}

async function backlog(herald: Contender): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const count of [1_000, 5_000]) {
    const runs = [];
    for (let run = 0; run < 3; run += 1) runs.push(await measureBacklog(herald, count));
    const list = (values: readonly number[]): string =>
      values.map(value => value.toFixed(0)).join(", ");
    const ratio = median(runs.map(run => run.addressesPerSecond / run.barePerSecond));
    rows.push(
      [
        `${count} Services that wait at the start, 3 runs: addresses/s`,
        list(runs.map(run => run.addressesPerSecond)),
        "",
        "",
      ],
      [
        "… the same statuses written by 16 bare clients, writes/s",
        list(runs.map(run => run.barePerSecond)),
        "",
        "",
      ],
      ["… ratio, median", ratio.toFixed(2), "", "≥ 0.7"],
    );
  }
  return rows;
}

async function idle(herald: Contender, metallb: Contender): Promise<readonly Row[]> {
  return sideBySide([herald, metallb], 0, async worlds => {
    const quiet = await inTurns(worlds, "idle", {
      of: measureLatencies,
      bare: measureBareLatencies,
    });
    const busy = await inTurns(worlds, "busy", {
      of: whileBusy(measureLatencies),
      bare: whileBusy(measureBareLatencies),
    });
    return [
      ["idle: create → address visible, p50", ...toCells(quiet, 0.5), "≤ 1 × MetalLB's"],
      ["idle: p99", ...toCells(quiet, 0.99), ""],
      ["20 changes/s in the background: p50", ...toCells(busy, 0.5), ""],
      ["20 changes/s in the background: p99", ...toCells(busy, 0.99), "≤ 50 ms"],
    ];
  });
}

/** Herald's with the bare API server's behind it, in the same rounds; and MetalLB's. */
function toCells(values: readonly (readonly number[])[], share: number): [string, string] {
  const [ours = "", theirs = "", bare = ""] = values.map(list => milliseconds(list, share));
  return [`${ours} (bare client: ${bare})`, theirs];
}

async function manyPools(herald: Contender, metallb: Contender): Promise<readonly Row[]> {
  return sideBySide([herald, metallb], 1_000, async worlds => {
    const rounds = worlds.map(async (world, index) =>
      measureLatencies(world, "pools", index === 0 ? 100 : 5),
    );
    const [ours = [], theirs = []] = await Promise.all(rounds);
    return [
      [
        "1,000 pools: create → address visible, p50",
        milliseconds(ours, 0.5),
        milliseconds(theirs, 0.5),
        "as idle",
      ],
      ["1,000 pools: p99", milliseconds(ours, 0.99), milliseconds(theirs, 0.99), "as idle"],
    ];
  });
}

async function afterDeletions(herald: Contender, metallb: Contender): Promise<readonly Row[]> {
  const ours = await measureAfterDeletions(herald, 1_000);
  const theirs = await measureAfterDeletions(metallb, 1_000);
  return [
    [
      "right after 1,000 deletions: create → address visible",
      `${ours.toFixed(1)} ms`,
      `${theirs.toFixed(1)} ms`,
      "as idle",
    ],
  ];
}

async function restart(herald: Contender, metallb: Contender): Promise<readonly Row[]> {
  const ours = await measureRestart(herald, 10_000);
  const theirs = await measureRestart(metallb, PEER_COUNT);
  const perService = (ours.residentOctets - ours.baseOctets) / 10_000 / 1_000;
  const peerPerService = (theirs.residentOctets - theirs.baseOctets) / PEER_COUNT / 1_000;
  const what = "restart at 10,000 Services (MetalLB: 1,000):";
  return [
    [
      `${what} start → first new address`,
      seconds(ours.firstAddressMs),
      seconds(theirs.firstAddressMs),
      "≤ 10 s",
    ],
    [`${what} status writes of existing ones`, `${ours.writes}`, `${theirs.writes}`, "0"],
    [`${what} changed addresses`, `${ours.moved}`, `${theirs.moved}`, "0"],
    [
      "resident memory: base",
      `${(ours.baseOctets / 1e6).toFixed(0)} MB`,
      `${(theirs.baseOctets / 1e6).toFixed(0)} MB`,
      "",
    ],
    [
      "resident memory: per Service above it, after the restart",
      `${perService.toFixed(1)} kB`,
      `${peerPerService.toFixed(1)} kB`,
      "≤ 5 kB",
    ],
  ];
}

/** In a process of its own, bundled as it ships. */
async function alone(): Promise<readonly Row[]> {
  const { fills, finds } = await measureAlone();
  const wallMs = median(fills.map(fill => fill.wallMs)).toFixed(0);
  const cpuMs = median(fills.map(fill => fill.cpuMs)).toFixed(0);
  const find = (share: number): string => `${(quantile(finds, share) ?? 0).toFixed(3)} ms`;
  return [
    [
      "allocator alone: 20,000 addresses, median of 11 (CPU time)",
      `${wallMs} ms (${cpuMs} ms)`,
      "",
      "≤ 100 ms",
    ],
    [
      "allocator alone: the one free address of 65,536, p50 and p90 of 100",
      `${find(0.5)}, ${find(0.9)}`,
      "",
      "≤ 1 ms",
    ],
  ];
}

/** Both on API servers of their own, at the same time. */
async function sideBySide(
  both: readonly Contender[],
  morePools: number,
  measure: (worlds: readonly BenchWorld[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const worlds: BenchWorld[] = [];
  try {
    for (const contender of both) worlds.push(await readyWorld(contender, morePools));
    return await measure(worlds);
  } finally {
    for (const world of worlds) await world.end();
  }
}

interface Measures {
  readonly of: typeof measureLatencies;
  readonly bare: typeof measureBareLatencies;
}

/** A B B A …: the values of each world, and last those of the bare client in the first one. */
async function inTurns(
  worlds: readonly BenchWorld[],
  prefix: string,
  { of, bare }: Measures,
): Promise<readonly (readonly number[])[]> {
  const [first] = worlds;
  const turns = [
    ...worlds.map(world => ({ world, measure: of, values: [] as number[] })),
    ...(first ? [{ world: first, measure: bare, values: [] as number[] }] : []),
  ];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const turn of round % 2 === 0 ? turns : [...turns].reverse()) {
      const name = `${prefix}-${turn.measure === bare ? "bare-" : ""}${round}-`;
      turn.values.push(...(await turn.measure(turn.world, name, CREATES_PER_ROUND)));
    }
  }
  return turns.map(({ values }) => values);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function milliseconds(values: readonly number[], share: number): string {
  return `${(quantile(values, share) ?? Number.NaN).toFixed(1)} ms`;
}

function report(rows: readonly Row[]): string {
  return [
    "# Addresses for Services",
    "",
    `etcd and kube-apiserver on the same 2 cores as controller, clients and watcher. MetalLB ${PEER_VERSION}'s client is held to 20 requests/s (later releases are not), so the bare API server is the yardstick for rates; it is measured with ${PEER_COUNT} Services at most.`,
    "",
    markdownTable([["what", "Herald", `MetalLB ${PEER_VERSION}`, "target"], ...rows]),
    "",
  ].join("\n");
}
