/**
 * Keeps what this node announces in step with the cluster: changes mark Services dirty, one coalesced pass plans them and
 * hands the packet thread the whole desired set when it differs. Liveness is not its business, and it writes nothing.
 *
 *   ClusterState ──mark──► dirty keys ──settle──► lib/announcement ──► entries ──► packet thread
 *                                                      └──► plans ──► ownership book
 */
import type { Logger } from "pino";
import type { AnnouncementEntry } from "../../lib/announcement/plan-announcements";
import {
  planService,
  prepareAnnouncing,
  type AnnouncingContext,
  type ServicePlan,
} from "../../lib/announcement/plan-service";
import type { AnnouncementOptions, ServiceFacts } from "../../lib/announcement/snapshot";
import { checkConfiguration } from "../../lib/config/check";
import type { Configuration } from "../../lib/config/configuration";
import { formatProblem, problemKey, type Problem } from "../../lib/config/problem";
import type { Clock } from "../cluster/clock";
import type { ClusterChange, ClusterView } from "./cluster-state";
import { toVerdict, type ConfigurationVerdict } from "./configuration-verdict";
import { Departures } from "./departures";
import { EntryTable } from "./entry-table";

export interface AnnouncerOptions {
  readonly nodeName: string;
  readonly view: ClusterView;
  readonly options: AnnouncementOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether traffic for a planned Service would be served on this node already; asked when it is planned. */
  readonly isServed?: (key: string) => boolean;
  /** The Service is not planned to be announced from here. */
  readonly onWithheld?: (key: string) => void;
  /** Takes the whole desired set; called only when it differs from the last one. */
  readonly announce: (entries: readonly AnnouncementEntry[]) => void;
  /** Called after each pass with the keys of the Services that were planned again. */
  readonly onPlanned: (keys: ReadonlySet<string>) => void;
  readonly onConfiguration: (state: ConfigurationVerdict) => void;
}

/** Changes that come in one burst are planned together. */
const SETTLE_DELAY_MS = 5;

/** The share of the time that planning may take while changes never stop: 1 of (1 + this). */
const REST_PER_WORK = 4;

export class Announcer {
  readonly #given: AnnouncerOptions;
  readonly #plans = new Map<string, ServicePlan>();
  readonly #dirtyServices = new Set<string>();
  #isAllDirty = true;
  #isStarted = false;
  #cancelPass: (() => void) | undefined;
  #lastPassMs = 0;
  #configuration: Configuration | undefined;
  #context: AnnouncingContext | undefined;
  #isRefused = false;
  #reportedProblems = "";
  #entries: readonly AnnouncementEntry[] | undefined;
  readonly #departures: Departures;
  readonly #table: EntryTable;

