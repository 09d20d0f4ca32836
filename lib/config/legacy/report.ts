/** The problems of one input, as they are found: with path, place, value and a way out. */
import { toShownText, type ObjectRef, type Severity } from "../problem";
import type { LegacyNode, Place } from "./node";
import type { PlacedProblem } from "./resources";

/** What a rule says about a place of the input. */
export interface LegacyFinding {
  readonly rule: LegacyRule;
  /** Path from the top of the document; empty for the document as a whole. */
  readonly path: string;
  readonly at?: Place | undefined;
  /** Left out where nothing is written, or a secret. */
  readonly value?: string;
  /** The rest of the sentence that begins with path and value. */
  readonly reason: string;
  /** A whole sentence: what to do about it. */
  readonly wayOut: string;
}

/**
 * `H-F1` the text cannot be read, `H-F2` unknown key, `H-F3` wrong type or value, `H-F4` something is missing, `H-F5` two things exclude
 * each other, `H-F6` a choice was made, `H-F7` a repair was made, `H-F8` it is not Herald's, `H-F9` an object of a user is in the way.
 */
export type LegacyRule =
  | "H-F1"
  | "H-F2"
  | "H-F3"
  | "H-F4"
  | "H-F5"
  | "H-F6"
  | "H-F7"
  | "H-F8"
  | "H-F9";

/** More are not listed. */
const MAX_PROBLEMS = 200;
const MAX_PATH_CHARACTERS = 200;

export class LegacyReport {
  readonly source: ObjectRef;
  readonly #problems: PlacedProblem[] = [];
  #isRefused = false;

  constructor(source: ObjectRef) {
    this.source = source;
  }

  get problems(): readonly PlacedProblem[] {
    return this.#problems;
  }

  /** Whether nothing of the input may be used. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  refuse(finding: LegacyFinding): void {
    this.#isRefused = true;
    this.#add("refuse", finding);
  }

  warn(finding: LegacyFinding): void {
    this.#add("warn", finding);
  }

  inform(finding: LegacyFinding): void {
    this.#add("inform", finding);
  }

  #add(severity: Severity, { rule, path, at, value, reason, wayOut }: LegacyFinding): void {
    if (this.#problems.length >= MAX_PROBLEMS) return;
    const { kind, name } = this.source;
    const field = toShownText(path, MAX_PATH_CHARACTERS);
    const shown = value === undefined ? "" : toShownText(value);
    const where = at === undefined ? "" : ` (line ${at.line}, column ${at.column})`;
    const what = value === undefined ? field : `${field} "${shown}"`;
    const beginning = field === "" ? "the document" : what;
    this.#problems.push({
      severity,
      nature: "lasting",
      rule,
      object: this.source,
      field,
      value: shown,
      message: `${kind} "${toShownText(name)}"${where}: ${beginning} ${reason}. ${wayOut}`,
      related: [],
      ...(at === undefined ? {} : { at }),
    });
  }
}

/** The text of a scalar for a message; nothing for a list or map. */
export function shownValue(node: LegacyNode): { readonly value?: string } {
  return node.type === "scalar" ? { value: node.text } : {};
}
