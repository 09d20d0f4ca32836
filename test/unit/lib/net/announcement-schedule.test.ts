import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AnnouncementSchedule } from "../../../../lib/net/announcement-schedule";

const ROUNDS = [
  { form: "first", afterMs: 0 },
  { form: "second", afterMs: 50 },
  { form: "third", afterMs: 900 },
] as const;
type Form = (typeof ROUNDS)[number]["form"];

/** Everything that leaves until nothing waits, with the time it left at. */
function run(
  schedule: AnnouncementSchedule<string, Form>,
  fromMs: number,
): { atMs: number; item: string; form: Form }[] {
  const sent: { atMs: number; item: string; form: Form }[] = [];
  let nowMs = fromMs;
  for (;;) {
    for (let due = schedule.take(nowMs); due !== undefined; due = schedule.take(nowMs)) {
      sent.push({ atMs: nowMs, ...due });
    }
    const deadlineMs = schedule.nextDeadlineMs();
    if (deadlineMs === undefined) return sent;
    expect(deadlineMs).toBeGreaterThanOrEqual(nowMs);
    nowMs = Math.max(nowMs + 0.01, deadlineMs);
  }
}

describe("AnnouncementSchedule", () => {
  it("sends each round at its time after the start", () => {
    const schedule = new AnnouncementSchedule<string, Form>(ROUNDS);
    schedule.start("a", 1000);
    const sent = run(schedule, 1000).map(({ atMs, form }) => [Math.round(atMs), form]);
    expect(sent).toEqual([
      [1000, "first"],
      [1050, "second"],
      [1900, "third"],
    ]);
    expect(schedule.size).toBe(0);
  });

  it("sends nothing more of an item that was stopped", () => {
    const schedule = new AnnouncementSchedule<string, Form>(ROUNDS);
    schedule.start("a", 0);
    schedule.start("b", 0);
    expect(schedule.take(0)).toEqual({ item: "a", form: "first" });
    schedule.stop("a");
    expect(run(schedule, 0).map(({ item }) => item)).toEqual(["b", "b", "b"]);
  });

  it("begins anew when started again", () => {
    const schedule = new AnnouncementSchedule<string, Form>(ROUNDS);
    schedule.start("a", 0);
    expect(schedule.take(0)?.form).toBe("first");
    schedule.start("a", 10);
    expect(run(schedule, 10).map(({ form }) => form)).toEqual(["first", "second", "third"]);
  });

  it("lets first rounds go before later ones", () => {
    const schedule = new AnnouncementSchedule<string, Form>(ROUNDS);
    schedule.start("old", 0);
    expect(schedule.take(0)?.item).toBe("old");
    schedule.start("new", 60);
    expect(schedule.take(60)).toEqual({ item: "new", form: "first" });
    expect(schedule.take(60)).toEqual({ item: "old", form: "second" });
  });

  it("refreshes after the last round, for ever", () => {
    const refresh = { form: "third", everyMs: 10_000 } as const;
    const schedule = new AnnouncementSchedule<string, Form>(ROUNDS, refresh);
    schedule.start("a", 0);
    const times: number[] = [];
    for (let nowMs = 0; nowMs <= 31_000; nowMs += 50) {
      while (schedule.take(nowMs) !== undefined) times.push(nowMs);
    }
    expect(times).toEqual([0, 50, 900, 10_900, 20_900, 30_900]);
    expect(schedule.nextDeadlineMs()).toBe(40_900);
    schedule.stop("a");
    expect(schedule.nextDeadlineMs()).toBeUndefined();
  });

  it("refreshes many addresses later, not faster: 50 a second", () => {
    const refresh = { form: "third", everyMs: 10_000 } as const;
    const schedule = new AnnouncementSchedule<number, Form>(ROUNDS.slice(0, 1), refresh);
    for (let item = 0; item < 2000; item += 1) schedule.start(item, 0);
    const refreshed: number[] = [];
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 10) {
      for (let due = schedule.take(nowMs); due !== undefined; due = schedule.take(nowMs)) {
        if (due.form === "third") refreshed.push(due.item);
      }
    }
    // 50 seconds from the first refresh on, each address in turn.
    expect(refreshed.length).toBeGreaterThan(2450);
    expect(refreshed.length).toBeLessThan(2520);
    expect(refreshed.slice(0, 2000)).toEqual(Array.from({ length: 2000 }, (_, index) => index));
  });

  it("has the first round of 2000 addresses out within 500 ms, at the default rates (L23)", () => {
    const schedule = new AnnouncementSchedule<string, Form>(ROUNDS);
    for (let index = 0; index < 2000; index += 1) schedule.start(`vip-${index}`, 0);
    const sent = run(schedule, 0);
    const firsts = sent.filter(({ form }) => form === "first");
    expect(firsts).toHaveLength(2000);
    expect(firsts.at(-1)?.atMs).toBeLessThanOrEqual(500);
    expect(sent).toHaveLength(6000);
  });

  test.prop([
    fc.array(fc.tuple(fc.nat(2000), fc.nat(20), fc.boolean()), { maxLength: 60 }),
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 1, max: 20 }),
  ])(
    "never exceeds its rates and sends every round of what was not stopped",
    (steps, rate, burst) => {
      const limit = { framesPerSecond: rate, burstFrames: burst };
      const schedule = new AnnouncementSchedule<string, Form>(ROUNDS, undefined, {
        firstRound: limit,
        laterRounds: limit,
        refresh: limit,
      });
      const running = new Map<string, number>();
      for (const [atMs, item, isStart] of [...steps].sort((left, right) => left[0] - right[0])) {
        if (isStart) schedule.start(String(item), atMs);
        else schedule.stop(String(item));
        if (isStart) running.set(String(item), atMs);
        else running.delete(String(item));
      }
      const sent = run(schedule, 2000);
      expect(sent).toHaveLength(running.size * ROUNDS.length);
      for (const isFirst of [true, false]) {
        const times = sent.filter(({ form }) => (form === "first") === isFirst).map(s => s.atMs);
        for (const [index, atMs] of times.entries()) {
          const earlier = times[index - burst];
          if (earlier !== undefined) {
            // One frame more than the burst needs one frame's time.
            expect(atMs - earlier).toBeGreaterThanOrEqual(1000 / rate - 0.1);
          }
        }
      }
    },
  );
});
