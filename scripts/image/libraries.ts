/** The shared libraries of programs, as the loader of this machine finds them. */
import { execFileSync } from "node:child_process";

/** The loader and the libraries that `programs` need, each once. */
export function sharedLibraries(programs: readonly string[]): readonly string[] {
  const printed = programs.map(path => execFileSync("ldd", [path], { encoding: "utf8" }));
  return [...new Set(printed.flatMap(parseLdd))].sort();
}

/** The paths in what `ldd` prints: the loader and the libraries that were found. */
export function parseLdd(printed: string): string[] {
  return printed
    .split("\n")
    .map(line => /(?:=>\s*)?(\/\S+)\s+\(0x/.exec(line)?.[1])
    .filter(path => path !== undefined);
}
