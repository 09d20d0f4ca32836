/** Runs the steps of a check one after the other, says what it does and how long it took, and adds up what was seen. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A command that passes or fails as a whole, or a room of vitest whose tests are counted one by one. */
export type Step =
  | { readonly type: "command"; readonly title: string; readonly argv: readonly string[] }
  | { readonly type: "tests"; readonly title: string; readonly project: string };

export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

/** What one vitest report says; only these fields are read. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
}

/** Runs all steps, also after a failure, and prints `N passed, N failed` last. Resolves with the totals. */
export async function runSteps(steps: readonly Step[]): Promise<Totals> {
  let totals: Totals = { passed: 0, failed: 0 };
  const failures: string[] = [];
  for (const [index, step] of steps.entries()) {
    const startedMs = Date.now();
    console.log(`\n[${index + 1}/${steps.length}] ${step.title}`);
    const seen =
      step.type === "command" ? await runCommand(step.argv) : await runTests(step.project);
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    console.log(
      `[${index + 1}/${steps.length}] ${step.title}: ${describeTotals(seen)} in ${seconds} s`,
    );
    if (seen.failed > 0) failures.push(step.title);
    totals = { passed: totals.passed + seen.passed, failed: totals.failed + seen.failed };
  }
  if (failures.length > 0) console.log(`\nfailed: ${failures.join("; ")}`);
  console.log(`\n${describeTotals(totals)}`);
  return totals;
}

function describeTotals(totals: Totals): string {
  return `${totals.passed} passed, ${totals.failed} failed`;
}

async function runCommand(argv: readonly string[]): Promise<Totals> {
  return (await exitCode(argv)) === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function runTests(project: string): Promise<Totals> {
  const folder = mkdtempSync(join(tmpdir(), "herald-tests-"));
  try {
    const report = join(folder, "report.json");
    const argv = ["vitest", "run", "--project", project];
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await exitCode([...argv, ...reporters]);
    return readReport(report, code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A run that ended without a report, or failed without a failed test (an error outside of tests), counts as a failure. */
function readReport(file: string, code: number): Totals {
  try {
    const report = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
    const failed = code === 0 ? report.numFailedTests : Math.max(1, report.numFailedTests);
    return { passed: report.numPassedTests, failed };
  } catch (error) {
    console.log(`no test report: ${String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

function exitCode(argv: readonly string[]): Promise<number> {
  const [program = "", ...rest] = argv;
  return new Promise(resolve => {
    const child = spawn(join("node_modules", ".bin", program), rest, { stdio: "inherit" });
    child.once("error", error => {
      console.log(String(error));
      resolve(1);
    });
    child.once("exit", code => resolve(code ?? 1));
  });
}
