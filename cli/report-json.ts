/** The findings for programs. The form is documented in docs/lint.md; fields are added, never renamed. */
import type { Finding } from "./judge";
import { countFindings, isEmpty, toExitCode, type LintResult } from "./lint-result";

/** One JSON object over several lines, with a newline at its end. */
export function formatAsJson(result: LintResult, failOn: "refuse" | "warn"): string {
  const { manifests, ignored, unreadable, findings, isLive } = result;
  const report = {
    formatVersion: 1,
    exitCode: toExitCode(result, failOn),
    isLive,
    isEmpty: isEmpty(result),
    checked: manifests.length,
    ignored,
    counts: { ...countFindings(result), unreadable: unreadable.length },
    unreadable,
    findings: findings.map(toPlain),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function toPlain({ severity, problem, position, related }: Finding): object {
  const { rule, object, field, value, message } = problem;
  return {
    severity,
    rule,
    ...position,
    object,
    field,
    value,
    message,
    related: problem.related.map(other => {
      const at = related.find(candidate => candidate.object === other)?.position;
      return { ...other, ...at };
    }),
  };
}
