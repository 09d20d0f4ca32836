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

/** How paths and places of what was read become those of what the user wrote. */
export interface InputView {
  /** For a format that stands for another one. */
  readonly rename?: (path: string) => string;
  /** For a text inside a text: the place of its first character. */
  readonly start?: Place;
}

export class LegacyReport {
  readonly source: ObjectRef;
  readonly #problems: PlacedProblem[] = [];
  readonly #view: InputView;
  #isRefused = false;

  constructor(source: ObjectRef, view: InputView = {}) {
    this.source = source;
    this.#view = view;
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

  #place(at: Place | undefined): Place | undefined {
    const { start } = this.#view;
    if (at === undefined || start === undefined) return at;
    return { line: at.line + start.line - 1, column: at.column + start.column - 1 };
  }

  #add(severity: Severity, { rule, path, at: inside, value, reason, wayOut }: LegacyFinding): void {
    if (this.#problems.length >= MAX_PROBLEMS) return;
    const { kind, name } = this.source;
    const at = this.#place(inside);
    const field = toShownText(this.#view.rename?.(path) ?? path, MAX_PATH_CHARACTERS);
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
