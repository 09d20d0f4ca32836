/** What one run of lint found out, and what its exit code is. */
import type { Finding } from "./judge";
import type { Reading } from "./manifest";

export interface LintResult extends Reading {
  readonly findings: readonly Finding[];
  /** Whether the manifests were judged as changes of a cluster's configuration. */
  readonly isLive: boolean;
}

/** Documented in docs/lint.md. */
export const ExitCode = { accepted: 0, refused: 1, unreadable: 2 } as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** An input that cannot be read weighs more than a refusal: the verdict is not whole. So does an input with nothing in it. */
export function toExitCode(result: LintResult, failOn: "refuse" | "warn"): ExitCode {
  if (result.unreadable.length > 0 || isEmpty(result)) return ExitCode.unreadable;
  const counts = countFindings(result);
  const isBad = counts.refuse > 0 || (failOn === "warn" && counts.warn > 0);
  return isBad ? ExitCode.refused : ExitCode.accepted;
}

/** Whether there was no document at all, as when the command before the pipe failed. */
export function isEmpty({ manifests, ignored, unreadable }: LintResult): boolean {
  return manifests.length === 0 && ignored === 0 && unreadable.length === 0;
}

export function countFindings({
  findings,
}: LintResult): Readonly<Record<Finding["severity"], number>> {
  const count = (severity: Finding["severity"]): number =>
    findings.filter(finding => finding.severity === severity).length;
  return { refuse: count("refuse"), warn: count("warn"), inform: count("inform") };
}
