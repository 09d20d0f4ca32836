/** A lock between processes that the kernel gives back when its holder dies, however it dies. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { LabError } from "./run";

/** A lock that is held until `release` is called or this process ends. */
export interface FileLock {
  release(): Promise<void>;
}

/**
 * Waits until this process alone holds the lock on `path` (flock(2), by util-linux's `flock`, whose shell ends with the
 * pipe to us). `onWait` is called once if somebody else holds it.
 */
export async function lockFile(
  path: string,
  onWait: () => void = () => undefined,
): Promise<FileLock> {
  mkdirSync(dirname(path), { recursive: true });
  const holder = spawn("flock", [path, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
    // Ctrl-C reaches the whole foreground group; the lock has to outlast the cleaning up.
    detached: true,
  });
  holder.stdin.on("error", () => undefined);
  const closed = new Promise<void>(resolve => holder.on("close", () => resolve()));
  const waiting = setTimeout(onWait, 500);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", cause => {
        reject(
          new LabError("no-flock", "flock is missing: install the package util-linux.", { cause }),
        );
      });
      holder.once("exit", () => reject(new LabError("lock-failed", `Cannot lock ${path}.`)));
    });
  } finally {
    clearTimeout(waiting);
  }
  holder.unref();
  return {
    release: async () => {
      holder.ref();
      holder.stdin.end();
      await closed;
    },
  };
}

/** Carries out `work` while holding the lock on `path`. */
export async function withLock<Value>(
  path: string,
  work: () => Promise<Value>,
  onWait?: () => void,
): Promise<Value> {
  const lock = await lockFile(path, onWait);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
