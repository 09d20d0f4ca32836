/**
 * Takes a lab away, whole or in pieces of any state: what a crash left is removed the same way. Finds the lab's
 * processes by where they are (its network namespaces and cgroups), not by lists that may be incomplete; ends nothing
 * else, and never itself or its parents.
 */
import { existsSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { LabCgroups } from "./cgroups";
import { namespacePath, removeCable, removeNamespaces } from "./network";
import type { ProcessId } from "./processes";
import { identify, killAll, ownAncestry, signal } from "./processes";
import type { LabRecord } from "./registry";
import { bootId, labDirectory } from "./registry";
import { poll } from "./run";
import { hostsOf, namespaceName } from "./topology";

/** The processes whose network namespace is one of those, this process and its parents excepted. */
export function processesIn(namespaces: readonly string[]): ProcessId[] {
  const wanted = new Set(
    namespaces
      .map(name => namespacePath(name))
      .filter(path => existsSync(path))
      .map(path => `net:[${statSync(path).ino}]`),
  );
  if (wanted.size === 0) return [];
  return withoutOwn(
    readdirSync("/proc")
      .filter(entry => /^\d+$/.test(entry) && wanted.has(networkNamespaceOf(entry)))
      .map(Number),
  );
}

/** Takes down everything of the lab in `record`; safe to repeat. */
export async function removeLab(record: LabRecord): Promise<void> {
  if (record.bootId === bootId()) {
    const namespaces = labNamespaces(record);
    await endProcesses(record.name, namespaces);
    await new LabCgroups(record.name).remove();
    await removeNamespaces(namespaces);
    await rm(labDirectory(record.name), { recursive: true, force: true, maxRetries: 5 });
    endGuard(record.guard);
    return;
  }
  await rm(labDirectory(record.name), { recursive: true, force: true });
}

/** Cuts the power of one node: its cable first, so that the kernel does not answer for it any longer. */
export async function removeNode(lab: string, node: string): Promise<void> {
  const namespace = namespaceName(lab, node);
  await removeCable(lab, node);
  await endProcesses(lab, [namespace], node);
  await removeNamespaces([namespace]);
  await new LabCgroups(lab).remove(node);
}

/** All network namespaces of a lab, the switch first. */
export function labNamespaces(record: LabRecord): string[] {
  return [
    namespaceName(record.name, "lan"),
    ...hostsOf(record.nodes).map(host => namespaceName(record.name, host.name)),
  ];
}

/** Kills until a look finds nobody: a process may have started another one since the last look. */
async function endProcesses(lab: string, namespaces: readonly string[], node?: string) {
  const cgroups = new LabCgroups(lab);
  await poll(
    async () => {
      const found = [...processesIn(namespaces), ...withoutOwn(cgroups.processes(node))];
      if (found.length === 0) return true;
      // A frozen process dies only when it is let go on.
      if (node !== undefined) await cgroups.setFrozen(node, false).catch(() => undefined);
      await killAll(found);
      return undefined;
    },
    { timeoutMs: 20_000, everyMs: 5, describe: () => `Processes of lab ${lab} do not end.` },
  );
}

function endGuard(guard: ProcessId | undefined): void {
  if (guard !== undefined && !ownAncestry().has(guard.pid)) signal(guard, "SIGKILL");
}

function withoutOwn(pids: readonly number[]): ProcessId[] {
  const own = ownAncestry();
  return pids
    .filter(pid => !own.has(pid))
    .map(pid => identify(pid))
    .filter(id => id !== undefined);
}

function networkNamespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "";
  }
}

/** The file name of the program a process runs; "" if it is gone. */
export function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return "";
  }
}
