/** Runs lint on texts, without a process, and reads texts into manifests. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runLint } from "../../../cli/lint";
import type { Reading } from "../../../cli/manifest";
import { ManifestReader } from "../../../cli/read-manifests";
import { NAMESPACE } from "../../support/resources";

export interface LintRun {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command with the words after `lint`. */
export async function lint(
  argv: readonly string[],
  given: { input?: string | Uint8Array; env?: Record<string, string>; isColoured?: boolean } = {},
): Promise<LintRun> {
  let [output, errors] = ["", ""];
  const { input = "", env = {}, isColoured = false } = given;
  const code = await runLint(argv, {
    env,
    isColoured,
    write: text => (output += text),
    writeError: text => (errors += text),
    readStandardInput: () =>
      Promise.resolve(typeof input === "string" ? new TextEncoder().encode(input) : input),
  });
  return { code, output, errors };
}

/** Lints the text as standard input and returns the lines of the report. */
export async function lintLines(text: string): Promise<readonly string[]> {
  const { output } = await lint(["-f", "-"], { input: text });
  return output.trimEnd().split("\n");
}

export function read(...texts: readonly string[]): Reading {
  const reader = new ManifestReader(NAMESPACE);
  for (const [index, text] of texts.entries()) reader.add(`f${index + 1}.yaml`, text);
  return reader.reading;
}

/** Hands `use` a folder with the files, and removes it afterwards. */
export async function withFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  use: (folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "herald-lint-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A pool as a user writes it; every line has its number in the tests. */
export const POOL = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: first
  namespace: metallb-system
spec:
  addresses:
    - 192.168.1.240/28
`;

export const ADVERTISEMENT = `apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: all
  namespace: metallb-system
`;

/** Joined as documents of one file. */
export function documents(...texts: readonly string[]): string {
  return texts.join("---\n");
}
