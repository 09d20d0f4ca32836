/**
 * Work by key, as reconcilers need it: however often a key is added, it waits once; a key is never worked on twice at a time, and one
 * that is added while it is worked on runs again afterwards. A failure retries its key with back-off; while the API server itself is
 * in trouble one key at a time is tried, so that thousands of keys do not become a storm.
 */
import type { Logger } from "pino";
import { ApiError, isConflict, isOutage } from "./api-error";
import { planBackoffMs } from "./backoff";
import { systemClock, type Cancel, type Clock } from "./clock";

export interface ReconcileResult {
  /** Run the key again after so long, unless it runs before. */
  readonly requeueAfterMs?: number | undefined;
}

export interface KeyQueueOptions {
  /** Throws to be called again with back-off. */
  readonly reconcile: (key: string) => Promise<ReconcileResult>;
  /** Keys worked on at a time. */
  readonly concurrency: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly log: Logger;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

/** Somebody else's write came first: the copy will soon be current, so waiting long brings nothing. */
const MAX_CONFLICT_BACKOFF_MS = 500;

export class KeyQueue {
  readonly #options: KeyQueueOptions;
  readonly #clock: Clock;
  /** In the order in which they are taken. */
  readonly #ready = new Set<string>();
  /** Keys being worked on; true = added again meanwhile. */
  readonly #running = new Map<string, boolean>();
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly cancel: Cancel }>();
  /** Failures in a row; a key stays in it from its first failure to its next success. */
  readonly #failures = new Map<string, number>();
  #idleWaiters: (() => void)[] = [];
  #outages = 0;
  #pausedUntilMs = 0;
  #cancelPause: Cancel | undefined;
  #isStopped = false;

  constructor(options: KeyQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Keys that wait for a worker. */
  get readyCount(): number {
    return this.#ready.size;
  }

  /** Keys whose last run failed. */
  get failingCount(): number {
    return this.#failures.size;
  }

  /** Runs `key` as soon as a worker is free; also ends its waiting for a retry or a later time. */
  add(key: string): void {
    if (this.#isStopped) return;
    if (this.#running.has(key)) {
      this.#running.set(key, true);
      return;
    }
    this.#forgetDelay(key);
    this.#ready.add(key);
    this.#fill();
  }

  /** Runs `key` after `delayMs`; of several times the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isStopped || this.#ready.has(key)) return;
    const dueMs = this.#clock.nowMs() + delayMs;
    if ((this.#delayed.get(key)?.dueMs ?? Infinity) <= dueMs) return;
    this.#forgetDelay(key);
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, cancel });
  }

  /** Resolves when no key waits for a worker, runs or has failed; keys that wait for their time do not count. */
  whenIdle(): Promise<void> {
    return new Promise(resolve => {
      this.#idleWaiters.push(resolve);
      this.#tellIfIdle();
    });
  }

  /** Starts nothing any more, forgets what waits, and resolves when the keys being worked on are done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#cancelPause?.();
    this.#delayed.clear();
    this.#ready.clear();
    this.#failures.clear();
    await this.whenIdle();
  }

  #fill(): void {
    while (this.#ready.size > 0 && this.#running.size < this.#allowedWorkers()) {
      const [key = ""] = this.#ready;
      this.#ready.delete(key);
      this.#running.set(key, false);
      void this.#work(key);
    }
    this.#tellIfIdle();
  }

  #allowedWorkers(): number {
    if (this.#outages === 0) return this.#options.concurrency;
    return this.#clock.nowMs() < this.#pausedUntilMs ? 0 : 1;
  }

  async #work(key: string): Promise<void> {
    let delayMs: number | undefined;
    try {
      const { requeueAfterMs } = await this.#options.reconcile(key);
      delayMs = requeueAfterMs;
      // Only a key that had failed proves that the server is well again: others may have had nothing to write.
      if (this.#failures.delete(key)) this.#outages = 0;
    } catch (error) {
      delayMs = this.#noteFailure(key, error);
    }
    const isDirty = this.#running.get(key) === true;
    this.#running.delete(key);
    if (isDirty) this.add(key);
    else if (delayMs !== undefined) this.addAfter(key, delayMs);
    this.#fill();
  }

  /** How long the key has to wait. */
  #noteFailure(key: string, error: unknown): number {
    const { minBackoffMs: minMs, maxBackoffMs: maxMs, random = Math.random, log } = this.#options;
    if (this.#isStopped) return 0;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const isOnlyConflict = isConflict(error);
    const limits = {
      minMs,
      maxMs: isOnlyConflict ? Math.min(maxMs, MAX_CONFLICT_BACKOFF_MS) : maxMs,
    };
    const askedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(askedMs, planBackoffMs(failures, limits, random));
    if (isOutage(error)) this.#pauseAll(askedMs);
    else this.#outages = 0;
    const level = isOnlyConflict ? "debug" : "warn";
    log[level]({ err: error, key, failures, delayMs: Math.round(delayMs) }, "will be tried again");
    return delayMs;
  }

  #pauseAll(askedMs: number): void {
    const { minBackoffMs: minMs, maxBackoffMs: maxMs, random = Math.random } = this.#options;
    // Keys that were under way together fail together: that is one outage.
    if (this.#outages > 0 && this.#clock.nowMs() < this.#pausedUntilMs) return;
    this.#outages += 1;
    const pauseMs = Math.max(askedMs, planBackoffMs(this.#outages, { minMs, maxMs }, random));
    this.#pausedUntilMs = this.#clock.nowMs() + pauseMs;
    this.#cancelPause = this.#clock.schedule(pauseMs, () => this.#fill());
  }

  #forgetDelay(key: string): void {
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
  }

  #tellIfIdle(): void {
    if (this.#ready.size > 0 || this.#running.size > 0 || this.#failures.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
