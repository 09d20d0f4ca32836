/**
 * A local copy of one collection of the API server, kept current by LIST and WATCH:
 *
 *   start ─► LIST rv=0 ─► WATCH from rv ─► events and bookmarks move rv on
 *                ▲            │ ends in good order, or breaks off ──► WATCH from rv
 *                └────────────┴ 410, ERROR event, time going back, silence, server was away ──► LIST (most recent), diff
 *
 * Nothing is lost: the diff reports what changed and what vanished while no watch was open. Nothing goes back: an event
 * that is not newer than the copy changes nothing. The copy holds only what `store` keeps of an object. Driven by
 * `start`; handlers are synchronous and should do no more than mark a key dirty.
 */
import type { Logger } from "pino";
import type { ApiReader, ApiStream } from "./api-client";
import { ApiError } from "./api-error";
import { compareResourceVersions, type ApiObject } from "./api-object";
import { planBackoffMs, type BackoffLimits } from "./backoff";
import { pause, systemClock, type Clock } from "./clock";
import { ObjectCache } from "./object-cache";
import { LineDecoder, parseWatchEvent, type WatchEvent } from "./watch-stream";

export interface InformerOptions<Stored> {
  readonly client: ApiReader;
  /** The collection, such as `/api/v1/services` or `/apis/metallb.io/v1beta1/namespaces/NAME/ipaddresspools`. */
  readonly path: string;
  readonly selectors?: { readonly labelSelector?: string; readonly fieldSelector?: string };
  /**
   * What to keep of an object; undefined leaves it out of the copy as if it were not there. Pure. (A method, so that a caller may
   * name the kind that it expects.)
   */
  store(object: ApiObject): Stored | undefined;
  /** Told after the copy changed: `now` undefined = gone, `before` undefined = new. */
  onChange?(key: string, now: Stored | undefined, before: Stored | undefined): void;
  /** True: a collection that the server does not have, or that we may not read, is an empty one; it is looked for now and then. */
  readonly isOptional?: boolean;
  /**
   * True: the first list, too, is the most recent state and comes in pages, so that the answer of a large collection is never in memory
   * as a whole. For what few processes watch: the others take it from the memory of any API server, which knows no pages.
   */
  readonly isPaged?: boolean;
  readonly log: Logger;
  /** A watch without an octet for so long is given up; the server sends a bookmark each minute. */
  readonly silenceMs?: number;
  /** Waiting between attempts while the server is away or refuses. */
  readonly backoff?: BackoffLimits;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
}

interface ObjectList {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly ApiObject[] | null;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const SILENCE_MS = 90_000;
const BACKOFF: BackoffLimits = { minMs: 500, maxMs: 4_000 };

/** A list of a large cluster from a busy server. */
const LIST_TIMEOUT_MS = 60_000;

/** Servers that answer from their watch cache ignore it; the others are spared one answer of everything. */
const PAGE_SIZE = 500;

/** The server ends each watch after 5 to 10 minutes, so that watches spread over the API servers again after one was away. */
const WATCH_SECONDS = { min: 300, spread: 300 };

/** A watch that ended sooner counts as a failure, so that a server that ends all of them is not asked in a hot loop. */
const SHORT_WATCH_MS = 5_000;

/** Between two looks for an optional collection; shorter than the silence after which a copy counts as out of date. */
const ABSENT_MS = 60_000;

/** Why a watch was ended from our side. */
class WatchEndedError extends Error {}

export class Informer<Stored> {
  readonly #options: InformerOptions<Stored>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #cache: ObjectCache<Stored>;
  readonly #stopping = new AbortController();
  readonly #synced: Promise<void>;
  #syncedWaiter: Waiter | undefined;
  #refreshWaiters: Waiter[] = [];
  #stream: ApiStream | undefined;
  #resourceVersion = "0";
  #mustList = true;
  #failures = 0;
  #isSynced = false;
  #isStarted = false;
  #lastContactMs: number | undefined;

