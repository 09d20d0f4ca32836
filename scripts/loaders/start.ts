import { createRequire } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import {
  parseOptions,
  type OptionTable,
  type OptionValues,
} from "../../capabilities/cluster/options";
import { retiredFlags, withAcceptedFlags } from "./accepted-flags";

export interface StartOptions<Table extends OptionTable> {
  readonly options: OptionValues<Table>;
  readonly notices: readonly string[];
  /** The options as environment variables: the module that is loaded reads no flags. */
  readonly env: Readonly<Record<string, string>>;
}

/** The options of a program, or its end: `--help` with 0, a wrong one with 2 and the usage. */
export function readOptions<Table extends OptionTable>(
  name: string,
  table: Table,
): StartOptions<Table> {
  const program = { name, table: withAcceptedFlags(table), retired: retiredFlags };
  const parsed = parseOptions(program, { argv: process.argv.slice(2), env: process.env });
  if (parsed.type === "options") {
    const options = parsed.options as OptionValues<Table>;
    return { options, notices: parsed.notices, env: toEnvironment(table, options) };
  }
  if (parsed.type === "help") {
    console.log(parsed.text);
    return process.exit(0);
  }
  console.error(parsed.text);
  return process.exit(2);
}

function toEnvironment<Table extends OptionTable>(
  table: Table,
  options: OptionValues<Table>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    const variable = table[name]?.env[0];
    if (variable !== undefined && value !== undefined) env[variable] = String(value);
  }
  return env;
}

/** Says where the Pepr module is when it is not the one beside this program: `pepr deploy` brings its own. */
export const MODULE_VARIABLE = "HERALD_PEPR_MODULE";

/** Port of Pepr's server in the controller's process, which needs none of its own. */
export const PEPR_PORT_VARIABLE = "HERALD_PEPR_PORT";

/** Pepr brings 800 files of code, most of which never runs: V8 shall keep as little of it as it can. */
const SMALL_CODE = "--optimize-for-size";

/** Loads the Pepr module in this process: a child would not get the signals. */
export function loadPeprModule(env: Readonly<Record<string, string>>): void {
  setFlagsFromString(SMALL_CODE);
  Object.assign(process.env, env);
  process.argv.length = 2;
  const path = process.env[MODULE_VARIABLE] ?? join(__dirname, "pepr-herald.js");
  createRequire(__filename)(path);
}
