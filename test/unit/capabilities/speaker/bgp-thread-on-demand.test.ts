import { beforeEach, describe, expect, it } from "vitest";
import {
  BgpThreadOnDemand,
  KEEP_IDLE_MS,
} from "../../../../capabilities/speaker/bgp-thread-on-demand";
import type { BgpThreadPort } from "../../../../capabilities/speaker/bgp-speaker";
import type { BgpCommand, BgpReport, BgpSessionSpec } from "../../../../node/bgp-protocol";

const SESSION = { name: "router" } as BgpSessionSpec;
const SOME: BgpCommand = { type: "sessions", sessions: [SESSION] };
const NONE: BgpCommand = { type: "sessions", sessions: [] };
const SYNCED: BgpCommand = { type: "synced" };

/** A thread that notes what it is told. */
class NotingThread implements BgpThreadPort {
  readonly heard: (BgpCommand["type"] | "left")[] = [];
  report: (report: BgpReport) => void = () => undefined;

  post(command: BgpCommand): void {
    this.heard.push(command.type);
  }

  onReport(listener: (report: BgpReport) => void): void {
    this.report = listener;
  }

  leave(): Promise<void> {
    this.heard.push("left");
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.heard.push("stop");
    return Promise.resolve();
  }
}

let threads: NotingThread[];
let begin: (() => void)[];
let dueMs: number | undefined;
let expire: () => void;
let reports: BgpReport[];
let onDemand: BgpThreadOnDemand;

beforeEach(() => {
  threads = [];
  begin = [];
  reports = [];
  dueMs = undefined;
  onDemand = new BgpThreadOnDemand({
    start: () =>
      new Promise(resolve => {
        const thread = new NotingThread();
        threads.push(thread);
        begin.push(() => resolve(thread));
      }),
    clock: {
      schedule(delayMs, task) {
        dueMs = delayMs;
        expire = task;
        return () => {
          dueMs = undefined;
        };
      },
    },
  });
  onDemand.onReport(report => reports.push(report));
});

/** Everything that waits for a promise has run. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

describe("BgpThreadOnDemand", () => {
  it("has no thread without a session, and ends at once", async () => {
    onDemand.post(NONE);
    onDemand.post(SYNCED);
    await onDemand.leave({ reason: "restart" });
    await onDemand.stop();
    expect(threads).toEqual([]);
  });

  it("starts one thread with the first session, and hands on what came before it was there, in order", async () => {
    onDemand.post(NONE);
    onDemand.post(SYNCED);
    onDemand.post(SOME);
    onDemand.post(SYNCED);
    expect(threads).toHaveLength(1);
    begin[0]?.();
    await settled();
    onDemand.post(SOME);
    expect(threads.map(({ heard }) => heard)).toEqual([["sessions", "synced", "sessions"]]);
    threads[0]?.report({ type: "left" });
    expect(reports).toEqual([{ type: "left" }]);
  });

  it("ends the thread a while after the last session, and starts another one for the next", async () => {
    onDemand.post(SOME);
    begin[0]?.();
    await settled();
    onDemand.post(NONE);
    expect(dueMs).toBe(KEEP_IDLE_MS);
    expire();
    await settled();
    onDemand.post(SOME);
    begin[1]?.();
    await settled();
    expect(threads.map(({ heard }) => heard)).toEqual([
      ["sessions", "sessions", "stop"],
      ["sessions"],
    ]);
  });

  it("keeps the thread when a session comes back in time", async () => {
    onDemand.post(SOME);
    begin[0]?.();
    await settled();
    onDemand.post(NONE);
    onDemand.post(SOME);
    expect(dueMs).toBeUndefined();
    expect(threads).toHaveLength(1);
  });

  it("ends a thread that was still starting", async () => {
    onDemand.post(SOME);
    const stopped = onDemand.stop();
    begin[0]?.();
    await stopped;
    expect(threads[0]?.heard.at(-1)).toBe("stop");
    onDemand.post(SYNCED);
    expect(threads[0]?.heard.at(-1)).toBe("stop");
  });

  it("reports a thread that cannot start", async () => {
    const failing = new BgpThreadOnDemand({
      start: () => Promise.reject(new Error("no such file")),
      clock: { schedule: () => () => undefined },
    });
    failing.onReport(report => reports.push(report));
    failing.post(SOME);
    await settled();
    expect(reports).toEqual([{ type: "failed", error: "no such file" }]);
    await failing.leave({ reason: "restart" });
    await failing.stop();
  });
});
