/** What the commands of `kubectl herald` share on their command lines. */
import { parseArgs, type ParseArgsConfig } from "node:util";

type Flags = NonNullable<ParseArgsConfig["options"]>;

/** Flags and words of a command; a whole sentence when they cannot be read. */
export function splitWords<Given extends Flags>(argv: readonly string[], flags: Given) {
  try {
    return parseArgs({ args: [...argv], options: flags, allowPositionals: true });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return /[.?!]$/.test(text) ? text : `${text}.`;
  }
}
