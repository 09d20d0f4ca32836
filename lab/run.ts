/** Runs commands and waits for them; how everything in the lab talks to the machine. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";

/** What a finished command left. */
export interface RunResult {
  /** Exit status; 128 + signal number is not used: a command ended by a signal has status -1. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command is run. */
export interface RunOptions {
  readonly input?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The command and what it started are killed after this time. */
  readonly timeoutMs?: number;
  /** Kills the command and what it started when aborted; `run` then rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** False: any exit status resolves. Default true: another status than 0 rejects with CommandError. */
  readonly check?: boolean;
}

/** A problem that a person can solve, told in its message; the command line prints it without a stack. */
export class LabError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LabError";
    this.code = code;
  }
}

/** A command that could not be started or ended with another status than 0. */
export class CommandError extends LabError {
  readonly argv: readonly string[];
  readonly result: RunResult;

  constructor(argv: readonly string[], result: RunResult, cause?: unknown) {
    const said = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-5).join("\n");
    super("command-failed", `"${argv.join(" ")}" failed (${result.status}): ${said}`, { cause });
    this.name = "CommandError";
    this.argv = argv;
    this.result = result;
  }
}

/** Runs one command to its end and returns what it printed. Rejects with CommandError unless `check` is false. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const child = start(argv, options);
  const end = () => killGroup(child);
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs);
  options.signal?.addEventListener("abort", end);
  try {
    const result = await resultOf(child, argv, options.input ?? "");
    options.signal?.throwIfAborted();
    if (result.status !== 0 && options.check !== false) throw new CommandError(argv, result);
    return result;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", end);
  }
}

function start(argv: readonly string[], options: RunOptions): ChildProcessWithoutNullStreams {
  const [command = "", ...args] = argv;
  return spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    // Ctrl-C on a terminal reaches the whole foreground group, but what runs while cleaning up has to get to its end.
    detached: true,
  });
}

async function resultOf(
  child: ChildProcessWithoutNullStreams,
  argv: readonly string[],
  input: string,
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    // A command may end without reading its input: that shows in its status.
    child.stdin.on("error", () => undefined);
    child.on("error", cause => {
      reject(new CommandError(argv, { status: -1, stdout: "", stderr: cause.message }, cause));
    });
    child.on("close", status => resolve({ status: status ?? -1, stdout, stderr }));
    child.stdin.end(input);
  });
}

/** Kills the command and what it started. */
function killGroup(child: ChildProcessWithoutNullStreams): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It ended by itself a moment ago.
  }
}

/** Like Promise.all without the values, but rejects only when nothing is in flight any longer. */
export async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find(result => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Calls `probe` until it returns something else than undefined; rejects with `describe()` after `timeoutMs`. */
export async function poll<Value>(
  probe: () => Promise<Value | undefined> | Value | undefined,
  options: { readonly timeoutMs: number; readonly everyMs?: number; describe(): string },
): Promise<Value> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > deadlineMs) throw new LabError("timeout", options.describe());
    await new Promise(resolve => setTimeout(resolve, options.everyMs ?? 50));
  }
}
