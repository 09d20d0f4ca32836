/** Times of peers: Go durations, cut to whole seconds as the old MetalLB cut them; a bare number counts seconds. */
import { parseDuration } from "../duration";
import type { Fields } from "./fields";
import { shownValue } from "./report";

const NANOSECONDS = 1_000_000_000n;

/** Whole seconds; undefined when nothing is written, or, reported, nothing that can be used. */
export function readSeconds(fields: Fields, key: string): bigint | undefined {
  const node = fields.node(key);
  if (node === undefined) return undefined;
  const text = node.type === "scalar" ? node.text : "";
  const finding = { path: fields.pathOf(key), at: node.at, ...shownValue(node) };
  if (/^[1-9][0-9]{0,5}$/.test(text)) {
    fields.report.inform({
      ...finding,
      rule: "H-F6",
      reason: "has no unit and counts as seconds",
      wayOut: `Write ${text}s.`,
    });
    return BigInt(text);
  }
  const duration = parseDuration(text);
  if (duration.ok && duration.value >= 0n) return duration.value / NANOSECONDS;
  fields.report.refuse({
    ...finding,
    rule: "H-F3",
    reason: "is no duration",
    wayOut: "Write for example 90s or 1m30s.",
  });
  return undefined;
}

/** As Go writes it: `4s`, `1m30s`, `1h0m0s`. */
export function formatSeconds(seconds: bigint): string {
  const [hours, minutes] = [seconds / 3600n, (seconds / 60n) % 60n];
  const rest = `${seconds % 60n}s`;
  if (hours > 0n) return `${hours}h${minutes}m${rest}`;
  return minutes > 0n ? `${minutes}m${rest}` : rest;
}
