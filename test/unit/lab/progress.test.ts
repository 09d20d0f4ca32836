import { expect, it } from "vitest";
import {
  during,
  formatElapsed,
  formatStep,
  formatUsual,
  ProgressLine,
  silentProgress,
} from "../../../lab/progress";

const step = { number: 2, of: 7, what: "building kube-apiserver", usualSeconds: 161 };

function recorder(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  const output = { isTTY, columns: 100, write: (text: string) => written.push(text) };
  const progress = new ProgressLine(output, () => nowMs);
  return { written, progress, advance: (ms: number) => (nowMs += ms) };
}

it("says which step of how many and how long it usually takes", () => {
  expect(formatStep(step)).toBe("[2/7] building kube-apiserver (usually about 3 min)");
  expect(formatStep({ number: 1, of: 1, what: "waiting" })).toBe("[1/1] waiting");
});

it("says durations no more precisely than they are known", () => {
  expect([0.2, 4, 37, 161].map(formatUsual)).toEqual(["1 s", "4 s", "37 s", "3 min"]);
  expect([840, 12_400, 161_000].map(formatElapsed)).toEqual(["0.8 s", "12 s", "2 min 41 s"]);
});

it("writes whole lines where there is no terminal", () => {
  const { written, progress, advance } = recorder(false);
  const running = progress.begin(step);
  advance(1_500);
  running.done();
  expect(written).toEqual([
    "[2/7] building kube-apiserver (usually about 3 min) …\n",
    "[2/7] building kube-apiserver: done, 1.5 s\n",
  ]);
});

it("rewrites one line on a terminal and ends it with a newline", () => {
  const { written, progress } = recorder(true);
  progress.begin(step).fail("no room");
  expect(written).toEqual([
    "\r\x1b[K[2/7] building kube-apiserver (usually about 3 min) …",
    "\r\x1b[K[2/7] building kube-apiserver: no room, 0.0 s\n",
  ]);
});

it("never writes more than one line wide on a terminal, or it could not be rewritten", () => {
  const { written, progress } = recorder(true);
  progress.begin({ number: 1, of: 1, what: "x".repeat(300) }).done();
  expect(written[0]?.length).toBe("\r\x1b[K".length + 99);
});

it("ends a step as failed when its work rejects, and passes the error on", async () => {
  const { written, progress } = recorder(false);
  const work = () => Promise.reject(new Error("broken"));
  await expect(during(progress, step, work)).rejects.toThrow("broken");
  expect(written.at(-1)).toContain("failed");
  await expect(during(silentProgress, step, () => Promise.resolve(3))).resolves.toBe(3);
});
