/** Long-running processes in a host of the lab. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { LabError } from "./run";

/** How a process ended. */
export interface ProcessEnd {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** A process that was started in a host; it ends with its host or with the lab at the latest. */
export interface LabProcess {
  readonly pid: number;
  readonly host: string;
  /** The file with everything it prints. */
  readonly logPath: string;
  readonly exited: Promise<ProcessEnd>;
  isRunning(): boolean;
  kill(signal?: NodeJS.Signals): void;
  /** Ends it with SIGTERM, after `graceMs` (default 5 s) with SIGKILL; resolves when it is gone. */
  stop(graceMs?: number): Promise<ProcessEnd>;
}

/** What to start, where. */
export interface SpawnRequest {
  readonly host: string;
  readonly namespacePath: string;
  readonly argv: readonly string[];
  readonly logPath: string;
  /** Files that take the process into cgroups. */
  readonly cgroupFiles: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Into the cgroups, into the network namespace, then the command itself: each step replaces the process, none forks. */
const ENTER = 'for file in $CGROUP_FILES; do echo $$ >"$file"; done; unset CGROUP_FILES; exec "$@"';

/** Starts a process in a session of its own; its number is the command's own. Throws LabError if that fails at once. */
export function spawnInHost(request: SpawnRequest): LabProcess {
  const enter = ["-c", ENTER, "sh", "nsenter", `--net=${request.namespacePath}`, "--"];
  const log = openSync(request.logPath, "a");
  const child = spawn("sh", [...enter, ...request.argv], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: request.cwd,
    env: { ...process.env, ...request.env, CGROUP_FILES: request.cgroupFiles.join(" ") },
  });
  closeSync(log);
  const exited = new Promise<ProcessEnd>(resolve => {
    child.once("error", () => resolve({ status: -1, signal: undefined }));
    child.once("exit", (status, signal) => {
      resolve({ status: status ?? undefined, signal: signal ?? undefined });
    });
  });
  child.unref();
  if (child.pid === undefined)
    throw new LabError("spawn", `Cannot start ${request.argv.join(" ")}`);
  return handle(child, child.pid, request, exited);
}

function handle(
  child: ChildProcess,
  pid: number,
  request: SpawnRequest,
  exited: Promise<ProcessEnd>,
): LabProcess {
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    pid,
    host: request.host,
    logPath: request.logPath,
    exited,
    isRunning,
    kill: (signal = "SIGKILL") => void child.kill(signal),
    stop: async (graceMs = 5_000) => {
      if (!isRunning()) return exited;
      child.ref();
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      const end = await exited;
      clearTimeout(timer);
      return end;
    },
  };
}
