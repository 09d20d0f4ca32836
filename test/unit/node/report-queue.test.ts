import { describe, expect, it } from "vitest";
import type { PacketReport } from "../../../node/packet-protocol";
import { ReportQueue } from "../../../node/report-queue";

function queue(): { reports: ReportQueue; batches: (readonly PacketReport[])[] } {
  const batches: (readonly PacketReport[])[] = [];
  return { reports: new ReportQueue(batch => batches.push(batch)), batches };
}

describe("ReportQueue", () => {
  it("posts what was collected in one batch, in order, and nothing when there is nothing", () => {
    const { reports, batches } = queue();
    expect(reports.flush()).toBe(false);
    reports.add({ type: "started" });
    reports.log("info", "hello");
    expect(reports.flush()).toBe(false);
    expect(batches).toEqual([
      [{ type: "started" }, { type: "log", level: "info", msg: "hello", fields: {} }],
    ]);
    expect(reports.flush()).toBe(false);
    expect(batches).toHaveLength(1);
  });

  it("posts many in portions and says that more wait", () => {
    const { reports, batches } = queue();
    for (let index = 0; index < 1200; index += 1) reports.log("info", String(index));
    expect(reports.flush()).toBe(true);
    reports.flushAll();
    expect(batches.map(batch => batch.length)).toEqual([500, 500, 200]);
  });

  it("logs the same complaint once a minute, and remembers a bounded number of them", () => {
    const { reports, batches } = queue();
    const complain = (key: string, nowMs: number): void => {
      reports.logRarely(key, nowMs, { msg: key, fields: {} });
    };
    for (const nowMs of [0, 1, 59_999, 60_000, 60_001]) complain("a", nowMs);
    reports.flushAll();
    expect(batches.flat()).toHaveLength(2);
    for (let index = 0; index < 300; index += 1) complain(`key-${index}`, 70_000);
    complain("a", 70_001);
    reports.flushAll();
    // "a" was the oldest of more than it remembers.
    expect(batches.flat()).toHaveLength(2 + 300 + 1);
  });
});
