/**
 * The controller: watches, judges the configuration, and while the Lease is its own gives addresses.
 *
 *   watches synced ─► Lease ours ─► fresh lists ─► pools set, every held address booked ─► every Service planned ─► events
 *                          ▲                                                                                         │
 *                          └────────────── Lease lost: nothing is written any more, the book is thrown away ◄────────┘
 */
import type { Logger } from "pino";
import { Allocator, inPassOrder } from "../../lib/allocation/allocator";
import type { AddressBook } from "../../lib/allocation/address-book";
import type { Pool } from "../../lib/config/configuration";
import type { ApiClient } from "../cluster/api-client";
import { systemClock } from "../cluster/clock";
import { EventRecorder } from "../cluster/events";
import { KeyQueue, type ReconcileResult } from "../cluster/key-queue";
import { Lease } from "../cluster/lease";
import { ConfigurationJudging } from "./configuration-judging";
import { ConfigurationWatch } from "./configuration-watch";
import { LegacyConfiguration } from "./legacy";
import { formatIdentity, freeLeaseOfDead, LEASE_NAME, type ProcessIdentity } from "./leadership";
import { ControllerMetrics } from "./metrics";
import { PoolStatusWriter } from "./pool-status";
import { storedReservations } from "./stored-reservations";
import { ServiceDirectory } from "./service-directory";
import { ServiceReconciler } from "./service-reconciler";

export interface ControllerOptions {
  /** For everything that is frequent. */
  readonly client: ApiClient;
  /** For the Lease and Events: never behind a queue of status writes. */
  readonly sideClient: ApiClient;
  readonly namespace: string;
  readonly lbClass: string;
  readonly podName: string | undefined;
  /** How long the address of a deleted Service is kept for one of the same name. */
  readonly reservationMs: number;
  readonly identity: ProcessIdentity;
  /** ConfigMaps that may hold a configuration of 2017–2022, the one that counts first; without any it is not looked for one. */
  readonly legacyConfigMaps?: readonly string[];
  readonly log: Logger;
}

/** Status writes under way at a time: as many as the client has connections. */
const CONCURRENCY = 16;
const BACKOFF = { minBackoffMs: 100, maxBackoffMs: 30_000 };

/** Another controller takes over at most duration + grace + one look after the holder died: 8.2 s. */
const LEASE_TIMES = { durationMs: 5_000, renewMs: 1_200, graceMs: 2_000 };

/** Changes of several objects that come together are judged together. */
const JUDGE_DELAY_MS = 50;

/** From one look at all pools' counters to the next. */
const POOL_STATUS_DELAY_MS = 100;

/** One time of holding the Lease. */
interface Reign {
  readonly allocator: Allocator;
  readonly reconciler: ServiceReconciler;
}

