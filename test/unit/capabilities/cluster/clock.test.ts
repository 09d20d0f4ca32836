import { describe, expect, it } from "vitest";
import { toPunctualClock, type Clock } from "../../../../capabilities/cluster/clock";

/** Fires each timer when it is told to, whatever the time is. */
class HastyClock implements Clock {
  time = 0;
  readonly timers = new Set<() => void>();

  nowMs(): number {
    return this.time;
  }

  schedule(_: number, task: () => void): () => void {
    const timer = (): void => {
      this.timers.delete(timer);
      task();
    };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  fire(): void {
    for (const timer of [...this.timers]) timer();
  }
}

describe("toPunctualClock", () => {
  it("waits on when a timer fires early", () => {
    const hasty = new HastyClock();
    const ran: number[] = [];
    toPunctualClock(hasty).schedule(100, () => ran.push(hasty.time));
    hasty.time = 99.5;
    hasty.fire();
    expect(ran).toEqual([]);
    hasty.time = 100;
    hasty.fire();
    expect(ran).toEqual([100]);
    expect(hasty.timers.size).toBe(0);
  });

  it("can be cancelled also after an early firing", () => {
    const hasty = new HastyClock();
    const ran: number[] = [];
    const cancel = toPunctualClock(hasty).schedule(100, () => ran.push(hasty.time));
    hasty.time = 99;
    hasty.fire();
    cancel();
    hasty.time = 200;
    hasty.fire();
    expect(ran).toEqual([]);
  });
});
