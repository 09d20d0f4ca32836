/** What is known about a lab outside the process that made it: one folder, with `lab.json` as its first file. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { stateDirectory } from "./paths";
import type { ProcessId } from "./processes";

/** The content of `lab.json`. */
export interface LabRecord {
  readonly name: string;
  readonly nodes: number;
  readonly proxyMode: "iptables" | "nftables";
  /** Changes with each start of the machine: after one, nothing of a lab but its folder is left. */
  readonly bootId: string;
  readonly binDir: string;
  readonly images: readonly string[];
  readonly apiServerArgs: readonly string[];
  /** The process that the lab lives with; undefined for a lab that is kept. */
  readonly owner?: ProcessId | undefined;
  /** The process that takes the lab down when its owner dies. */
  readonly guard?: ProcessId | undefined;
  /** False until everything was up: what has it false and no process at work is a leftover. */
  readonly isComplete: boolean;
}

const PREFIX = "lab-";

/** The folder of a lab. */
export function labDirectory(name: string): string {
  return join(stateDirectory(), `${PREFIX}${name}`);
}

/** The file that a process locks while it builds or removes a lab; it outlives the lab's folder. */
export function lockPath(name: string): string {
  return join(stateDirectory(), `${PREFIX}${name}.lock`);
}

/** The record of a lab; undefined if there is none, or none that can be read. */
export function readRecord(name: string): LabRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(labDirectory(name), "lab.json"), "utf8")) as LabRecord;
  } catch {
    return undefined;
  }
}

/** Writes the record so that a reader sees the old one or the new one, nothing between. */
export function writeRecord(record: LabRecord): void {
  const directory = labDirectory(record.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, "lab.json");
  writeFileSync(`${path}.tmp`, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** Names of all labs of this user that have a folder. */
export function listLabs(): string[] {
  if (!existsSync(stateDirectory())) return [];
  return readdirSync(stateDirectory(), { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name.startsWith(PREFIX))
    .map(entry => entry.name.slice(PREFIX.length))
    .sort();
}

/** The kernel's name for the time since the machine started. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
