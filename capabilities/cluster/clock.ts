/** Undoes a `Clock.schedule`; calling it after the task ran, or twice, is harmless. */
export type Cancel = () => void;

/** Time as this room sees it: monotonic, so that a corrected wall clock moves no deadline. Tests pass one of their own. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back, runs on while the process is stopped. */
  nowMs(): number;
  /** Runs `task` once, not before `delayMs` have passed. */
  schedule(delayMs: number, task: () => void): Cancel;
}

/** The longest delay that `setTimeout` can express; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * The clock, with timers that wait on when they fire early. Node counts a timer from the event loop's own time, in whole
 * milliseconds, so one in four fires before `performance.now()` has moved on by its delay; a queue that paused would find its
 * pause not over and sleep for good.
 */
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

/** The clock of the operating system. */
export const systemClock: Clock = toPunctualClock({
  nowMs: () => performance.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
});

/** Resolves after `delayMs`, or at once when `signal` is or becomes aborted; never rejects. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.schedule(delayMs, finish);
    signal.addEventListener("abort", finish);
  });
}
