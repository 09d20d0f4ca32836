/** Reads the keys of one map into typed values; every wrong type and unknown key is reported with its path and place. */
import { parseIpAddress } from "../../net/ip-address";
import { isNothing, type LegacyNode, type ListNode, type MapNode, type Place } from "./node";
import { shownValue, type LegacyReport } from "./report";

/** A value with the path and the place where it stands. */
export interface Placed<Value> {
  readonly value: Value;
  readonly path: string;
  readonly at: Place;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "yes", "on", "y"].map(word => [word, true] as const),
  ...["false", "no", "off", "n"].map(word => [word, false] as const),
]);

/** The keys of one map. `done` reports those that nobody asked for. */
export class Fields {
  readonly path: string;
  readonly at: Place;
  readonly report: LegacyReport;
  readonly #node: MapNode;
  readonly #asked = new Set<string>();

  constructor(node: MapNode, path: string, report: LegacyReport) {
    this.#node = node;
    this.path = path;
    this.at = node.at;
    this.report = report;
    this.#reportDoubles();
  }

  /** The fields of a node that has to be a map; undefined, and reported, when it is none. */
  static of(node: LegacyNode, path: string, report: LegacyReport): Fields | undefined {
    if (node.type === "map") return new Fields(node, path, report);
    reportType(report, { node, path, wanted: "a map of keys and values" });
    return undefined;
  }

  pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** Where the key stands, or the map when it is not written. */
  placeOf(key: string): Place {
    return this.#node.entries.findLast(entry => entry.key === key)?.at ?? this.at;
  }

  has(key: string): boolean {
    return this.node(key) !== undefined;
  }

  /** The value as it was read; undefined when nothing is written. */
  node(key: string): LegacyNode | undefined {
    this.#asked.add(key);
    const value = this.#node.entries.findLast(entry => entry.key === key)?.value;
    return isNothing(value) ? undefined : value;
  }

  text(key: string): string | undefined {
    const node = this.node(key);
    if (node === undefined || node.type === "scalar") return node?.text;
    reportType(this.report, { node, path: this.pathOf(key), wanted: "a text" });
    return undefined;
  }

  /** A whole number within the bounds. */
  number(key: string, min: number, max: number): number | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const text = node.type === "scalar" ? node.text.replaceAll("_", "") : "";
    const value = /^\+?[0-9]{1,20}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const wanted = `a whole number from ${min} to ${max}`;
    reportType(this.report, { node, path: this.pathOf(key), wanted });
    return undefined;
  }

  boolean(key: string): boolean | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const value = node.type === "scalar" ? BOOLEANS.get(node.text.toLowerCase()) : undefined;
    if (value === undefined)
      reportType(this.report, { node, path: this.pathOf(key), wanted: "true or false" });
    return value;
  }

  /** The text of an IP address, as written. */
  address(key: string): string | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    if (node.type === "scalar" && parseIpAddress(node.text).ok) return node.text;
    reportType(this.report, { node, path: this.pathOf(key), wanted: "an IP address" });
    return undefined;
  }

  list(key: string): ListNode | undefined {
    const node = this.node(key);
    if (node === undefined || node.type === "list") return node;
    reportType(this.report, { node, path: this.pathOf(key), wanted: "a list" });
    return undefined;
  }

  /** The texts of a list; items of another type are reported and left out. */
  texts(key: string): readonly Placed<string>[] | undefined {
    const node = this.list(key);
    return node && textsOf(node, this.pathOf(key), this.report);
  }

  /** The maps of a list of maps. */
  maps(key: string): readonly Fields[] {
    const items = this.list(key)?.items ?? [];
    return items.flatMap((item, index) => {
      const fields = Fields.of(item, `${this.pathOf(key)}[${index}]`, this.report);
      return fields === undefined ? [] : [fields];
    });
  }

  /** The map below a key. */
  map(key: string): Fields | undefined {
    const node = this.node(key);
    return node && Fields.of(node, this.pathOf(key), this.report);
  }

  /** The keys with their values, for maps whose keys are names. */
  entries(): readonly { readonly key: string; readonly at: Place; readonly value: LegacyNode }[] {
    for (const { key } of this.#node.entries) this.#asked.add(key);
    return this.#node.entries;
  }

  /** The entries whose keys nobody asked for. */
  unread(): readonly { readonly key: string; readonly at: Place }[] {
    return this.#node.entries.filter(({ key }) => !this.#asked.has(key));
  }

  /** Says that `key` has to be written. */
  missing(key: string, wayOut: string): void {
    this.report.refuse({
      rule: "H-F4",
      path: this.pathOf(key),
      at: this.at,
      reason: "is missing",
      wayOut,
    });
  }

  /** Reports every key that was not asked for; `hint` names a place where it would be right. */
  done(hint: (key: string) => string | undefined = () => undefined): void {
    for (const { key, at } of this.#node.entries) {
      if (this.#asked.has(key)) continue;
      this.#asked.add(key);
      const known = [...this.#asked].filter(other => other !== key);
      const near = known.find(other => isNear(other, key));
      this.report.refuse({
        rule: "H-F2",
        path: this.pathOf(key),
        at,
        reason: "is no key that is known here",
        wayOut: near === undefined ? (hint(key) ?? "Remove it.") : `Did you mean ${near}?`,
      });
    }
  }

  #reportDoubles(): void {
    const seen = new Set<string>();
    for (const { key, at } of this.#node.entries) {
      if (seen.has(key)) {
        this.report.refuse({
          rule: "H-F5",
          path: this.pathOf(key),
          at,
          reason: "is written twice in one map",
          wayOut: "Keep one of the two; in lists of maps a dash is missing before one of them.",
        });
      }
      seen.add(key);
    }
  }
}

/** The texts of a list node; anything else in it is reported. */
function textsOf(node: ListNode, path: string, report: LegacyReport): readonly Placed<string>[] {
  return node.items.flatMap((item, index) => {
    const where = `${path}[${index}]`;
    if (item.type === "scalar") return [{ value: item.text, path: where, at: item.at }];
    reportType(report, { node: item, path: where, wanted: "a text" });
    return [];
  });
}

function reportType(
  report: LegacyReport,
  {
    node,
    path,
    wanted,
  }: { readonly node: LegacyNode; readonly path: string; readonly wanted: string },
): void {
  report.refuse({
    rule: "H-F3",
    path,
    at: node.at,
    ...shownValue(node),
    reason: `is not ${wanted}`,
    wayOut: `Write ${wanted}.`,
  });
}

/** Whether one letter was left out, added or changed, or two neighbours were swapped. */
function isNear(right: string, wrong: string): boolean {
  if (Math.abs(right.length - wrong.length) > 1) return false;
  if (right.replace(/[-_]/g, "") === wrong.replace(/[-_]/g, "")) return true;
  let at = 0;
  while (at < right.length && right[at] === wrong[at]) at += 1;
  const [rest, other] = [right.slice(at), wrong.slice(at)];
  const isSwapped = rest[0] === other[1] && rest[1] === other[0];
  return (
    rest.slice(1) === other ||
    rest === other.slice(1) ||
    rest.slice(1) === other.slice(1) ||
    (isSwapped && rest.slice(2) === other.slice(2))
  );
}
