import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "../../../../scripts/build/lock";
import { distFolder } from "../../../../scripts/build/paths";

const name = `test-${process.pid}`;
const path = join(distFolder, `.${name}.lock`);

beforeEach(() => {
  mkdirSync(distFolder, { recursive: true });
});

afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

it("lets one at a time do the work", async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise(resolve => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all([withLock(name, work), withLock(name, work), withLock(name, work)]);
  expect(most).toBe(1);
});

it("is free again after work that failed", async () => {
  const failing = withLock(name, () => Promise.reject(new Error("broken")));
  await expect(failing).rejects.toThrow("broken");
  expect(await withLock(name, () => Promise.resolve("done"))).toBe("done");
});

it("takes over from an owner that has died", async () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  mkdirSync(path);
  writeFileSync(join(path, "pid"), String(dead));
  expect(await withLock(name, () => Promise.resolve("done"))).toBe("done");
});

it("takes over from an owner that died before it signed", async () => {
  mkdirSync(path);
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  expect(await withLock(name, () => Promise.resolve("done"))).toBe("done");
});
