/**
 * Flags and environment of Herald's processes: MetalLB's names, a flag before its variable before the default. A process lists
 * its options in a table; from the table come the parser, the types and the text of `--help`. Values are checked with zod, so
 * a wrong one ends the start with a sentence that names the flag, the value and what is allowed.
 */
import * as z from "zod/mini";

/** One option. `schema` turns the given text (or undefined) into the value. */
export interface OptionSpec<Value> {
  readonly flag: string;
  /** Variables in the order they are tried. */
  readonly env: readonly string[];
  readonly help: string;
  /** True for a flag that may stand alone, as in `--ignore-exclude-lb`. */
  readonly isSwitch: boolean;
  /** True: accepted for MetalLB's sake; who gives the flag is told. */
  readonly hasNoEffect?: boolean;
  readonly schema: z.ZodMiniType<Value, string | undefined>;
}

export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>;

export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionSpec<infer Value> ? Value : never;
};

export type ParsedOptions<Table extends OptionTable> =
  | {
      readonly type: "options";
      readonly options: OptionValues<Table>;
      readonly notices: readonly string[];
    }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "wrong"; readonly text: string };

export interface OptionSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Names = string | readonly string[];

/** Any text; `fallback` when it is not given. */
export function text(flag: string, env: Names, fallback: string, help: string): OptionSpec<string> {
  return option(flag, env, `${help} (default ${fallback === "" ? "empty" : fallback})`, read =>
    read === undefined || read === "" ? fallback : read,
  );
}

/** A text that has no default: undefined when it is not given or empty. */
export function optionalText(
  flag: string,
  env: Names,
  help: string,
): OptionSpec<string | undefined> {
  return option(flag, env, help, read => (read === undefined || read === "" ? undefined : read));
}

/** A whole number within bounds. */
export function wholeNumber(
  flag: string,
  env: Names,
  limits: { readonly fallback: number; readonly min: number; readonly max: number },
  help: string,
): OptionSpec<number> {
  const { fallback, min, max } = limits;
  return option(flag, env, `${help} (default ${fallback})`, (read, refuse) => {
    if (read === undefined || read === "") return fallback;
    const value = Number(read);
    if (/^[0-9]+$/.test(read) && value >= min && value <= max) return value;
    return refuse(`a whole number from ${min} to ${max} is needed`);
  });
}

/** One of a few words. */
export function oneOf<Word extends string>(
  flag: string,
  env: Names,
  words: readonly [Word, ...Word[]],
  help: string,
): OptionSpec<Word> {
  return option(flag, env, `${help}: ${words.join(", ")} (default ${words[0]})`, (read, refuse) => {
    if (read === undefined || read === "") return words[0];
    return words.find(word => word === read) ?? refuse(`one of ${words.join(", ")} is needed`);
  });
}

/** A switch: off unless it is given, `--flag=false` turns it off again. */
export function onOff(flag: string, env: Names, help: string): OptionSpec<boolean> {
  const spec = option<boolean>(flag, env, help, (read, refuse) => {
    if (read === undefined || read === "" || read === "false" || read === "0") return false;
    return read === "true" || read === "1" ? true : refuse("true or false is needed");
  });
  return { ...spec, isSwitch: true };
}

/** The same option, whose value nobody looks at: a notice says so to who gives the flag. */
export function withoutEffect<Value>(spec: OptionSpec<Value>): OptionSpec<Value> {
  return { ...spec, hasNoEffect: true };
}

/**
 * Reads the options of a process. `--flag value`, `--flag=value` and Go's single dash are understood; `retired` flags, which have a
 * value and mean nothing here, are accepted with a notice. Every wrong value is reported, not only the first.
 */