export class Controller {
  readonly metrics: ControllerMetrics;
  readonly #options: ControllerOptions;
  readonly #log: Logger;
  readonly #services: ServiceDirectory;
  readonly #configuration: ConfigurationWatch;
  readonly #judging: ConfigurationJudging;
  readonly #legacy: LegacyConfiguration;
  readonly #poolStatus: PoolStatusWriter;
  readonly #events: EventRecorder;
  readonly #lease: Lease;
  readonly #serviceQueue: KeyQueue;
  /** Everything rare: `judge`, `reign`, `legacy`, `pools`, and `pool:NAME`. */
  readonly #workQueue: KeyQueue;
  #reign: Reign | undefined;
  #isStopping = false;
  /** What the Lease said last; it may have run out since. */
  #isLeaseTold = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#log = options.log;
    const { client, sideClient, namespace, log } = options;
    const mayWrite = (): boolean => this.#lease.isHeld();
    this.#events = new EventRecorder({ client: sideClient, component: "metallb-controller", log });
    this.#services = new ServiceDirectory({ client, log, onChange: key => this.#noteService(key) });
    this.#configuration = new ConfigurationWatch({
      client,
      namespace,
      log,
      onChange: () => this.judge(),
      onPoolStatus: () => this.#workQueue.addAfter("pools", POOL_STATUS_DELAY_MS),
    });
    this.#poolStatus = new PoolStatusWriter({
      client,
      namespace,
      clock: systemClock,
      pool: name => this.#configuration.pool(name),
      mayWrite,
    });
    this.metrics = new ControllerMetrics({
      book: () => this.#book,
      waiting: () => this.#reign?.allocator.waitingCount ?? 0,
    });
    this.#judging = new ConfigurationJudging({
      ...options,
      mayTell: mayWrite,
      events: this.#events,
      metrics: this.metrics,
    });
    this.#legacy = new LegacyConfiguration({
      client,
      namespace,
      log,
      names: options.legacyConfigMaps ?? [],
      events: this.#events,
      mayWrite,
      onChange: () => this.#workQueue.addAfter("legacy", JUDGE_DELAY_MS),
    });
    this.#lease = new Lease({
      client: sideClient,
      namespace,
      name: LEASE_NAME,
      identity: formatIdentity(options.identity),
      ...LEASE_TIMES,
      log,
      onChange: isHeld => this.#noteLease(isHeld),
    });
    this.#serviceQueue = new KeyQueue({
      reconcile: key => this.#reconcileService(key),
      concurrency: CONCURRENCY,
      ...BACKOFF,
      log,
    });
    this.#workQueue = new KeyQueue({
      reconcile: key => this.#work(key),
      concurrency: 2,
      ...BACKOFF,
      log,
    });
  }

  /** Begins to watch, and to allocate once that may be done. Resolves when everything was listed. */
  async start(): Promise<void> {
    this.#services.start();
    this.#configuration.start();
    this.#legacy.start();
    const areListed = Promise.all([
      this.#services.whenSynced(),
      this.#configuration.whenSynced(),
      this.#legacy.whenSynced(),
    ]);
    await areListed.catch((error: unknown) => {
      if (!this.#isStopping) throw error;
    });
    if (this.#isStopping) return;
    this.#log.info("all resources are listed");
    const { sideClient: client, namespace, identity, log } = this.#options;
    await freeLeaseOfDead(identity, { client, namespace, log });
    this.#lease.start();
    this.judge();
  }

  /** Writes nothing any more, gives the Lease back and closes the watches. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endReign();
    this.#services.stop();
    this.#configuration.stop();
    this.#legacy.stop();
    await Promise.all([this.#serviceQueue.stop(), this.#workQueue.stop()]);
    await Promise.all([this.#events.stop(), this.#lease.stop()]);
  }

  /** Resolves when all Events that were recorded are stored or given up. */
  whenTold(): Promise<void> {
    return this.#events.whenSent();
  }

  /** Judges the configuration soon: something about it may have changed. */
  judge(): void {
    this.#workQueue.addAfter("judge", JUDGE_DELAY_MS);
  }

  /** Undefined when watches are synced and, as the holder of the Lease, all held addresses are booked. */
  whyNotReady(): string | undefined {
    const missing = [
      ...(this.#services.isSynced ? [] : ["Services"]),
      ...this.#configuration.missing(),
    ];
    if (missing.length > 0) return `not listed yet: ${missing.join(", ")}`;
    if (!this.#judging.isLoaded) return "the configuration is not read yet";
    if (this.#lease.isHeld() && this.#reign === undefined) return "addresses are not booked yet";
    return undefined;
  }

  /** The pools that addresses are given from; undefined while this controller does not allocate. */
  get poolsInForce(): readonly Pool[] | undefined {
    return this.#book?.pools.pools.map(use => use.pool);
  }

  get #book(): AddressBook | undefined {
    return this.#reign?.allocator.book;
  }

  #noteService(key: string): void {
    this.metrics.updates.inc();
    // Before the reign everything is planned in one pass, in an order that protects the holders.
    if (this.#reign !== undefined) this.#serviceQueue.add(key);
  }

  #noteLease(isHeld: boolean): void {
    this.#isLeaseTold = isHeld;
    if (isHeld && !this.#isStopping) this.#workQueue.add("reign");
    else this.#endReign();
  }

  #mayReign(): boolean {
    return this.#lease.isHeld() && !this.#isStopping;
  }

  #endReign(): void {
    this.#reign?.reconciler.end();
    this.#reign = undefined;
  }

  #work(key: string): Promise<ReconcileResult> {
    if (key === "judge") return this.#judge();
    if (key === "reign") return this.#beginReign();
    if (key === "legacy") return this.#followLegacy();
    if (key === "pools") return this.#lookAtPools();
    if (key === "state")
      return this.#lease.isHeld() ? this.#judging.writeState() : Promise.resolve({});
    const book = this.#book;
    const name = key.slice(POOL_KEY.length);
    return book === undefined ? Promise.resolve({}) : this.#poolStatus.reconcile(name, book);
  }

  /** First phase of a reign, without a gap from booking to planning: fresh lists, pools, held addresses. */
  async #beginReign(): Promise<ReconcileResult> {
    if (this.#reign !== undefined || this.#isStopping || !this.#isLeaseTold) return {};
    // It ran out, and may be renewed before anybody notices.
    if (!this.#lease.isHeld()) return { requeueAfterMs: LEASE_TIMES.renewMs };
    await this.#adoptLegacy();
    await Promise.all([this.#services.refresh(), this.#configuration.refresh()]);
    if (!this.#mayReign()) return {};
    const allocator = new Allocator(this.#options);
    const { pools } = this.#judging.judge(this.#configuration.resources(), this.#legacy.errors());
    allocator.setPools(pools, this.#configuration.namespaceLabels());
    const reconciler = new ServiceReconciler(allocator, {
      services: this.#services,
      events: this.#events,
      log: this.#log,
      mayWrite: () => this.#lease.isHeld(),
      nowMs: wallClockMs,
      onLost: () => {
        this.#endReign();
        this.#workQueue.add("reign");
      },
      retry: key => this.#serviceQueue.add(key),
      onPlanned: () => this.#workQueue.addAfter("pools", POOL_STATUS_DELAY_MS),
    });
    this.#reign = { allocator, reconciler };
    this.#adopt(allocator);
    const reservations = storedReservations(this.#configuration.pools(), {
      exists: key => this.#services.get(key) !== undefined,
      untilMs: wallClockMs() + this.#options.reservationMs,
    });
    allocator.restoreReservations(reservations, wallClockMs());
    this.#passOverAll(allocator);
    this.#workQueue.add("state");
    return {};
  }

  /**
   * Before the first address is given or taken, what an old configuration says has to be there. Where there are pools already, they are
   * not kept waiting by it.
   */
  async #adoptLegacy(): Promise<void> {
    try {
      await this.#legacy.reconcile();
    } catch (error) {
      if ([...this.#configuration.pools()].length === 0) throw error;
      this.#log.warn({ err: error }, "the old configuration could not be followed yet");
    }
    this.#workQueue.addAfter("legacy", JUDGE_DELAY_MS);
  }

  async #followLegacy(): Promise<ReconcileResult> {
    if (this.#reign === undefined) return {};
    const result = await this.#legacy.reconcile();
    await this.#configuration.refresh();
    this.judge();
    return result;
  }

  #adopt(allocator: Allocator): void {
    allocator.adopt([...this.#services.all()].map(record => record.view));
  }

  /** Books what is held, then plans every Service: those with addresses first, then the oldest. */
  #passOverAll(allocator: Allocator): void {
    const views = [...this.#services.all()].map(record => record.view);
    allocator.adopt(views);
    const keys = new Set(inPassOrder(views).map(view => view.key));
    for (const key of allocator.book.bookedKeys()) keys.add(key);
    this.#log.info({ event: "config reloaded", services: keys.size }, "planning every Service");
    for (const key of keys) this.#serviceQueue.add(key);
    this.#workQueue.addAfter("pools", POOL_STATUS_DELAY_MS);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the queue wants a promise; judging itself must not be interrupted.
  async #judge(): Promise<ReconcileResult> {
    // A pool that gets another name is gone for a moment; its addresses must not be.
    if (this.#legacy.isWriting) return { requeueAfterMs: JUDGE_DELAY_MS };
    const { pools, haveChanged } = this.#judging.judge(
      this.#configuration.resources(),
      this.#legacy.errors(),
    );
    this.#workQueue.add("state");
    const allocator = this.#reign?.allocator;
    if (allocator === undefined || !haveChanged) return {};
    allocator.setPools(pools, this.#configuration.namespaceLabels());
    this.#passOverAll(allocator);
    return {};
  }

  async #reconcileService(key: string): Promise<ReconcileResult> {
    try {
      return (await this.#reign?.reconciler.reconcile(key)) ?? {};
    } catch (error) {
      this.metrics.updateErrors.inc();
      throw error;
    }
  }

  #lookAtPools(): Promise<ReconcileResult> {
    const book = this.#book;
    if (book === undefined) return Promise.resolve({});
    book.expireReservations(wallClockMs());
    for (const name of this.#poolStatus.different(book)) this.#workQueue.add(`${POOL_KEY}${name}`);
    const nextMs = book.nextReservationEndMs();
    // Reservations that end together are taken out together.
    return Promise.resolve(
      nextMs === undefined
        ? {}
        : { requeueAfterMs: Math.max(nextMs - wallClockMs(), 0) + RESERVATION_LOOK_MS },
    );
  }
}

/** What reservations go by: their ends are in the status of pools, and the next process reads them. */
function wallClockMs(): number {
  return Date.now();
}

/** Delay of a look after the end of a reservation. */
const RESERVATION_LOOK_MS = 1_000;

const POOL_KEY = "pool:";