  constructor(given: AnnouncerOptions) {
    this.#given = given;
    const { nodeName, clock } = given;
    this.#departures = new Departures(nodeName, clock, () => {
      this.#table.markAll();
      this.#announceIfChanged();
    });
    this.#table = new EntryTable({
      isServed: key => given.isServed?.(key) !== false,
      departing: address => this.#departures.find(address),
    });
  }

  /** Begins to plan, with the first pass at once. Until then marks are only kept: nothing is announced from half a view. */
  start(): void {
    this.#isStarted = true;
    this.#pass();
  }

  stop(): void {
    this.#isStarted = false;
    this.#cancelPass?.();
    this.#departures.stop();
  }

  /** Notes what changed; the pass that looks at it follows within milliseconds. */
  mark(change: ClusterChange): void {
    if (change.type === "service") this.#dirtyServices.add(change.key);
    else this.#isAllDirty = true;
    if (!this.#isStarted || this.#cancelPass !== undefined) return;
    const delayMs = Math.max(SETTLE_DELAY_MS, this.#lastPassMs * REST_PER_WORK);
    this.#cancelPass = this.#given.clock.schedule(delayMs, () => this.#pass());
  }

  plan(key: string): ServicePlan | undefined {
    return this.#plans.get(key);
  }

  /** Plans of all Services, for finding those of an address. */
  plans(): Iterable<ServicePlan> {
    return this.#plans.values();
  }

  #pass(): void {
    this.#cancelPass = undefined;
    const startMs = this.#given.clock.nowMs();
    const planned = new Set(this.#dirtyServices);
    this.#dirtyServices.clear();
    if (this.#context !== undefined) this.#planDirty(planned, this.#context);
    // A refused configuration waits for a Service to change, so each pass judges it anew.
    if (this.#isAllDirty || this.#isRefused) {
      this.#isAllDirty = false;
      this.#planEverything();
      for (const key of this.#plans.keys()) planned.add(key);
    }
    this.#announceIfChanged();
    this.#given.onPlanned(planned);
    this.#lastPassMs = this.#given.clock.nowMs() - startMs;
  }

  #planDirty(keys: Iterable<string>, context: AnnouncingContext): void {
    for (const key of keys) {
      const service = this.#given.view.service(key);
      this.#setPlan(key, service && this.#planOne(context, service));
    }
  }

  #setPlan(key: string, plan: ServicePlan | undefined): void {
    if (plan === undefined) this.#plans.delete(key);
    else this.#plans.set(key, plan);
    if (plan?.type === "withhold") this.#given.onWithheld?.(key);
    this.#table.setPlan(key, plan);
  }

  #planOne(context: AnnouncingContext, service: ServiceFacts): ServicePlan {
    return planService(context, service, this.#given.view.endpointsOf(service.key));
  }

  #planEverything(): void {
    const { configuration, problems } = this.#judge();
    const next = this.#planWith(configuration);
    const lost = this.#configuration === undefined ? [] : this.#findLost(next.plans);
    this.#isRefused = lost.length > 0;
    this.#reportVerdict(problems, lost);
    if (lost.length === 0 || this.#configuration === undefined) {
      this.#configuration = configuration;
      this.#adopt(next);
    } else {
      this.#adopt(this.#planWith(this.#configuration));
    }
  }

  #judge(): { configuration: Configuration; problems: readonly Problem[] } {
    const { view } = this.#given;
    return checkConfiguration({
      ipAddressPools: view.ipAddressPools(),
      l2Advertisements: view.l2Advertisements(),
    });
  }

  #planWith(configuration: Configuration): PlannedServices {
    const { view, options, nodeName } = this.#given;
    const nodes = view.nodes();
    const context = prepareAnnouncing({ configuration, nodes, options }, nodeName);
    const plans = new Map<string, ServicePlan>();
    for (const service of view.services()) plans.set(service.key, this.#planOne(context, service));
    return { context, plans };
  }

  #adopt(next: PlannedServices): void {
    this.#context = next.context;
    for (const key of [...this.#plans.keys()])
      if (!next.plans.has(key)) this.#setPlan(key, undefined);
    for (const [key, plan] of next.plans) this.#setPlan(key, plan);
  }

  /** Keys of announced Services whose address has no pool any more (V-X6): the controller has to move them first. */
  #findLost(next: ReadonlyMap<string, ServicePlan>): readonly string[] {
    const lost: string[] = [];
    for (const [key, plan] of next) {
      const isLost = plan.type === "withhold" && plan.reason === "ipNotAllowed";
      if (isLost && this.#plans.get(key)?.type === "announce") lost.push(key);
    }
    return lost;
  }

  #reportVerdict(problems: readonly Problem[], lost: readonly string[]): void {
    const refused = problems.filter(problem => problem.severity === "refuse");
    const verdict = toVerdict(refused.map(formatProblem), lost);
    this.#given.onConfiguration(verdict);
    const key = JSON.stringify([refused.map(problemKey), lost]);
    if (key === this.#reportedProblems) return;
    this.#reportedProblems = key;
    this.#logVerdict(verdict.problems);
  }

  #logVerdict(sentences: readonly string[]): void {
    const { log } = this.#given;
    for (const sentence of sentences) {
      log.error(
        { op: "reloadConfig", error: `failed to parse the configuration: ${sentence}` },
        "part of the configuration is not used",
      );
    }
    if (sentences.length === 0) log.info({ event: "config reloaded" }, "config reloaded");
  }

  #announceIfChanged(): void {
    const entries = this.#table.combine();
    if (entries === this.#entries) return;
    this.#departures.note(entries);
    this.#entries = entries;
    this.#given.announce(entries);
  }
}

interface PlannedServices {
  readonly context: AnnouncingContext;
  readonly plans: ReadonlyMap<string, ServicePlan>;
}
