/**
 * Repairs text that was copied from a web page, where the meaning is beyond doubt: blanks that are none, typographic quotes and dashes,
 * tabs, a missing blank after a key, and indentation that is lost as a whole. Lines stay where they are, so places stay right. Whether the
 * repaired text means anything is for the reader to say; only then it is used.
 */
import type { Place } from "./node";

export interface Repair {
  readonly at: Place;
  /** The rest of a sentence that begins with "the document". */
  readonly reason: string;
}

export interface RepairedText {
  readonly text: string;
  readonly repairs: readonly Repair[];
}

/** All repairs together. Without any the text is the same. */
export function repairText(text: string): RepairedText {
  const repairs: Repair[] = [];
  const lines = text.split("\n").map((line, index) => {
    const [fixed, reason] = repairLine(line);
    if (reason !== undefined) repairs.push({ at: firstDifference(line, fixed, index), reason });
    return fixed;
  });
  const indented = restoreIndentation(lines);
  if (indented === undefined) return { text: lines.join("\n"), repairs };
  const reason = "has lost its indentation; each key was put where alone it can stand";
  return {
    text: indented.join("\n"),
    repairs: [...repairs, { at: { line: 1, column: 1 }, reason }],
  };
}

function firstDifference(before: string, after: string, index: number): Place {
  let column = 0;
  while (column < before.length && before[column] === after[column]) column += 1;
  return { line: index + 1, column: column + 1 };
}

const CHARACTERS: readonly (readonly [RegExp, string, string])[] = [
  [/\r$/, "", "has line ends of another system"],
  [/[\u200b-\u200d\u2060\ufeff]/g, "", "holds characters that nobody sees"],
  [/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ", "holds blanks that are not the ordinary one"],
  [/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"', "holds typographic quotes"],
  [/[\u2018\u2019]/g, "'", "holds typographic quotes"],
  [/[\u2010-\u2015\u2212]/g, "-", "holds dashes that are not the ordinary one"],
  [/(?<=^[ \t]*)\t/g, "  ", "is indented by tabs"],
];

function repairLine(line: string): readonly [string, string | undefined] {
  // A password may hold any character.
  if (/^\s*#|password/.test(line)) return [line, undefined];
  let [fixed, why]: [string, string | undefined] = [line, undefined];
  for (const [pattern, replacement, reason] of CHARACTERS) {
    const next = fixed.replace(pattern, replacement);
    // A carriage return is no mistake that anybody has to be told.
    if (next !== fixed && reason !== CHARACTERS[0]?.[2]) why ??= reason;
    fixed = next;
  }
  const spaced = fixed.replace(KEY_WITHOUT_BLANK, "$1: $2");
  if (spaced !== fixed) why ??= "lacks the blank after a key";
  return [spaced, why];
}

/** Lists by the key that opens them, with the keys that an entry of them may have. */
const LISTS: Readonly<Record<string, ReadonlySet<string>>> = {
  peers: new Set([
    ...["my-asn", "peer-asn", "peer-address", "peer-port", "hold-time", "keepalive-time"],
    ...["router-id", "source-address", "password", "bfd-profile", "ebgp-multihop"],
  ]),
  "address-pools": new Set([
    ...["name", "protocol", "cidr", "addresses", "avoid-buggy-ips", "auto-assign"],
    ...["arp-network", "bgp-advertisements", "advertisements"],
  ]),
  "bfd-profiles": new Set([
    ...["name", "receive-interval", "transmit-interval", "echo-interval", "detect-multiplier"],
    ...["minimum-ttl", "echo-mode", "passive-mode"],
  ]),
};

const ADVERTISEMENT = new Set([
  ...["aggregation-length", "aggregation-length-v6", "localpref", "communities"],
]);

/** Lists of plain values. */
const TEXT_LISTS = new Set(["cidr", "addresses", "communities"]);

const ALL_KEYS = [
  ...Object.keys(LISTS),
  ...Object.values(LISTS).flatMap(keys => [...keys]),
  ...ADVERTISEMENT,
];
const KEY_WITHOUT_BLANK = new RegExp(`^([ -]*(?:${ALL_KEYS.join("|")})):([^\\s:].*)$`);

/** Undefined when a line is indented already, or a key could stand in two places. */
function restoreIndentation(lines: readonly string[]): readonly string[] | undefined {
  if (lines.some(line => /^\s+\S/.test(line))) return undefined;
  const state: State = { list: undefined, isInAdvertisement: false, texts: undefined };
  const fixed: string[] = [];
  for (const line of lines) {
    const next = indent(line, state);
    if (next === undefined) return undefined;
    fixed.push(next);
  }
  return fixed.join("\n") === lines.join("\n") ? undefined : fixed;
}

interface State {
  /** The list at the top that is open, and the keys of its entries. */
  list: ReadonlySet<string> | undefined;
  isInAdvertisement: boolean;
  /** Indentation of the entries of the open list of plain values. */
  texts: number | undefined;
}

const LINE = /^(?:- )?(?:([a-z0-9-]+):(?: (.*))?|.*)$/;

function indent(line: string, state: State): string | undefined {
  if (line.trim() === "" || line.startsWith("#")) return line;
  const [, key, value = ""] = LINE.exec(line) ?? [];
  const hasDash = line.startsWith("- ");
  // `- 64512:1` is an entry of a list of communities, no key.
  if (key === undefined || /^[0-9]+$/.test(key)) return indentText(line, state);
  if (hasDash || value !== "" || !opensList(key, state)) {
    return indentKey(line, { key, hasDash }, state);
  }
  return line;
}

function opensList(key: string, state: State): boolean {
  if (!Object.hasOwn(LISTS, key)) return false;
  Object.assign(state, { list: LISTS[key], isInAdvertisement: false, texts: undefined });
  return true;
}

function indentText(line: string, { texts }: State): string | undefined {
  return texts !== undefined && line.startsWith("- ") ? `${" ".repeat(texts)}${line}` : undefined;
}

function indentKey(
  line: string,
  { key, hasDash }: { readonly key: string; readonly hasDash: boolean },
  state: State,
): string | undefined {
  const depth = depthOf(key, state);
  if (depth === undefined) return undefined;
  state.isInAdvertisement = depth > 1 || ["bgp-advertisements", "advertisements"].includes(key);
  const column = depth * 2;
  state.texts = TEXT_LISTS.has(key) ? column : undefined;
  return `${" ".repeat(hasDash ? column - 2 : column)}${line}`;
}

/** Depth of the keys of an entry: 1 below `peers` and `address-pools`, 2 in an advertisement. */
function depthOf(key: string, { list, isInAdvertisement }: State): number | undefined {
  if (isInAdvertisement && ADVERTISEMENT.has(key)) return 2;
  return list?.has(key) === true ? 1 : undefined;
}
