/** From the text of a ConfigMap to resources: repaired where something was lost on its way, if that can be read, else as it is. */
import type { Result } from "../../net/result";
import { convertConfigMap, type ConvertOptions } from "./config-map";
import type { LegacyNode, Place } from "./node";
import { repairText, type Repair } from "./repair";
import { LegacyReport } from "./report";
import { isRefused, type Conversion, type PlacedProblem } from "./resources";

/** Why a text is no YAML. */
export interface TextFault extends Place {
  /** The end of a sentence. */
  readonly reason: string;
}

/** Reads one document; the edge brings the parser. */
export type ParseText = (text: string) => Result<LegacyNode, TextFault>;

/** Converts what is written under `config`. Total. */
export function convertConfigText(
  text: string,
  parse: ParseText,
  options: ConvertOptions,
): Conversion {
  const repaired = repairText(text);
  if (repaired.repairs.length > 0) {
    const before = repaired.repairs.map(repair => toProblem(repair, options));
    const conversion = convertParsed(parse(repaired.text), { ...options, before });
    if (!isRefused(conversion.problems)) return conversion;
  }
  return convertParsed(parse(text), options);
}

function convertParsed(parsed: Result<LegacyNode, TextFault>, options: ConvertOptions): Conversion {
  if (parsed.ok) return convertConfigMap(parsed.value, options);
  const report = new LegacyReport(options.source, options);
  reportFault(report, parsed.error);
  return { resources: [], problems: [...(options.before ?? []), ...report.problems] };
}

/** The problem of a text that cannot be read. */
export function reportFault(report: LegacyReport, { line, column, reason }: TextFault): void {
  report.refuse({
    rule: "H-F1",
    path: "",
    at: { line, column },
    reason: `cannot be read: ${reason}`,
    wayOut: "Look at the indentation of this line and the one before.",
  });
}

function toProblem({ at, reason }: Repair, options: ConvertOptions): PlacedProblem {
  const report = new LegacyReport(options.source, options);
  report.warn({
    rule: "H-F7",
    path: "",
    at,
    reason,
    wayOut: "It was read as it must be meant; correct the text when you next change it.",
  });
  const [problem] = report.problems;
  if (problem === undefined) throw new Error("a warning is a problem");
  return problem;
}
