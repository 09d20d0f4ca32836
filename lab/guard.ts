/**
 * Takes a lab down when the process that owns it dies, even by SIGKILL: a small shell in a session of its own that reads
 * from a pipe to its owner. "keep" ends it and leaves the lab; the end of the pipe without a word means the owner died.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { REPOSITORY } from "./paths";
import type { ProcessId } from "./processes";
import { identify } from "./processes";
import { labDirectory } from "./registry";
import { LabError } from "./run";

/** A guard at work. */
export interface Guard {
  readonly id: ProcessId;
  /** Ends the guard; the lab is no longer bound to this process. */
  dismiss(): Promise<void>;
}

/** Starts the guard of the lab with that name. */
export function startGuard(lab: string): Guard {
  const tsx = createRequire(__filename).resolve("tsx/cli");
  const down = [process.execPath, tsx, join(REPOSITORY, "lab", "main.ts"), "down", "--name", lab];
  const script = 'read -r word; [ "$word" = keep ] || exec "$@"';
  mkdirSync(labDirectory(lab), { recursive: true, mode: 0o700 });
  const log = openSync(join(labDirectory(lab), "guard.log"), "a");
  const child = spawn("sh", ["-c", script, "herald-lab-guard", ...down], {
    detached: true,
    stdio: ["pipe", log, log],
    cwd: REPOSITORY,
  });
  closeSync(log);
  child.stdin?.on("error", () => undefined);
  child.on("error", () => undefined);
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  if (id === undefined) throw new LabError("guard", "Cannot start the lab's guard.");
  return {
    id,
    dismiss: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const ended = new Promise<void>(resolve => child.once("exit", () => resolve()));
      child.stdin?.end("keep\n");
      await ended;
    },
  };
}