export function parseOptions<Table extends OptionTable>(
  program: { readonly name: string; readonly table: Table; readonly retired: readonly string[] },
  source: OptionSource,
): ParsedOptions<Table> {
  const given = readFlags(program, source.argv);
  if (given.wantsHelp) return { type: "help", text: usage(program) };
  const wrong = [...given.wrong];
  const options: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(program.table)) {
    const { origin, value } = lookUp(spec, given.flags, source.env);
    const read = spec.schema.safeParse(value);
    if (read.success) options[name] = read.data;
    else wrong.push(`${origin}=${value ?? ""}: ${read.error.issues[0]?.message ?? "wrong"}`);
  }
  if (wrong.length > 0) return { type: "wrong", text: `${wrong.join("\n")}\n\n${usage(program)}` };
  return { type: "options", options: options as OptionValues<Table>, notices: given.notices };
}

function lookUp(
  spec: OptionSpec<unknown>,
  flags: ReadonlyMap<string, string>,
  env: OptionSource["env"],
): { readonly origin: string; readonly value: string | undefined } {
  const flag = flags.get(spec.flag);
  const variable = spec.env.find(candidate => env[candidate] !== undefined);
  if (flag !== undefined || variable === undefined)
    return { origin: `--${spec.flag}`, value: flag };
  return { origin: variable, value: env[variable] };
}

function option<Value>(
  flag: string,
  env: Names,
  help: string,
  read: (given: string | undefined, refuse: (why: string) => never) => Value,
): OptionSpec<Value> {
  const transform = z.transform((given: string | undefined, context): Value => {
    try {
      return read(given, why => {
        throw new RefusedValue(why);
      });
    } catch (error) {
      if (!(error instanceof RefusedValue)) throw error;
      context.issues.push({ code: "custom", message: error.message, input: given });
      return z.NEVER;
    }
  });
  const schema = z.pipe(z.optional(z.string()), transform);
  return { flag, env: typeof env === "string" ? [env] : env, help, isSwitch: false, schema };
}

class RefusedValue extends Error {}

interface GivenFlags {
  readonly flags: Map<string, string>;
  readonly wrong: string[];
  readonly notices: string[];
  wantsHelp: boolean;
}

function readFlags(
  program: { readonly table: OptionTable; readonly retired: readonly string[] },
  argv: readonly string[],
): GivenFlags {
  const specs = new Map(Object.values(program.table).map(spec => [spec.flag, spec]));
  const given: GivenFlags = { flags: new Map(), wrong: [], notices: [], wantsHelp: false };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [name, value] = splitFlag(word);
    const spec = specs.get(name);
    if (name === "help" || name === "h") given.wantsHelp = true;
    else if (spec !== undefined) takeFlag(spec, value ?? valueAfter(spec, rest), given);
    else if (program.retired.includes(name)) {
      if (value === undefined) rest.shift();
      given.notices.push(noEffect(name));
    } else given.wrong.push(`${word}: no such flag`);
  }
  return given;
}

/** Name and, after `=`, the value; the name is empty when the word is no flag. */
function splitFlag(word: string): [name: string, value: string | undefined] {
  const match = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word);
  return [match?.[1] ?? "", match?.[2]];
}

function valueAfter(spec: OptionSpec<unknown>, rest: string[]): string | undefined {
  return spec.isSwitch ? "true" : rest.shift();
}

function takeFlag(spec: OptionSpec<unknown>, value: string | undefined, given: GivenFlags): void {
  if (value === undefined) given.wrong.push(`--${spec.flag}: a value is missing`);
  else given.flags.set(spec.flag, value);
  if (spec.hasNoEffect === true && value !== "") given.notices.push(noEffect(spec.flag));
}

function noEffect(flag: string): string {
  return `--${flag} is accepted for MetalLB's sake and has no effect here`;
}

function usage(program: { readonly name: string; readonly table: OptionTable }): string {
  const rows = Object.values(program.table).map(spec => {
    const variables = spec.env.length === 0 ? "" : ` [${spec.env.join(", ")}]`;
    return `  --${spec.flag.padEnd(24)} ${spec.help}${variables}`;
  });
  return [`usage: ${program.name} [flags]`, "", ...rows].join("\n");
}
