/**
 * How fast a configuration is judged: the whole at once (as controller and speakers do), one change of it (as admission does for each
 * request), and hostile objects. Pure code in this process; what the API server adds to a review is not in these figures.
 */
import { loadavg } from "node:os";
import { reviewChange, type Change } from "../lib/config/admission";
import { checkConfiguration } from "../lib/config/check";
import { ReadMemo } from "../lib/config/read-memo";
import type { ConfigurationResources } from "../lib/config/resources";
import { HOSTILE_OBJECTS } from "../test/support/hostile-objects";
import { largeConfiguration } from "../test/support/large-configuration";
import { ipAddressPool, NAMESPACE } from "../test/support/resources";
import { markdownTable, quantile } from "./statistics";

const WHOLE_LIMIT_MS = 100;
const REVIEW_LIMIT_MS = 10;
const HOSTILE_LIMIT_MS = 10;
const RUNS = 300;
const HOSTILE_RUNS = 40;

/** Runs the bench and returns the report as Markdown. */
export function benchConfig(): Promise<string> {
  const whole = largeConfiguration({ pools: 1_000, peers: 200, advertisements: 500 });
  const pools = largeConfiguration({ pools: 1_000, peers: 1, advertisements: 2 });
  const rows = [
    ["1,000 pools, 200 peers, 500 advertisements, the whole", () => checkConfiguration(whole)],
    ...reviews("1,000 pools", pools),
    ...reviews("1,000 pools, 200 peers, 500 advertisements", whole),
  ] as const;
  return Promise.resolve(
    [
      "# Judging a configuration",
      "",
      `Milliseconds in one process, ${RUNS} runs of each after a warm-up; the machine was busy with other work (load ${loadavg()[0]?.toFixed(1) ?? "?"}), which the quantiles feel and the processor time does not.`,
      `Limits: the whole ${WHOLE_LIMIT_MS} ms, a review ${REVIEW_LIMIT_MS} ms (p99), a hostile object ${HOSTILE_LIMIT_MS} ms.`,
      "",
      table(rows, RUNS),
      "",
      "Reviews of hostile objects, with 1,000 pools stored:",
      "",
      table(
        HOSTILE_OBJECTS.map(({ what, change }) => [what, review(change, pools)] as const),
        HOSTILE_RUNS,
      ),
      "",
      "Unknown fields and labels of a map cost what `Object.keys` costs: no key of an object can be read without making the list of all. The API server drops unknown fields before it calls a webhook, so that they reach `lint` alone.",
      "",
    ].join("\n"),
  );
}

type Work = readonly [what: string, run: () => unknown];

function reviews(beside: string, live: ConfigurationResources): readonly Work[] {
  const [first] = live.ipAddressPools ?? [];
  const created = ipAddressPool("fresh", ["192.0.2.0/24"]);
  const changed = { ...first, spec: { addresses: ["10.0.0.0/26"] } };
  return [
    [
      `pool created beside ${beside}`,
      review({ operation: "CREATE", kind: "IPAddressPool", object: created }, live),
    ],
    [
      `pool changed beside ${beside}`,
      review(
        { operation: "UPDATE", kind: "IPAddressPool", object: changed, oldObject: first },
        live,
      ),
    ],
    [
      `pool deleted beside ${beside}`,
      review({ operation: "DELETE", kind: "IPAddressPool", object: first }, live),
    ],
  ];
}

function review(change: Change, live: ConfigurationResources): () => unknown {
  const memo = new ReadMemo();
  return () => reviewChange(anew(change), live, { namespace: NAMESPACE, memo });
}

/** The change as the next request brings it: not one object of it was seen before. */
function anew(change: Change): Change {
  const shallow = (object: unknown): unknown =>
    typeof object === "object" ? { ...object } : object;
  return { ...change, object: shallow(change.object), oldObject: shallow(change.oldObject) };
}

function table(rows: readonly Work[], runs: number): string {
  const milliseconds = (values: readonly number[], share: number): string =>
    (quantile(values, share) ?? Number.NaN).toFixed(2);
  return markdownTable([
    ["what", "p50", "p99", "CPU, mean"],
    ...rows.map(([what, run]) => {
      const { wall, cpu } = time(run, runs);
      return [what, milliseconds(wall, 0.5), milliseconds(wall, 0.99), cpu.toFixed(2)];
    }),
  ]);
}

/** Wall-clock time of each run and processor time of one run on average, in milliseconds. */
function time(run: () => unknown, runs: number): { wall: readonly number[]; cpu: number } {
  for (let index = 0; index < runs / 4; index += 1) run();
  const before = process.cpuUsage();
  const wall = Array.from({ length: runs }, () => {
    const startedMs = performance.now();
    run();
    return performance.now() - startedMs;
  });
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / 1_000 / runs };
}
