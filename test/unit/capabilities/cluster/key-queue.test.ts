import { fc, test } from "@fast-check/vitest";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import {
  KeyQueue,
  type KeyQueueOptions,
  type ReconcileResult,
} from "../../../../capabilities/cluster/key-queue";
import { ManualClock, settle } from "./manual-clock";

type Outcome = ReconcileResult | Error;

/** A queue whose runs end when the test says so. */
function setup(options: Partial<KeyQueueOptions> = {}) {
  const clock = new ManualClock();
  const started: string[] = [];
  const running = new Map<string, (outcome: Outcome) => void>();
  const queue = new KeyQueue({
    reconcile: key => {
      if (running.has(key)) throw new Error(`${key} is worked on twice`);
      started.push(key);
      return new Promise((resolve, reject) => {
        running.set(key, outcome => {
          running.delete(key);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        });
      });
    },
    concurrency: 2,
    minBackoffMs: 100,
    maxBackoffMs: 1_000,
    log: pino({ level: "silent" }),
    clock,
    random: () => 0,
    ...options,
  });
  const finish = async (key: string, outcome: Outcome = {}): Promise<void> => {
    const end = running.get(key);
    if (end === undefined) throw new Error(`${key} does not run`);
    end(outcome);
    await settle();
  };
  return { clock, queue, started, running, finish };
}

const BROKEN = new Error("broken object");
const AWAY = new ApiError("connection refused", { code: "network" });
const CONFLICT = new ApiError("conflict", { code: "status", status: 409 });

describe("adding", () => {
  it("makes a key wait once, in the order of arrival, with bounded concurrency", async () => {
    const { queue, started, finish } = setup();
    for (const key of ["a", "b", "c", "d", "c", "d", "c"]) queue.add(key);
    expect(started).toEqual(["a", "b"]);
    expect(queue.readyCount).toBe(2);
    await finish("b");
    await finish("a");
    expect(started).toEqual(["a", "b", "c", "d"]);
    await finish("c");
    await finish("d");
    expect(started.length).toBe(4);
  });

  it("runs a key once more, and never at the same time, when it was added while it ran", async () => {
    const { queue, started, finish } = setup();
    queue.add("a");
    queue.add("a");
    queue.add("a");
    expect(started).toEqual(["a"]);
    await finish("a");
    expect(started).toEqual(["a", "a"]);
    await finish("a");
    expect(started).toEqual(["a", "a"]);
  });
});

describe("waiting for a time", () => {
  it("runs at the earliest of several times, once", async () => {
    const { queue, clock, started, finish } = setup();
    queue.addAfter("a", 500);
    queue.addAfter("a", 200);
    queue.addAfter("a", 900);
    await clock.advance(199);
    expect(started).toEqual([]);
    await clock.advance(1);
    expect(started).toEqual(["a"]);
    await finish("a");
    await clock.advance(10_000);
    expect(started).toEqual(["a"]);
  });

  it("runs again after requeueAfterMs, unless it ran before", async () => {
    const { queue, clock, started, finish } = setup();
    queue.add("a");
    await finish("a", { requeueAfterMs: 1_000 });
    await clock.advance(999);
    expect(started.length).toBe(1);
    await clock.advance(1);
    expect(started.length).toBe(2);
    await finish("a", { requeueAfterMs: 1_000 });
    queue.add("a");
    expect(started.length).toBe(3);
    await finish("a");
    await clock.advance(5_000);
    expect(started.length).toBe(3);
  });
});

