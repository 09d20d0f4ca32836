import { createRequire } from "node:module";
import { join } from "node:path";
import {
  parseOptions,
  type OptionTable,
  type OptionValues,
} from "../../capabilities/cluster/options";

/** The options of a program, or its end: `--help` with 0, a wrong one with 2 and the usage. */
export function readOptions<Table extends OptionTable>(program: {
  readonly name: string;
  readonly table: Table;
  readonly retired: readonly string[];
}): { readonly options: OptionValues<Table>; readonly notices: readonly string[] } {
  const parsed = parseOptions(program, { argv: process.argv.slice(2), env: process.env });
  if (parsed.type === "options") return parsed;
  if (parsed.type === "help") {
    console.log(parsed.text);
    return process.exit(0);
  }
  console.error(parsed.text);
  return process.exit(2);
}

/** Loads the Pepr module that lies beside this program, in this process: a child would not get the signals. */
export function loadPeprModule(env: Readonly<Record<string, string>>): void {
  Object.assign(process.env, env);
  createRequire(__filename)(join(__dirname, "pepr-herald.js"));
}
