import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { TransmitSchedule } from "../../../../lib/bfd/transmit-schedule";

const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it("sends the first packet at once and nothing while it has no interval", () => {
  const schedule = new TransmitSchedule(() => 0.5);
  expect(schedule.nextDeadlineMs()).toBeUndefined();
  schedule.setInterval(1_000, 3, 50);
  expect(schedule.nextDeadlineMs()).toBe(50);
  schedule.setInterval(undefined, 3, 60);
  expect(schedule.nextDeadlineMs()).toBeUndefined();
});

it("counts each gap from the packet before, not from when the thread got to it", () => {
  const schedule = new TransmitSchedule(() => 0);
  schedule.setInterval(100, 3, 0);
  schedule.advance(0);
  expect(schedule.nextDeadlineMs()).toBe(75);
  schedule.advance(80);
  expect(schedule.nextDeadlineMs()).toBe(150);
});

it("makes up for nothing when it overslept", () => {
  const schedule = new TransmitSchedule(() => 0);
  schedule.setInterval(100, 3, 0);
  schedule.advance(0);
  schedule.advance(1_000);
  expect(schedule.nextDeadlineMs()).toBe(1_075);
});

it("counts a changed interval from the last packet", () => {
  const schedule = new TransmitSchedule(() => 0);
  schedule.setInterval(1_000, 3, 0);
  schedule.advance(0);
  schedule.setInterval(100, 3, 10);
  expect(schedule.nextDeadlineMs()).toBe(75);
  schedule.setInterval(1_000, 3, 20);
  expect(schedule.nextDeadlineMs()).toBe(750);
  schedule.setInterval(100, 3, 500);
  expect(schedule.nextDeadlineMs()).toBe(500);
});

test.prop([fc.integer({ min: 1, max: 60_000 }), anyRandom])(
  "leaves 75 to 100 % of the interval between packets (RFC 5880 §6.8.7)",
  (intervalMs, random) => {
    const schedule = new TransmitSchedule(() => random);
    schedule.setInterval(intervalMs, 3, 0);
    schedule.advance(0);
    expect(schedule.nextDeadlineMs()).toBeGreaterThanOrEqual(0.75 * intervalMs);
    expect(schedule.nextDeadlineMs()).toBeLessThanOrEqual(intervalMs);
  },
);

test.prop([fc.integer({ min: 1, max: 60_000 }), anyRandom])(
  "leaves at most 90 % when one lost packet is a failure",
  (intervalMs, random) => {
    const schedule = new TransmitSchedule(() => random);
    schedule.setInterval(intervalMs, 1, 0);
    schedule.advance(0);
    expect(schedule.nextDeadlineMs()).toBeGreaterThanOrEqual(0.75 * intervalMs);
    expect(schedule.nextDeadlineMs()).toBeLessThanOrEqual(0.9 * intervalMs);
  },
);
