/** The findings for people, one line each in the form that editors and CI systems know: `file:line:column: severity: message`. */
import { formatObject, formatProblem, toShownText } from "../lib/config/problem";
import type { Finding } from "./judge";
import { countFindings, isEmpty, type LintResult } from "./lint-result";
import type { Unreadable } from "./manifest";

const WORDS = { refuse: "refused", warn: "warning", inform: "note" } as const;
const COLOURS = { refuse: 31, warn: 33, inform: 36 } as const;

const MAX_PATH_CHARACTERS = 400;
const MAX_RELATED = 5;

/** The whole report with a newline at its end. `isColoured` is for terminals. */
export function formatForPeople(result: LintResult, isColoured: boolean): string {
  const paint = (text: string, code: number): string =>
    isColoured ? `\u001b[${code}m${text}\u001b[0m` : text;
  const lines = [
    ...result.unreadable.map(item => formatUnreadable(item, paint)),
    ...result.findings.flatMap(finding => formatFinding(finding, paint)),
    summarise(result),
  ];
  return `${lines.join("\n")}\n`;
}

type Paint = (text: string, code: number) => string;

function formatUnreadable({ file, line, column, message }: Unreadable, paint: Paint): string {
  const where = line === undefined ? shownPath(file) : place({ file, line, column: column ?? 1 });
  return `${where}: ${paint("unreadable", 31)}: ${message}`;
}

function formatFinding(finding: Finding, paint: Paint): readonly string[] {
  const { position, severity, problem, related } = finding;
  const where = position === undefined ? "cluster" : place(position);
  const word = paint(WORDS[severity], COLOURS[severity]);
  const others = related
    .slice(0, MAX_RELATED)
    .map(({ object, position: at }) => `  ${place(at)}: ${formatObject(object)} is here`);
  const more = related.length - others.length;
  return [
    `${where}: ${word}: ${formatProblem(problem)}`,
    ...others,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function summarise(result: LintResult): string {
  if (isEmpty(result)) return "There is no document in what was given.";
  const { manifests, ignored } = result;
  const found = countWords(result);
  const against = result.isLive ? " against the cluster" : "";
  const others = ignored > 0 ? ` (${ignored} of other kinds ignored)` : "";
  const outcome = found.length === 0 ? "all accepted" : found.join(", ");
  if (manifests.length === 0 && found.length === 0) return `No object of Herald's kinds${others}.`;
  return `${count(manifests.length, "object")} checked${against}${others}: ${outcome}.`;
}

function countWords(result: LintResult): readonly string[] {
  const { refuse, warn, inform } = countFindings(result);
  const counts: readonly (readonly [number, string])[] = [
    [result.unreadable.length, `${result.unreadable.length} unreadable`],
    [refuse, `${refuse} refused`],
    [warn, count(warn, "warning")],
    [inform, count(inform, "note")],
  ];
  return counts.filter(([number]) => number > 0).map(([, words]) => words);
}

function place({ file, line, column }: { file: string; line: number; column: number }): string {
  return `${shownPath(file)}:${line}:${column}`;
}

function shownPath(file: string): string {
  return toShownText(file, MAX_PATH_CHARACTERS);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
