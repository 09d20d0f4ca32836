import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { distFolder } from "./paths";

const RETRY_MS = 200;
const UNSIGNED_LIMIT_MS = 5_000;

/**
 * Runs `work` while no other process does the same under this name: two builds at once would write the same files. A lock whose
 * owner has died is taken over.
 */
export async function withLock<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
  const path = join(distFolder, `.${name}.lock`);
  while (!tryLock(path)) {
    if (isAbandoned(path)) rmSync(path, { recursive: true, force: true });
    else await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(path, "pid"), String(process.pid));
  return true;
}

function isAbandoned(path: string): boolean {
  try {
    process.kill(Number(readFileSync(join(path, "pid"), "utf8")), 0);
    return false;
  } catch (error) {
    // ENOENT: the owner has not written its pid yet, or has just gone, or was killed in between.
    const { code } = error as NodeJS.ErrnoException;
    return code === "ESRCH" || (code === "ENOENT" && ageMs(path) > UNSIGNED_LIMIT_MS);
  }
}

function ageMs(path: string): number {
  return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}
