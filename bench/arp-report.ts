/** The report of `bench/arp.ts`. */
import { markdownTable, median, quantile } from "./statistics";

/** One round of one contender. */
export interface Measured {
  readonly name: string;
  readonly services: number;
  /** Times of the answers, µs. */
  readonly arpUs: readonly number[];
  readonly ndpUs: readonly number[];
  readonly arpPerSecond?: number | undefined;
  readonly ndpPerSecond?: number | undefined;
  /** At rest. */
  readonly rssMib?: number;
  readonly cpuShare?: number;
}

interface Row {
  readonly name: string;
  readonly services: number;
  readonly rounds: readonly Measured[];
}

export function arpReport(
  measured: readonly Measured[],
  { rounds, requests }: { readonly rounds: number; readonly requests: number },
): string {
  const rows = group(measured);
  return [
    "# ARP and NDP answers, from one Service to ten thousand",
    "",
    `${rounds} rounds of ${requests} requests each, one request a millisecond, addresses at random, contenders interleaved; medians over the rounds, µs from the request handed to the kernel to the answer read. Rate: answers a second with 64 requests under way.`,
    "",
    markdownTable([
      [
        ...["who answers", "Services", "ARP p50", "p50 of the rounds", "p99", "rate"],
        ...["NDP p50", "p99", "rate"],
      ],
      ...rows.map(toLatencies),
    ]),
    "",
    "At rest (no requests, announcements done):",
    "",
    markdownTable([
      ["speaker", "Services", "resident, MiB", "share of a core"],
      ...rows.filter(({ rounds: [first] }) => first?.rssMib !== undefined).map(toCosts),
    ]),
    "",
    ...verdicts(rows),
    "",
  ].join("\n");
}

function group(measured: readonly Measured[]): readonly Row[] {
  const rows = new Map<string, Measured[]>();
  for (const each of measured) {
    const key = `${each.name} ${each.services}`;
    rows.set(key, [...(rows.get(key) ?? []), each]);
  }
  return [...rows.values()].map(rounds => ({
    name: rounds[0]?.name ?? "",
    services: rounds[0]?.services ?? 0,
    rounds,
  }));
}

type Times = (round: Measured) => readonly number[];

function shares(row: Row | undefined, times: Times, share: number): readonly number[] {
  return (row?.rounds ?? []).map(round => quantile(times(round), share) ?? Number.NaN);
}

const arp: Times = ({ arpUs }) => arpUs;
const ndp: Times = ({ ndpUs }) => ndpUs;

function toLatencies(row: Row): readonly string[] {
  const p50s = shares(row, arp, 0.5);
  const number = (value: number, digits = 0): string =>
    Number.isNaN(value) ? "–" : value.toFixed(digits);
  const rate = (pick: (round: Measured) => number | undefined): string =>
    number(median(row.rounds.map(round => pick(round) ?? Number.NaN)));
  return [
    row.name,
    String(row.services),
    number(median(p50s), 1),
    `${number(Math.min(...p50s))}–${number(Math.max(...p50s))}`,
    number(median(shares(row, arp, 0.99))),
    rate(round => round.arpPerSecond),
    number(median(shares(row, ndp, 0.5)), 1),
    number(median(shares(row, ndp, 0.99))),
    rate(round => round.ndpPerSecond),
  ];
}

function toCosts({ name, services, rounds }: Row): readonly string[] {
  const rss = median(rounds.map(({ rssMib = Number.NaN }) => rssMib));
  const cpu = median(rounds.map(({ cpuShare = Number.NaN }) => cpuShare));
  return [name, String(services), rss.toFixed(0), `${(cpu * 100).toFixed(1)} %`];
}

/** The targets and what was measured. */
function verdicts(rows: readonly Row[]): readonly string[] {
  const p50 = (name: string, services: number): number =>
    median(shares(find(rows, name, services), arp, 0.5));
  const counts = rows.filter(({ name }) => name === "Herald").map(({ services }) => services);
  const most = Math.max(...counts);
  const ours = counts.map(services => p50("Herald", services));
  const spread = Math.max(...ours) / Math.min(...ours);
  const peer = rows.find(({ name }) => name.startsWith("MetalLB"))?.name ?? "";
  const relisting = median(shares(find(rows, "Herald, relisting", most), arp, 0.99));
  const still = median(shares(find(rows, "Herald", most), arp, 0.99));
  return [
    `- At 1 Service: Herald's p50 ${(p50("Herald", 1) / p50(peer, 1)).toFixed(2)} × ${peer}'s (target: at most 1.2).`,
    `- At 5,000: ${peer}'s p50 ${(p50(peer, 5_000) / p50("Herald", 5_000)).toFixed(1)} × Herald's (target: at least 4).`,
    `- Herald's slowest p50 ÷ its fastest, ${counts.join(", ")} Services: ${spread.toFixed(2)} (target: flat within ±20 %).`,
    `- p99 at ${most} while main relists: ${relisting.toFixed(0)} µs, otherwise ${still.toFixed(0)} µs (target: unchanged).`,
  ];
}

function find(rows: readonly Row[], name: string, services: number): Row | undefined {
  return rows.find(row => row.name === name && row.services === services);
}
