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
 * flock(2) on the file, which is removed by its holder: whoever then gets the lock of a file without a name takes another
 * turn. The end of the pipe gives the lock back, so a holder that dies gives it back too.
 */
const HOLD = `while :; do
  exec 9>"$1"
  flock 9
  [ /proc/self/fd/9 -ef "$1" ] && break
done
echo held
read -r _
rm -f "$1"`;

/**
 * Waits until this process alone holds the lock on `path` . `onWait` is called once if somebody else holds it.
 */
async function lockFile(path: string, onWait: () => void = () => undefined): Promise<FileLock> {
  mkdirSync(dirname(path), { recursive: true });
  const holder = spawn("sh", ["-c", HOLD, "herald-lab-lock", path], {
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
      holder.once("error", reject);
      holder.once("exit", () => {
        reject(new LabError("lock-failed", `Cannot lock ${path}: is flock (util-linux) there?`));
      });
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