  constructor(options: InformerOptions<Stored>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log.child({ path: options.path });
    this.#cache = new ObjectCache({
      store: object => options.store(object),
      onChange: (key, now, before) => {
        if (!this.#isStopped()) options.onChange?.(key, now, before);
      },
      onHandlerError: (key, error) =>
        this.#log.error({ err: error, key }, "an object could not be taken over"),
    });
    this.#synced = new Promise((resolve, reject) => {
      this.#syncedWaiter = { resolve, reject };
    });
    // Whoever does not wait for it need not handle that we were stopped before.
    this.#synced.catch(() => undefined);
  }

  /** Begins to list and watch, for as long as it takes, until `stop`. A second call does nothing. */
  start(): void {
    if (this.#isStarted || this.#isStopped()) return;
    this.#isStarted = true;
    void this.#run();
  }

  /** Ends everything at once; the copy stays readable and no handler is called any more. */
  stop(): void {
    this.#stopping.abort();
    const error = this.#stoppedError();
    this.#stream?.destroy(error);
    for (const waiter of this.#refreshWaiters.splice(0)) waiter.reject(error);
    this.#syncedWaiter?.reject(error);
  }

  /** Resolves once the copy holds everything that was there when it was listed; rejects if stopped before. */
  whenSynced(): Promise<void> {
    return this.#synced;
  }

  /**
   * Resolves once the copy is at least as new as the server's state at the time of the call; for decisions that an old copy must not
   * make, such as the first one after becoming leader. Costs a list. Rejects if stopped before.
   */
  refresh(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped()) {
        reject(this.#stoppedError());
        return;
      }
      this.#refreshWaiters.push({ resolve, reject });
      this.#listInsteadOfWatching("a fresh list was asked for");
    });
  }

  /** The copy of the object with this key (`namespace/name` or `name`). */
  get(key: string): Stored | undefined {
    return this.#cache.get(key);
  }

  /** All copies, in no particular order. */
  *values(): Generator<Stored> {
    for (const [, stored] of this.#cache.entries()) yield stored;
  }

  /** Keys with their copies, in no particular order. */
  entries(): Iterable<readonly [string, Stored]> {
    return this.#cache.entries();
  }

  get size(): number {
    return this.#cache.size;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** When the server was last heard, on the informer's clock (`performance.now()`); undefined before the first time. */
  get lastContactMs(): number | undefined {
    return this.#lastContactMs;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { backoff = BACKOFF, random = Math.random } = this.#options;
    while (!this.#isStopped()) {
      try {
        while (this.#mustList) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#isStopped()) return;
        if (this.#isAbsent(error)) {
          this.#beEmpty();
          await pause(this.#clock, ABSENT_MS, signal);
          continue;
        }
        this.#noteFailure(error);
      }
      const pauseMs = this.#failures === 0 ? 0 : planBackoffMs(this.#failures, backoff, random);
      if (pauseMs > 0) await pause(this.#clock, pauseMs, signal);
    }
  }

  #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #isAbsent(error: unknown): boolean {
    const isMissing = error instanceof ApiError && [403, 404].includes(error.status);
    return this.#options.isOptional === true && isMissing;
  }

  #beEmpty(): void {
    this.#lastContactMs = this.#clock.nowMs();
    this.#cache.replace().finish();
    this.#mustList = true;
    this.#noteSynced(this.#refreshWaiters.splice(0));
  }

  #noteFailure(error: unknown): void {
    if (error instanceof WatchEndedError) {
      this.#log.debug({ reason: error.message }, "watch ended");
      return;
    }
    this.#failures += 1;
    const level = this.#failures > 1 ? "warn" : "debug";
    this.#log[level]({ err: error, failures: this.#failures }, "watch interrupted");
  }

  async #list(): Promise<void> {
    const waiters = this.#refreshWaiters.splice(0);
    try {
      // The first list may come from any server's cache; a later one must not be older than what we have seen.
      const isRecent = this.#isSynced || waiters.length > 0 || this.#options.isPaged === true;
      await this.#readPages(isRecent ? undefined : "0");
    } catch (error) {
      // Stopped meanwhile: nobody lists again, so those who wait must hear of it.
      if (this.#isStopped()) for (const waiter of waiters) waiter.reject(this.#stoppedError());
      else this.#refreshWaiters.unshift(...waiters);
      throw error;
    }
    this.#mustList = this.#refreshWaiters.length > 0;
    this.#noteSynced(waiters);
  }

  #noteSynced(waiters: readonly Waiter[]): void {
    this.#isSynced = true;
    this.#syncedWaiter?.resolve();
    for (const waiter of waiters) waiter.resolve();
  }

  async #readPages(resourceVersion: string | undefined): Promise<void> {
    const { client, path, selectors } = this.#options;
    const { signal } = this.#stopping;
    const replacement = this.#cache.replace();
    let start: Readonly<Record<string, string | undefined>> = { resourceVersion };
    for (;;) {
      const query = { ...selectors, limit: PAGE_SIZE, ...start };
      const page = await client.get<ObjectList>(path, {
        query,
        signal,
        timeoutMs: LIST_TIMEOUT_MS,
      });
      signal.throwIfAborted();
      this.#lastContactMs = this.#clock.nowMs();
      for (const item of page.items ?? []) replacement.add(item);
      this.#resourceVersion = page.metadata?.resourceVersion ?? "0";
      const next = page.metadata?.continue ?? "";
      if (next === "") break;
      start = { continue: next };
    }
    replacement.finish();
    this.#log.debug({ objects: this.size, resourceVersion: this.#resourceVersion }, "listed");
  }

  async #watch(): Promise<void> {
    const stream = await this.#openWatch();
    const openedMs = this.#clock.nowMs();
    this.#lastContactMs = openedMs;
    this.#stream = stream;
    const stopWatchdog = this.#guardSilence();
    try {
      if (this.#mustList) throw new WatchEndedError("a fresh list was asked for");
      await this.#readEvents(stream);
      this.#log.debug("watch ended by the server");
      this.#failures += 1;
    } finally {
      stopWatchdog();
      this.#stream = undefined;
      stream.destroy();
      if (this.#clock.nowMs() - openedMs >= SHORT_WATCH_MS) this.#failures = 0;
    }
  }

  async #openWatch(): Promise<ApiStream> {
    const { client, path, selectors, random = Math.random } = this.#options;
    const timeoutSeconds = WATCH_SECONDS.min + Math.floor(random() * WATCH_SECONDS.spread);
    try {
      return await client.stream(path, {
        query: {
          ...selectors,
          watch: true,
          allowWatchBookmarks: true,
          resourceVersion: this.#resourceVersion,
          timeoutSeconds,
        },
        signal: this.#stopping.signal,
      });
    } catch (error) {
      // A server that was away may come back without the history, or (etcd restored) with another one.
      if (isHistoryInDoubt(error)) this.#mustList = true;
      throw error;
    }
  }

  async #readEvents(stream: ApiStream): Promise<void> {
    const decoder = new LineDecoder();
    for await (const chunk of stream) {
      this.#lastContactMs = this.#clock.nowMs();
      for (const line of decoder.push(chunk)) {
        const event = parseWatchEvent(line);
        if (event !== undefined) this.#handle(event);
      }
    }
  }

  #handle(event: WatchEvent): void {
    switch (event.type) {
      case "ADDED":
      case "MODIFIED":
        this.#moveOn(event.object.metadata?.resourceVersion);
        this.#cache.apply(event.object);
        return;
      case "DELETED":
        this.#moveOn(event.object.metadata?.resourceVersion);
        this.#cache.remove(event.object);
        return;
      case "BOOKMARK":
        this.#moveOn(event.resourceVersion);
        return;
      case "ERROR":
        this.#mustList = true;
        throw event.error;
    }
  }

  /** Versions of one watch never fall; if one does, only a list tells what is true. */
  #moveOn(resourceVersion: string | undefined): void {
    if (resourceVersion === undefined) return;
    if (compareResourceVersions(resourceVersion, this.#resourceVersion) < 0) {
      this.#mustList = true;
      throw new Error(
        `the watch went back from version ${this.#resourceVersion} to ${resourceVersion}`,
      );
    }
    this.#resourceVersion = resourceVersion;
  }

  /** Ends a watch on which nothing comes. Looks at the time of the last octet instead of moving a timer with each one. */
  #guardSilence(): () => void {
    const { silenceMs = SILENCE_MS } = this.#options;
    let cancel = (): void => undefined;
    const look = (): void => {
      const silentMs = this.#clock.nowMs() - (this.#lastContactMs ?? 0);
      if (silentMs < silenceMs) {
        cancel = this.#clock.schedule(silenceMs - silentMs, look);
        return;
      }
      this.#log.warn({ silentMs: Math.round(silentMs) }, "watch is silent, connecting again");
      this.#listInsteadOfWatching("silence");
    };
    cancel = this.#clock.schedule(silenceMs, look);
    return () => cancel();
  }

  #listInsteadOfWatching(reason: string): void {
    this.#mustList = true;
    this.#stream?.destroy(new WatchEndedError(reason));
  }

  #stoppedError(): Error {
    return new Error(`informer of ${this.#options.path} was stopped`);
  }
}

/** Whether events may be missing between our version and the next watch, after a watch could not be opened. */
function isHistoryInDoubt(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true;
  if (error.code !== "status") return true;
  return [400, 410, 504].includes(error.status);
}
