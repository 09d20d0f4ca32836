import type { Cancel, Clock } from "../../../../capabilities/cluster/clock";

interface Task {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  readonly #tasks = new Set<Task>();
  #nowMs = 1_000;

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): Cancel {
    const task = { dueMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  }

  /** When the next task is due, counted from now; undefined if none is. */
  get nextInMs(): number | undefined {
    const dues = [...this.#tasks].map(task => task.dueMs - this.#nowMs);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /** Lets time pass without running anything, as for a process that is stopped. */
  freeze(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  /** Lets time pass, running what falls due in order, each followed by the promises that hang on it. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      const due = [...this.#tasks].filter(task => task.dueMs <= endMs);
      const next = due.sort((one, other) => one.dueMs - other.dueMs)[0];
      if (next === undefined) break;
      this.#tasks.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.run();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Resolves after all promises that can go on without time passing have done so. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
