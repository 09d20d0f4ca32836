/** From the words of the command line to texts: files, folders with everything below them, and standard input. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Unreadable } from "./manifest";

export interface ManifestText {
  /** As it is shown. */
  readonly file: string;
  readonly text: string;
}

export type FoundText = { readonly ok: true; readonly value: ManifestText } | Failure;

interface Failure {
  readonly ok: false;
  readonly error: Unreadable;
}

/** More than any manifest that an API server would take (etcd: 1.5 MiB an object). */
const MAX_OCTETS = 64 * 1024 * 1024;

const EXTENSIONS = [".yaml", ".yml", ".json"];

/**
 * The text of each file that the words name, in their order and by name within a folder. A file is read once however often it is named.
 * In folders, names that begin with a dot and `node_modules` are passed over, and links to folders are not followed.
 */
export function* findManifests(
  words: readonly string[],
  standardInput: Uint8Array | undefined,
): Generator<FoundText> {
  const seen = new Set<string>();
  for (const word of words) {
    if (word === "-") {
      yield toText("stdin", standardInput ?? new Uint8Array());
      continue;
    }
    for (const path of expand(word)) {
      if (typeof path !== "string") yield path;
      else if (isNew(path, seen)) yield readText(path);
    }
  }
}

function expand(word: string): readonly (string | Failure)[] {
  try {
    return statSync(word).isDirectory() ? [...walk(word)] : [word];
  } catch (error) {
    return [failure(word, error)];
  }
}

function* walk(folder: string): Generator<string | Failure> {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    yield failure(folder, error);
    return;
  }
  entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    if (entry.isDirectory()) yield* walk(path);
    else if (EXTENSIONS.some(extension => entry.name.toLowerCase().endsWith(extension))) {
      if (entry.isFile() || isLinkToFile(path)) yield path;
    }
  }
}

function isLinkToFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isNew(path: string, seen: Set<string>): boolean {
  let real = path;
  try {
    real = realpathSync(path);
  } catch {
    // A pipe of the shell has no path; reading it will tell.
  }
  if (seen.has(real)) return false;
  seen.add(real);
  return true;
}

function readText(path: string): FoundText {
  try {
    if (statSync(path).size > MAX_OCTETS) return tooLarge(path);
    return toText(path, readFileSync(path));
  } catch (error) {
    return failure(path, error);
  }
}

function toText(file: string, octets: Uint8Array): FoundText {
  if (octets.length > MAX_OCTETS) return tooLarge(file);
  try {
    return {
      ok: true,
      value: { file, text: new TextDecoder("utf-8", { fatal: true }).decode(octets) },
    };
  } catch {
    return { ok: false, error: { file, message: "This is no text in UTF-8." } };
  }
}

function tooLarge(file: string): Failure {
  const message = `This is larger than ${MAX_OCTETS / 1024 / 1024} MiB.`;
  return { ok: false, error: { file, message } };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "There is no such file or folder.",
  EACCES: "Permission to read it is missing.",
};

function failure(file: string, error: unknown): Failure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = REASONS[code] ?? `It cannot be read (${code || String(error)}).`;
  return { ok: false, error: { file, message } };
}
