/** `npm run lab`: the lab by hand. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { LabCommand, Verb } from "./arguments";
import { helpText, parseArguments } from "./arguments";
import { Lab } from "./lab";
import { prepareMachine } from "./prepare";
import { consoleProgress } from "./progress";
import { listLabs } from "./registry";
import { LabError } from "./run";
import { describeLab } from "./status";

const INTERRUPTED = 130;

type Handler = (command: LabCommand) => Promise<number>;

const HANDLERS: Readonly<Record<Verb, Handler>> = {
  prepare: async () => {
    await prepareMachine(consoleProgress());
    return 0;
  },
  up,
  down,
  status,
  shell: command => {
    const lab = Lab.open(command.name);
    const host = command.subject ?? "";
    const prompt = { PS1: `[${lab.name}:${host}] \\w\\$ ` };
    return attach(lab, ["bash", "--norc"], { host, inside: command.inside, env: prompt });
  },
  exec: command => {
    const place = { host: command.subject ?? "", inside: command.inside };
    return attach(Lab.open(command.name), command.rest, place);
  },
  logs,
  kubectl: command => {
    const lab = Lab.open(command.name);
    return attach(lab, [join(lab.binDir, "kubectl"), ...command.rest], { host: "cp" });
  },
  install: async command => {
    const { installCommand } = await import("./install-command");
    return installCommand(command);
  },
  "power-off": onHost((lab, host) => lab.powerOff(host)),
  "power-on": onHost((lab, host) => lab.powerOn(host)),
  "cut-cable": onHost((lab, host) => lab.cutCable(host)),
  "plug-cable": onHost((lab, host) => lab.plugCable(host)),
};

async function up(command: LabCommand): Promise<number> {
  const abort = new AbortController();
  const interrupt = () => {
    if (!abort.signal.aborted) process.stderr.write("\nInterrupted: cleaning up …\n");
    abort.abort(new LabError("interrupted", "Interrupted; nothing was left behind."));
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, interrupt);
  try {
    const { name, nodes, proxyMode } = command;
    const progress = consoleProgress();
    const options = { name, nodes, proxyMode, progress, signal: abort.signal } as const;
    const lab = await Lab.up({ ...options, lifetime: "kept" });
    process.stdout.write(await describeLab(lab));
    return 0;
  } catch (error) {
    if (error instanceof LabError && error.code === "already-runs") {
      print(error.message);
      return 0;
    }
    if (abort.signal.aborted) {
      print("Nothing was left behind.");
      return INTERRUPTED;
    }
    throw error;
  }
}

async function down(command: LabCommand): Promise<number> {
  const wasThere = await Lab.remove(command.name);
  print(wasThere ? `Lab ${command.name} is gone.` : `There is no lab ${command.name}.`);
  return 0;
}

async function status(command: LabCommand): Promise<number> {
  const names = command.isNamed ? [command.name] : listLabs();
  if (names.length === 0) print("No lab runs. Build one with: npm run lab -- up");
  for (const name of names) {
    if (command.isNamed || Lab.isRunning(name)) {
      process.stdout.write(await describeLab(Lab.open(name)));
    } else {
      print(
        `Lab ${name}: being built, or a leftover that the next up or down of that name removes.`,
      );
    }
  }
  return 0;
}

async function logs(command: LabCommand): Promise<number> {
  const lab = Lab.open(command.name);
  if (command.subject === undefined) {
    const folder = join(lab.directory, "logs");
    for (const file of readdirSync(folder).sort()) print(file.replace(/\.log$/, ""));
    return 0;
  }
  const path = lab.logPath(command.subject);
  if (!existsSync(path)) {
    throw new LabError(
      "no-part",
      `Lab ${lab.name} has no part ${command.subject}; see: npm run lab -- logs`,
    );
  }
  return inForeground(["tail", "-n", "+1", ...(command.follow ? ["-F"] : []), path], process.env);
}

function onHost(action: (lab: Lab, host: string) => Promise<void>): Handler {
  return async command => {
    await action(Lab.open(command.name), command.subject ?? "");
    return 0;
  };
}

interface Place {
  readonly host: string;
  readonly inside?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

async function attach(lab: Lab, argv: readonly string[], place: Place): Promise<number> {
  const command = lab.commandIn(place.host, argv, place.inside);
  return inForeground(command, { ...process.env, ...lab.environment, ...place.env });
}

/** Runs a command on this terminal and returns its status; it gets the terminal's signals, not us. */
async function inForeground(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { stdio: "inherit", env });
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", code => resolve(code ?? 1));
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  try {
    const command = parseArguments(process.argv.slice(2));
    if (command.help) {
      process.stdout.write(helpText());
      return;
    }
    process.exitCode = await HANDLERS[command.verb](command);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(
      error instanceof LabError ? `lab: ${error.message}\n` : `${String((error as Error).stack)}\n`,
    );
  }
}

void main();