describe("a failure", () => {
  it("is retried with growing waits, and forgotten after a success", async () => {
    const { queue, clock, started, finish } = setup();
    queue.add("a");
    const waits: (number | undefined)[] = [];
    for (let failure = 0; failure < 6; failure += 1) {
      await finish("a", BROKEN);
      waits.push(clock.nextInMs);
      await clock.advance(clock.nextInMs ?? 0);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    await finish("a");
    expect(queue.failingCount).toBe(0);
    queue.add("a");
    await finish("a", BROKEN);
    expect(clock.nextInMs).toBe(100);
    expect(started.length).toBe(8);
  });

  it("of one key does not delay another", async () => {
    const { queue, started, finish } = setup();
    queue.add("a");
    await finish("a", BROKEN);
    queue.add("b");
    expect(started).toEqual(["a", "b"]);
  });

  it("does not delay a key that is added anew: what failed may have been mended", async () => {
    const { queue, started, finish } = setup();
    queue.add("a");
    await finish("a", BROKEN);
    queue.add("a");
    expect(started).toEqual(["a", "a"]);
  });

  it("by conflict is retried within half a second, 50 times in a row", async () => {
    const { queue, clock, started, finish } = setup({ maxBackoffMs: 60_000 });
    queue.add("a");
    for (let failure = 0; failure < 50; failure += 1) {
      await finish("a", CONFLICT);
      expect(clock.nextInMs).toBeLessThanOrEqual(500);
      await clock.advance(500);
    }
    expect(started.length).toBe(51);
  });

  it("waits as long as the server asks for", async () => {
    const { queue, clock, finish } = setup();
    queue.add("a");
    await finish("a", new ApiError("", { code: "status", status: 422, retryAfterMs: 7_000 }));
    expect(clock.nextInMs).toBe(7_000);
  });

  it("that is thrown at once counts as any other", async () => {
    const { queue, clock } = setup({
      reconcile: () => {
        throw BROKEN;
      },
    });
    queue.add("a");
    await settle();
    expect(queue.failingCount).toBe(1);
    expect(clock.nextInMs).toBe(100);
  });
});

describe("an outage of the API server", () => {
  it("is probed by one key at a time, with growing pauses, and over after one success", async () => {
    const { queue, clock, started, running, finish } = setup({ concurrency: 4 });
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    for (const key of keys) queue.add(key);
    for (const key of [...running.keys()]) await finish(key, AWAY);
    const attemptsPerSecond: number[] = [];
    for (let second = 0; second < 10; second += 1) {
      const before = started.length;
      for (let step = 0; step < 10; step += 1) {
        await clock.advance(100);
        expect(running.size).toBeLessThanOrEqual(1);
        for (const key of [...running.keys()]) await finish(key, AWAY);
      }
      attemptsPerSecond.push(started.length - before);
    }
    expect(Math.max(...attemptsPerSecond)).toBeLessThanOrEqual(5);
    expect(attemptsPerSecond.at(-1)).toBe(1);
    // The server is back: the first key that had failed and now succeeds opens the gate.
    for (let step = 0; step < 2_000 && running.size <= 1; step += 1) {
      for (const key of [...running.keys()]) await finish(key);
      await clock.advance(100);
    }
    expect(running.size).toBe(4);
  });
});

describe("whenIdle", () => {
  it("waits for what waits, runs or failed, not for what has its time", async () => {
    const { queue, clock, finish } = setup();
    let isIdle = false;
    queue.add("a");
    void queue.whenIdle().then(() => {
      isIdle = true;
    });
    await finish("a", BROKEN);
    expect(isIdle).toBe(false);
    await clock.advance(100);
    await finish("a", { requeueAfterMs: 60_000 });
    expect(isIdle).toBe(true);
  });

  it("resolves at once when there is nothing to do", async () => {
    await expect(setup().queue.whenIdle()).resolves.toBeUndefined();
  });
});

describe("stop", () => {
  it("waits for the keys being worked on and starts nothing more", async () => {
    const { queue, clock, started, finish } = setup({ concurrency: 1 });
    for (const key of ["a", "b"]) queue.add(key);
    queue.addAfter("c", 100);
    let isStopped = false;
    const stopped = queue.stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect(isStopped).toBe(false);
    await finish("a", AWAY);
    await stopped;
    queue.add("d");
    await clock.advance(10_000);
    expect(started).toEqual(["a"]);
    expect(clock.nextInMs).toBeUndefined();
  });
});

const action = fc.oneof(
  fc.record({ type: fc.constant("add" as const), key: fc.constantFrom("a", "b", "c", "d") }),
  fc.record({ type: fc.constant("finish" as const), isOk: fc.boolean() }),
  fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 300 }) }),
);

test.prop([fc.array(action, { maxLength: 60 })])(
  "every key added has a run that began after its last addition and succeeded",
  async actions => {
    const { queue, clock, started, running, finish } = setup();
    const addedAt = new Map<string, number>();
    for (const step of actions) {
      if (step.type === "add") {
        addedAt.set(step.key, started.length);
        queue.add(step.key);
      } else if (step.type === "wait") {
        await clock.advance(step.ms);
      } else {
        const [key] = running.keys();
        if (key !== undefined) await finish(key, step.isOk ? {} : BROKEN);
      }
      expect(running.size).toBeLessThanOrEqual(2);
    }
    const isBusy = () => running.size + queue.readyCount + queue.failingCount > 0;
    for (let step = 0; step < 100 && isBusy(); step += 1) {
      for (const key of [...running.keys()]) await finish(key);
      await clock.advance(1_000);
    }
    for (const [key, at] of addedAt) expect(started.slice(at)).toContain(key);
    expect(queue.failingCount).toBe(0);
  },
);
