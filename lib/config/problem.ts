/** What is wrong with a resource, in a form that programs can compare and people can read. */

/** `refuse`: the object is not used; `warn`: it is used and does not do what it seems to say; `inform`: worth knowing. */
export type Severity = "refuse" | "warn" | "inform";

/**
 * When a refusal holds. `lasting`: whenever it is judged. `transient`: until another object appears, so it is no reason to
 * turn the object away at admission. `strict`: only of a new object; one that is stored already is used as it is.
 */
export type Nature = "lasting" | "transient" | "strict";

export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Problem {
  readonly severity: Severity;
  readonly nature: Nature;
  /** Identifier of the rule, such as `V-L4`; CONTRIBUTING.md says where the list is. */
  readonly rule: string;
  readonly object: ObjectRef;
  /** Path of the field, such as `spec.addresses[1]`; empty when the object as a whole is meant. */
  readonly field: string;
  /** The offending value as text, escaped and cut; empty when the field is missing or holds a secret. */
  readonly value: string;
  /** One or two whole sentences that name object, field, value and reason and say what to do. */
  readonly message: string;
  /** Other objects that take part. */
  readonly related: readonly ObjectRef[];
}

/** One line for logs, events and kubectl: the message and the rule. */
export function formatProblem(problem: Problem): string {
  return `${problem.message} (${problem.rule})`;
}

/** A text that is the same for the same finding and differs for another; for comparing verdicts. */
export function problemKey(problem: Problem): string {
  const { severity, rule, object, field, value, related } = problem;
  const others = related.map(formatObject).join(",");
  return [severity, rule, formatObject(object), field, value, others].join("\u0000");
}

export function isSameObject(left: ObjectRef, right: ObjectRef): boolean {
  return left.kind === right.kind && left.namespace === right.namespace && left.name === right.name;
}

/** As in `IPAddressPool "first"`. */
export function formatObject(object: ObjectRef): string {
  return `${object.kind} ${quote(object.name)}`;
}

/** The text in quotes, cut to `SHOWN_CHARACTERS`, with everything escaped that could break a line or hide itself. */
export function quote(text: string): string {
  return `"${toShownText(text)}"`;
}

/** Characters of foreign text that a message shows. */
const SHOWN_CHARACTERS = 64;

/** What names and addresses are made of: the quick answer to most questions. */
const HARMLESS = /^[\w .:/[\]-]*$/;

/** Foreign text as it may be shown: cut, on one line, without control, format or bidirectional characters. */
export function toShownText(text: string, maxCharacters = SHOWN_CHARACTERS): string {
  if (text.length <= maxCharacters && HARMLESS.test(text)) return text;
  const cut = text.length > maxCharacters ? `${text.slice(0, maxCharacters - 1)}…` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, escapeCharacter);
}

/** Sorted by object, then field and rule: the same problems always come in the same order. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort(compareProblems);
}

/** Order by UTF-16 code units: the same on every machine, whatever its locale. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function compareProblems(left: Problem, right: Problem): number {
  return (
    compareText(left.object.kind, right.object.kind) ||
    compareText(left.object.namespace, right.object.namespace) ||
    compareText(left.object.name, right.object.name) ||
    compareText(left.field, right.field) ||
    compareText(left.rule, right.rule) ||
    compareText(left.message, right.message)
  );
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
