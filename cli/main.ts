#!/usr/bin/env node
/** `kubectl herald`: commands for people and CI. kubectl starts the program `kubectl-herald` on the PATH for it. */
import { runConvert } from "./convert";
import { ExitCode } from "./lint-result";
import { runLint, type Surroundings } from "./lint";

const COMMANDS: Readonly<
  Record<string, (argv: readonly string[], around: Surroundings) => Promise<number>>
> = { convert: runConvert, lint: runLint };

const HELP = `usage: kubectl herald COMMAND [flags]

  convert   resources in place of a configuration of MetalLB before 0.13
  lint      what admission would say about manifests, offline or against a cluster

kubectl herald COMMAND --help says more.`;

async function main(argv: readonly string[]): Promise<number> {
  const [name = "", ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command !== undefined) return command(rest, surroundings());
  const wantsHelp = ["--help", "-h", "help"].includes(name);
  if (wantsHelp) process.stdout.write(`${HELP}\n`);
  else process.stderr.write(`${name === "" ? "" : `There is no command ${name}.\n`}${HELP}\n`);
  return wantsHelp ? ExitCode.accepted : ExitCode.unreadable;
}

function surroundings(): Surroundings {
  const { env, stdout, stderr, stdin } = process;
  return {
    env,
    // https://no-color.org
    isColoured: stdout.isTTY && !env["NO_COLOR"],
    write: text => stdout.write(text),
    writeError: text => stderr.write(text),
    readStandardInput: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
  };
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read our output has seen enough, as in `| head`.
  if (error.code !== "EPIPE") throw error;
});

main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = ExitCode.unreadable;
  },
);
