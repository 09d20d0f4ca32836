/** Judges the configuration and tells the outcome: Events on the objects, ConfigurationState, metrics, log. */
import type { Logger } from "pino";
import type { Pool } from "../../lib/config/configuration";
import type { ConfigurationResources } from "../../lib/config/check";
import { formatProblem, problemKey, type Problem } from "../../lib/config/problem";
import type { ApiClient } from "../cluster/api-client";
import type { EventRecorder } from "../cluster/events";
import type { ReconcileResult } from "../cluster/key-queue";
import { ConfigurationStateWriter } from "./configuration-state";
import { Judge, summarise } from "./judge";
import type { ControllerMetrics } from "./metrics";

export interface ConfigurationJudgingOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly podName: string | undefined;
  readonly events: EventRecorder;
  readonly metrics: ControllerMetrics;
  /** Whether this process speaks for all controllers: Events come from the holder of the Lease. */
  readonly mayTell: () => boolean;
  readonly log: Logger;
}

export interface Judged {
  readonly pools: readonly Pool[];
  /** Whether allocation has to look at every Service again. */
  readonly haveChanged: boolean;
}

export class ConfigurationJudging {
  readonly #options: ConfigurationJudgingOptions;
  readonly #judge = new Judge();
  readonly #state: ConfigurationStateWriter;
  readonly #told = new Set<string>();
  #inForce: string | undefined;

  constructor(options: ConfigurationJudgingOptions) {
    this.#options = options;
    this.#state = new ConfigurationStateWriter({ ...options, now: () => new Date() });
  }

  /** Whether a configuration was judged; an empty one counts. */
  get isLoaded(): boolean {
    return this.#inForce !== undefined;
  }

  /** `more` are errors that were told already and belong into the verdict. */
  judge(resources: ConfigurationResources, more: readonly Problem[] = []): Judged {
    const { pools, errors: own, current } = this.#judge.judge(resources);
    const errors = [...own, ...more];
    this.#tellFresh(current);
    this.#state.set(summarise(errors));
    const { metrics, log } = this.#options;
    metrics.configLoaded.set(1);
    metrics.configStale.set(errors.length > 0 ? 1 : 0);
    const text = textOf(pools, resources);
    const haveChanged = text !== this.#inForce;
    this.#inForce = text;
    if (haveChanged)
      log.info({ pools: pools.length, errors: errors.length }, "configuration judged");
    return { pools, haveChanged };
  }

  writeState(): Promise<ReconcileResult> {
    return this.#state.reconcile();
  }

  /** Tells each problem once, and again only after it had gone. */
  #tellFresh(current: readonly Problem[]): void {
    const keys = new Set(current.map(problemKey));
    for (const key of this.#told) if (!keys.has(key)) this.#told.delete(key);
    if (!this.#options.mayTell()) return;
    for (const problem of current.filter(one => !this.#told.has(problemKey(one)))) {
      this.#told.add(problemKey(problem));
      this.#tell(problem);
    }
  }

  #tell(problem: Problem): void {
    const { events, log } = this.#options;
    const { kind, namespace, name } = problem.object;
    const message = formatProblem(problem);
    log.warn({ kind, name, rule: problem.rule, field: problem.field }, message);
    const version = kind === "BGPPeer" ? "v1beta2" : "v1beta1";
    events.record(
      { apiVersion: `metallb.io/${version}`, kind, namespace, name },
      { type: "Warning", reason: REASONS[problem.severity], message },
    );
  }
}

const REASONS = {
  refuse: "ConfigurationError",
  warn: "ConfigurationWarning",
  inform: "ConfigurationNotice",
} as const;

/** Equal texts are equal for allocation. Labels of namespaces count only when a pool selects by them. */
function textOf(pools: readonly Pool[], resources: ConfigurationResources): string {
  const selects = pools.some(pool => (pool.serviceAllocation?.namespaceSelectors.length ?? 0) > 0);
  const namespaces = selects ? resources.namespaces?.map(one => [one.name, one.labels]) : [];
  return JSON.stringify([pools, namespaces], (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}
