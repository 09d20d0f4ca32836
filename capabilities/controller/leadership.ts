/**
 * Who this process is, and whether the holder of a Lease is surely dead. A Lease has to run out before another process may write; a
 * process restarted on the same machine need not wait for itself.
 */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Logger } from "pino";
import type { ApiClient } from "../cluster/api-client";
import { isConflict, isNotFound } from "../cluster/api-error";

/** What tells one process from every other: `HOST_BOOT_PIDNAMESPACE_PID_STARTTIME`. */
export interface ProcessIdentity {
  readonly host: string;
  readonly boot: string;
  readonly pidNamespace: string;
  readonly pid: number;
  /** In clock ticks since boot: a number is used again, but not with the same start. */
  readonly startTicks: string;
}

export const LEASE_NAME = "herald-controller";

interface LeaseObject {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: { readonly holderIdentity?: string | null };
}

/** The identity of this process, from /proc; on a system without it no holder ever counts as dead. */
export function ownIdentity(): ProcessIdentity {
  return {
    host: hostname(),
    boot: readOr("/proc/sys/kernel/random/boot_id", "unknown").slice(0, 8),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTicks: startTicks(process.pid) ?? String(Date.now()),
  };
}

export function formatIdentity(identity: ProcessIdentity): string {
  const { host, boot, pidNamespace: namespace, pid, startTicks: start } = identity;
  return [host, boot, namespace, pid, start].join("_");
}

/**
 * Whether a holder, given by its identity, is a process of this boot and process namespace that does not run any more. False
 * whenever that is not certain.
 */
export function isSurelyDead(holder: string, own: ProcessIdentity): boolean {
  const prefix = `${[own.host, own.boot, own.pidNamespace].join("_")}_`;
  if (own.boot === "unknown" || own.pidNamespace === "unknown") return false;
  if (!holder.startsWith(prefix)) return false;
  const [pid = "", start = ""] = holder.slice(prefix.length).split("_");
  if (!/^[0-9]+$/.test(pid) || !/^[0-9]+$/.test(start)) return false;
  return startTicks(Number(pid)) !== start;
}

/** Frees the Lease of a dead predecessor. Never fails: then the Lease runs out in its own time. */
export async function freeLeaseOfDead(
  own: ProcessIdentity,
  deps: { readonly client: ApiClient; readonly namespace: string; readonly log: Logger },
): Promise<void> {
  const { client, namespace, log } = deps;
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${LEASE_NAME}`;
  try {
    const lease = await client.get<LeaseObject>(path);
    const holder = lease.spec?.holderIdentity ?? "";
    if (!isSurelyDead(holder, own)) return;
    await client.put(path, { ...lease, spec: { ...lease.spec, holderIdentity: "" } });
    log.info({ holder }, "the Lease of a process that is gone was freed");
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) {
      log.warn({ err: error }, "the Lease could not be looked at");
    }
  }
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process. */
function startTicks(pid: number): string | undefined {
  const stat = readOr(`/proc/${pid}/stat`, "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie runs no more, it only was not waited for.
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

function pidNamespace(): string {
  try {
    return /[0-9]+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "unknown";
  } catch {
    return "unknown";
  }
}

function readOr(path: string, fallback: string): string {
  try {
    return existsSync(path) ? readFileSync(path, "utf8") : fallback;
  } catch {
    return fallback;
  }
}
