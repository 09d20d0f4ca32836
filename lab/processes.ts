/** Processes by number, safely: a number is only trusted together with the moment its process began. */
import { readFileSync } from "node:fs";
import { poll } from "./run";

/** A process as the kernel knows it: the number may be used again, number and start time together are not. */
export interface ProcessId {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. */
  readonly startTicks: string;
}

/** The process with that number now; undefined if there is none, or only a zombie of one. */
export function identify(pid: number): ProcessId | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name in field 2 may hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const startTicks = fields[19];
    return fields[0] === "Z" || startTicks === undefined ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

/** True while exactly this process lives. */
export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.startTicks === id.startTicks;
}

/** Sends a signal if the process still lives; says whether it did. */
export function signal(id: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  try {
    process.kill(id.pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Kills the processes (SIGKILL) and resolves when all are gone. */
export async function killAll(ids: readonly ProcessId[]): Promise<void> {
  for (const id of ids) signal(id, "SIGKILL");
  await waitUntilGone(ids, 10_000);
}

/** Resolves when none of the processes lives. */
async function waitUntilGone(ids: readonly ProcessId[], timeoutMs: number): Promise<void> {
  await poll(() => (ids.some(isAlive) ? undefined : true), {
    timeoutMs,
    everyMs: 10,
    describe: () =>
      `Processes do not end: ${ids
        .filter(isAlive)
        .map(id => id.pid)
        .join(", ")}`,
  });
}

/** This process and all its parents: what must never be ended by cleaning up. */
export function ownAncestry(): ReadonlySet<number> {
  const found = new Set<number>();
  let pid = process.pid;
  while (pid > 0 && !found.has(pid)) {
    found.add(pid);
    pid = parentOf(pid);
  }
  return found;
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return 0;
  }
}
