/** One Service more and one less, many times a second: what reached the wire, what the receiver holds, and when. */
import { join } from "node:path";
import type { Router } from "../../lab/routers/router";
import { decodeMessage, INITIAL_CONTEXT } from "../../lib/bgp/codec/message";
import { MessageType } from "../../lib/bgp/constants";
import { formatIpPrefix } from "../../lib/net/ip-prefix";
import type { BgpCommand } from "../../node/bgp-protocol";
import { ATTRIBUTES, NODE, SESSION } from "../../test/lab/bgp/support";
import type { BgpNode } from "../../test/support/bgp-node";
import { eventually, type Host } from "../../test/support/netns";
import { quantile } from "../statistics";
import { captureBgp, type SentMessage } from "./capture";

export interface ChangeSettings {
  readonly perSecond: number;
  readonly seconds: number;
}

/** What the changes do beside a table that stays. */
export interface ChangeRun {
  readonly changes: number;
  /** Changes whose announcement, and whose withdrawal, were not in the capture. */
  readonly missing: number;
  readonly updates: number;
  /** Routes the receiver lacks or has too many at the end. */
  readonly wrongAtReceiver: number;
  /** Command given to the thread → UPDATE on the wire, by its packet's time stamp. */
  readonly waitsMs: readonly number[];
}

/** A prefix is withdrawn so many changes after its announcement: too late to fall into one turn of the loop with it. */
const LIFETIME_CHANGES = 500;
const CONTEXT = { ...INITIAL_CONTEXT, hasFourOctetAs: true };
const PREFIXES = 2 ** 16;

/** Runs the changes on an Established session that holds `table`. */
export async function runChanges(
  node: BgpNode,
  receiver: Router,
  wire: { readonly host: Host; readonly folder: string },
  options: ChangeSettings & { readonly table: readonly string[] },
): Promise<ChangeRun> {
  const { perSecond, seconds, table } = options;
  const changes = perSecond * seconds;
  const capture = await captureBgp(wire.host, join(wire.folder, "changes"));
  const startMs = performance.now();
  for (let change = 0; change < changes; change += 1) {
    const dueMs = startMs + (change * 1_000) / perSecond;
    await new Promise(resolve => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    node.postTimed(toCommand(change));
  }
  const wanted = new Set(table);
  for (let change = changes - LIFETIME_CHANGES; change < changes; change += 1) {
    wanted.add(prefixOf(change));
  }
  await eventually("every change is written", 10_000, () =>
    node.reports.some(
      report => report.type === "routesWritten" && report.sequence === toSequence(changes - 1),
    ),
  );
  const seen = readTimes(await capture.stop(NODE.ipv4));
  const held = new Set((await receiver.routes()).map(({ prefix }) => prefix));
  const waitsMs: number[] = [];
  let missing = 0;
  for (let change = 0; change < changes; change += 1) {
    const announcedAtMs = seen.announced.get(prefixOf(change));
    const givenAtMs = node.postedAtMs.get(toSequence(change));
    if (announcedAtMs === undefined || givenAtMs === undefined) missing += 1;
    else waitsMs.push(announcedAtMs - givenAtMs);
    const isOver = change + LIFETIME_CHANGES < changes;
    if (isOver && !seen.withdrawn.has(prefixOf(change))) missing += 1;
  }
  const wrong =
    [...wanted].filter(prefix => !held.has(prefix)).length +
    [...held].filter(prefix => !wanted.has(prefix)).length;
  return { changes, missing, updates: seen.updates, wrongAtReceiver: wrong, waitsMs };
}

/** The cells of a run in the table of the report. */
export function toCells(run: ChangeRun, cpuMs: number): readonly string[] {
  const show = (share: number) => (quantile(run.waitsMs, share) ?? NaN).toFixed(2);
  return [
    `${run.changes}`,
    `${run.updates}`,
    `${run.missing}`,
    `${run.wrongAtReceiver}`,
    show(0.5),
    show(0.99),
    show(1),
    ((cpuMs * 1_000) / run.changes).toFixed(0),
  ];
}

export const CHANGE_HEAD: readonly string[] = [
  "changes",
  "UPDATEs",
  "not on the wire",
  "wrong at the receiver",
  "p50, ms",
  "p99, ms",
  "max, ms",
  "CPU a change, µs",
];

/** No prefix comes twice, so that each can be found on the wire. */
function prefixOf(change: number): string {
  const index = change % PREFIXES;
  return `10.200.${index >> 8}.${index & 255}/32`;
}

/** After those of the table. */
function toSequence(change: number): number {
  return change + 2;
}

function toCommand(change: number): BgpCommand {
  const withdrawn = change < LIFETIME_CHANGES ? [] : [prefixOf(change - LIFETIME_CHANGES)];
  const announced = [{ attributes: 0, prefixes: [prefixOf(change)] }];
  return {
    type: "routes",
    sequence: toSequence(change),
    attributeSets: [ATTRIBUTES],
    changes: [{ session: SESSION, withdrawn, announced }],
  };
}

function readTimes(sent: readonly SentMessage[]) {
  const announced = new Map<string, number>();
  const withdrawn = new Map<string, number>();
  let updates = 0;
  for (const { type, octets, atMs } of sent) {
    if (type !== MessageType.update) continue;
    const decoded = decodeMessage(octets, CONTEXT);
    if (!decoded.ok || decoded.value.message.type !== "update") continue;
    updates += 1;
    const { message } = decoded.value;
    for (const prefix of message.nlri) announced.set(formatIpPrefix(prefix), atMs);
    for (const prefix of message.withdrawn) withdrawn.set(formatIpPrefix(prefix), atMs);
  }
  return { announced, withdrawn, updates };
}
