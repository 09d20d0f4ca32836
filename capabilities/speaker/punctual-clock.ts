/**
 * A clock whose tasks never run early. Node counts a timer from the event loop's own time, in whole milliseconds, so one in four
 * fires before `performance.now()` has moved on by its delay; a queue that paused then finds its pause not over and sleeps for
 * good. May go when `systemClock` keeps that promise itself.
 */
import { systemClock, type Cancel, type Clock } from "../cluster/clock";

/** The clock, with timers that wait on when they fire early. */
export function toPunctualClock(clock: Clock): Clock {
  return {
    nowMs: () => clock.nowMs(),
    schedule(delayMs, task) {
      const dueMs = clock.nowMs() + delayMs;
      let cancel: Cancel;
      const wait = (leftMs: number): void => {
        cancel = clock.schedule(leftMs, () => {
          const stillMs = dueMs - clock.nowMs();
          if (stillMs > 0) wait(stillMs);
          else task();
        });
      };
      wait(delayMs);
      return () => cancel();
    },
  };
}

export const punctualClock = toPunctualClock(systemClock);
