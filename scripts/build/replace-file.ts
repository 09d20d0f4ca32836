import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** Writes a file in one step, and only when its content differs: who reads it never sees half of it. True when it was written. */
export function replaceFile(path: string, contents: Uint8Array): boolean {
  if (existsSync(path) && readFileSync(path).equals(contents)) return false;
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
  return true;
}
