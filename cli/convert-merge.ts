/** Several inputs as one conversion: each piece with its file, and no object of one name made of two. */
import { formatObject } from "../lib/config/problem";
import { LegacyReport } from "../lib/config/legacy/report";
import {
  inApplyOrder,
  isRefused,
  type Conversion,
  type PlacedProblem,
} from "../lib/config/legacy/resources";

/** What became of one document of a file. */
export interface FileConversion {
  /** The path as the user gave it, or `stdin`. */
  readonly file: string;
  readonly conversion: Conversion;
}

/** All or nothing: a problem that refuses leaves no resources. Of values that differ the last one counts. */
export function mergeConversions(parts: readonly FileConversion[], namespace: string): Conversion {
  const resources = parts.flatMap(({ file, conversion }) =>
    conversion.resources.map(resource => ({ ...resource, file })),
  );
  const problems = [
    ...parts.flatMap(({ file, conversion }) =>
      conversion.problems.map(problem => ({ ...problem, file })),
    ),
    ...findClashes(parts, namespace),
  ];
  const values = Object.assign({}, ...parts.map(({ conversion }) => conversion.values)) as object;
  return {
    resources: isRefused(problems) ? [] : inApplyOrder(resources),
    problems,
    values: { ...values },
  };
}

/** Objects that would be written twice, by `kubectl apply` the second over the first. */
function findClashes(
  parts: readonly FileConversion[],
  namespace: string,
): readonly PlacedProblem[] {
  const firsts = new Map<string, FileConversion>();
  return parts.flatMap(part => {
    const { file, conversion } = part;
    const report = new LegacyReport({ kind: "File", namespace, name: file });
    for (const { object, from } of conversion.resources) {
      const name = formatObject({ kind: object.kind, ...object.metadata });
      const first = firsts.get(name) ?? part;
      firsts.set(name, first);
      if (first === part) continue;
      report.refuse({
        rule: "H-F5",
        path: from.path,
        at: from.at,
        reason: `becomes ${name}, which ${first.file === file ? "another document" : first.file} becomes too`,
        wayOut: "Convert one at a time, or put them together into one.",
      });
    }
    return report.problems.map(problem => ({ ...problem, file }));
  });
}
