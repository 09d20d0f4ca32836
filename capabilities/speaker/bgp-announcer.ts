/**
 * Keeps the BGP thread in step with the cluster: changes mark Services dirty, one coalesced pass plans them and posts what differs.
 * A node that is taken out of load balancing first asks its peers to prefer other paths (RFC 8326), then withdraws.
 *
 *   ClusterState, BgpCluster ──mark──► dirty keys ──settle──► BgpPlanner ──► sessions, routes ──► BGP thread
 *                                                                  └──► plans ──► statuses, events, metrics
 */
import type { PeerRouteChanges } from "../../lib/announcement/route-table";
import type { BgpCommand } from "../../node/bgp-protocol";
import type { Cancel, Clock } from "../cluster/clock";
import { Drain, isLeaving } from "./bgp-drain";
import type { BgpPlanner } from "./bgp-planner";
import { toRoutesCommand } from "./bgp-route-commands";
import type { BgpSessionSet } from "./bgp-session-set";

/** A Service by its key, or everything. */
export type BgpChange =
  | { readonly type: "service"; readonly key: string }
  | { readonly type: "everything" };

export interface BgpAnnouncerOptions {
  readonly planner: BgpPlanner;
  readonly sessions: BgpSessionSet;
  readonly clock: Clock;
  /** How long peers are asked to prefer other paths before a node that is excluded withdraws; 0: not at all. */
  readonly drainMs: number;
  readonly post: (command: BgpCommand) => void;
  /** Called after each pass with the keys of the Services that were planned again. */
  readonly onPlanned: (keys: ReadonlySet<string>) => void;
  /** Called after the configuration was judged. */
  readonly onConfiguration: () => void;
  /** Routes left with this number; the oldest change in them was noted at `markedAtMs` (milliseconds since the epoch). */
  readonly onPosted: (sequence: number, markedAtMs: number) => void;
  /** Milliseconds since the epoch. */
  readonly epochMs: () => number;
}

/** Changes that come in one burst are planned together. */
const SETTLE_DELAY_MS = 1;

/** The share of the time that planning may take while changes never stop: 1 of (1 + this). */
const REST_PER_WORK = 4;

export class BgpAnnouncer {
  readonly #given: BgpAnnouncerOptions;
  readonly #dirtyServices = new Set<string>();
  readonly #drain = new Drain();
  #isAllDirty = true;
  #isStarted = false;
  #hasSynced = false;
  #cancelPass: Cancel | undefined;
  #lastPassMs = 0;
  #sequence = 0;
  #markedAtMs: number | undefined;

  constructor(given: BgpAnnouncerOptions) {
    this.#given = given;
  }

  /** Begins with the first pass at once. Until then marks are only kept: nothing is announced from half a view. */
  start(): void {
    this.#isStarted = true;
    this.#pass();
  }

  stop(): void {
    this.#isStarted = false;
    this.#cancelPass?.();
  }

  /** Notes what changed; the pass that looks at it follows within milliseconds. */
  mark(change: BgpChange): void {
    if (change.type === "service") this.#dirtyServices.add(change.key);
    else this.#isAllDirty = true;
    this.#markedAtMs ??= this.#given.epochMs();
    if (!this.#isStarted || this.#cancelPass !== undefined) return;
    this.#schedule(Math.max(SETTLE_DELAY_MS, this.#lastPassMs * REST_PER_WORK));
  }

  #schedule(delayMs: number): void {
    this.#cancelPass = this.#given.clock.schedule(delayMs, () => this.#pass());
  }

  #pass(): void {
    this.#cancelPass = undefined;
    const { clock, planner } = this.#given;
    const startMs = clock.nowMs();
    if (this.#isAllDirty && this.#askToPreferOthers()) return;
    const planned = new Set(this.#dirtyServices);
    this.#dirtyServices.clear();
    // A refused configuration waits for a Service to change, so each pass judges it anew.
    if (this.#isAllDirty || planner.isRefused) {
      this.#isAllDirty = false;
      for (const key of planner.keys()) planned.add(key);
      planner.planEverything();
      for (const key of planner.keys()) planned.add(key);
      this.#given.onConfiguration();
      this.#postEverything();
    } else {
      planner.planServices(planned);
      this.#postRoutes(planner.table.takeChanges());
    }
    this.#given.onPlanned(planned);
    this.#lastPassMs = clock.nowMs() - startMs;
  }

  /** Sessions first, so that no route comes before its session; a new session gets its whole table. */
  #postEverything(): void {
    const { planner, sessions, post } = this.#given;
    const { context, configuration } = planner;
    if (context === undefined || configuration === undefined) return;
    const update = sessions.update(context, configuration);
    if (update.isChanged) post({ type: "sessions", sessions: update.sessions });
    const added = new Set(update.added);
    const changes = planner.table.takeChanges().filter(({ peer }) => !added.has(peer));
    this.#postRoutes([...changes, ...this.#wholeTables(update.added)]);
    // A session holds its table back until it is told that this is all.
    if (!this.#hasSynced || added.size > 0) post({ type: "synced" });
    this.#hasSynced = true;
  }

  #postRoutes(changes: readonly PeerRouteChanges[], isLeaving = false): void {
    const { sessions, post, onPosted } = this.#given;
    const markedAtMs = this.#markedAtMs;
    this.#markedAtMs = undefined;
    const sequence = this.#sequence + 1;
    const command = toRoutesCommand(
      changes.filter(({ peer }) => sessions.names.has(peer)),
      { localAsOf: session => sessions.localAsOf(session), isLeaving, sequence },
    );
    if (command === undefined) return;
    this.#sequence = sequence;
    if (markedAtMs !== undefined) onPosted(sequence, markedAtMs);
    post(command);
  }

  #wholeTables(names: readonly string[]): readonly PeerRouteChanges[] {
    const { table } = this.#given.planner;
    return names
      .map(peer => ({ peer, announced: table.routesOf(peer), withdrawn: [] }))
      .filter(({ announced }) => announced.length > 0);
  }

  /** True when peers were just asked: the pass that withdraws comes when they have had their time. */
  #askToPreferOthers(): boolean {
    const { planner, sessions, drainMs } = this.#given;
    const step = this.#drain.next(drainMs > 0 && isLeaving(planner.whyUnavailable()));
    if (step === "carryOn") return false;
    const tables = this.#wholeTables([...sessions.names]);
    this.#postRoutes(tables, step === "ask");
    if (step === "restore" || tables.length === 0) return false;
    this.#schedule(drainMs);
    return true;
  }
}
