/** What convert says: findings and effects for people, everything for programs. The JSON form is documented in docs/convert.md. */
import { isLost, type AddressEffect } from "../lib/config/legacy/effect";
import type { Conversion, PlacedProblem } from "../lib/config/legacy/resources";
import { formatProblem } from "../lib/config/problem";
import { formatResources, formatValues } from "./convert-yaml";
import type { LivePlan } from "./convert-live";

const WORDS = { refuse: "refused", warn: "warning", inform: "note" } as const;
const COLOURS = { refuse: 31, warn: 33, inform: 36 } as const;

/** One line for each, with a newline at its end; with its file unless that is what the sentence is about. */
export function formatFindings(problems: readonly PlacedProblem[], isColoured: boolean): string {
  return problems
    .map(problem => {
      const word = WORDS[problem.severity];
      const code = COLOURS[problem.severity];
      const shown = isColoured ? `\u001b[${code}m${word}\u001b[0m` : word;
      return `${shown}: ${formatFile(problem)}${formatProblem(problem)}\n`;
    })
    .join("");
}

function formatFile({ file, object }: PlacedProblem): string {
  return file === undefined || file === object.name ? "" : `${file}: `;
}

/** The objects that would change, and every Service that holds an address. */
export function formatEffects({ changes, effects }: LivePlan): string {
  const lost = effects.filter(isLost);
  const lines = [...changes.map(line => `  ${line}`), ...effects.map(formatEffect)];
  const verdict =
    lost.length === 0
      ? `No Service changes its address (${effects.length} looked at).`
      : `${lost.length} of ${effects.length} addresses would be lost: nothing is written.`;
  return [...lines, verdict, ""].join("\n");
}

function formatEffect(effect: AddressEffect): string {
  const { service, address, before = "no pool", after = "no pool" } = effect;
  const pools = before === after ? `in ${after}` : `from ${before} to ${after}`;
  return `  ${isLost(effect) ? "LOST      " : "kept      "} ${service} ${address} ${pools}`;
}

export interface FormatOptions {
  readonly output: "yaml" | "json" | "values";
  readonly exitCode: number;
  /** With a cluster. */
  readonly plan?: LivePlan;
}

export function formatConversion(conversion: Conversion, options: FormatOptions): string {
  const { resources, values = {} } = conversion;
  if (options.output === "json") return formatJson(conversion, options);
  if (options.output === "values") return formatValues(values);
  const hasValues = Object.keys(values).length > 0;
  const comment = formatValues(values).trimEnd().replace(/^/gm, "#   ");
  const note = hasValues ? `# Values for the chart (also by -o values):\n${comment}\n` : "";
  return `${note}${formatResources(resources)}`;
}

function formatJson(
  { resources, problems, values = {} }: Conversion,
  { exitCode, plan }: FormatOptions,
): string {
  const report = {
    formatVersion: 1,
    exitCode,
    resources: resources.map(({ object, comments, file }) => ({ file, object, comments })),
    values,
    problems: (plan?.problems ?? problems).map(
      ({ severity, rule, object, field, value, message, at, file }) => ({
        severity,
        rule,
        file,
        ...at,
        object,
        field,
        value,
        message,
      }),
    ),
    ...(plan && {
      changes: plan.changes,
      effects: plan.effects.map(effect => ({ ...effect, isLost: isLost(effect) })),
    }),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
