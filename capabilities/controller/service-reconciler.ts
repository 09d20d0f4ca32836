/** Carries out plans for Services: one status write at most, then the Events; and plans again those whom a release may help. */
import { setMaxListeners } from "node:events";
import type { Logger } from "pino";
import type { Allocator, WriteStep } from "../../lib/allocation/allocator";
import type { ServicePlan } from "../../lib/allocation/plan";
import { isConflict, isNotFound } from "../cluster/api-error";
import type { EventRecorder } from "../cluster/events";
import type { ReconcileResult } from "../cluster/key-queue";
import type { ServiceDirectory } from "./service-directory";
import { serviceReference, statusBody, type ServiceRecord } from "./service-record";

/** Times that a Service is read and planned again at once when somebody else writes at the same time. */
const CONFLICT_TRIES = 4;

export interface ServiceReconcilerDeps {
  readonly services: ServiceDirectory;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** Whether we may write at this moment. */
  readonly mayWrite: () => boolean;
  /** Something could not be written because the Lease had run out: whatever is booked here is void. */
  readonly onLost: () => void;
  /** Plan this Service soon. */
  readonly retry: (key: string) => void;
  /** Wall clock, which reservations go by: they outlive the process. */
  readonly nowMs: () => number;
  /** Numbers of pools may have changed. */
  readonly onPlanned: () => void;
}

/** One reign: from the moment the Lease is ours and all held addresses are booked until it is lost. */
export class ServiceReconciler {
  readonly #allocator: Allocator;
  readonly #deps: ServiceReconcilerDeps;
  readonly #ending = new AbortController();

  constructor(allocator: Allocator, deps: ServiceReconcilerDeps) {
    this.#allocator = allocator;
    this.#deps = deps;
    // Each write under way listens to it: as many as the queue has workers.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Writes under way are broken off, none is begun any more. */
  end(): void {
    this.#ending.abort();
  }

  /** Plans the Service and carries the plan out. Throws to be called again with back-off. */
  async reconcile(key: string): Promise<ReconcileResult> {
    let record = this.#deps.services.get(key);
    for (let tries = 1; !this.#isEnded(); tries += 1) {
      const write = this.#plan(key, record);
      try {
        if (record !== undefined && write !== undefined) await this.#write(record, write);
      } catch (error) {
        // Gone: its deletion will be seen and planned.
        if (this.#isEnded() || isNotFound(error)) return {};
        if (!isConflict(error) || tries >= CONFLICT_TRIES) throw error;
        record = await this.#deps.services.readAgain(key);
        continue;
      }
      if (record !== undefined) this.#tell(record);
      return {};
    }
    return {};
  }

  #isEnded(): boolean {
    return this.#ending.signal.aborted;
  }

  #plan(key: string, record: ServiceRecord | undefined): WriteStep | undefined {
    const { write, retry, plan } = this.#allocator.reconcile(key, record?.view, this.#deps.nowMs());
    if (this.#deps.log.isLevelEnabled("debug")) this.#logPlan(plan);
    this.#deps.onPlanned();
    for (const other of retry) this.#deps.retry(other);
    return write;
  }

  #logPlan({ key, steps }: ServicePlan): void {
    for (const step of steps) {
      if (step.type === "keep" || step.type === "report") continue;
      this.#deps.log.debug({ service: key, step: describe(step) }, "planned");
    }
  }

  async #write(record: ServiceRecord, write: WriteStep): Promise<void> {
    const { key } = record.view;
    if (!this.#deps.mayWrite()) {
      this.end();
      this.#deps.onLost();
      return;
    }
    const now = new Date(this.#deps.nowMs()).toISOString().replace(/\.[0-9]+Z$/, "Z");
    const body = statusBody(record, write, now);
    await this.#deps.services.putStatus(key, body, this.#ending.signal);
    const event = write.ingress.length === 0 ? "clearAssignment" : "ipAllocated";
    this.#deps.log.info(
      { event, service: key, ip: write.ingress, pool: write.pool },
      "status written",
    );
  }

  #tell(record: ServiceRecord): void {
    if (this.#isEnded()) return;
    const { key } = record.view;
    for (const report of this.#allocator.takeReports(key)) {
      const { type, reason, message } = report;
      this.#deps.events.record(serviceReference(record), { type, reason, message });
      if (type === "Warning") this.#deps.log.info({ event: reason, service: key }, message);
    }
  }
}

function describe(step: { readonly type: string }): object {
  return JSON.parse(
    JSON.stringify(step, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value)),
  ) as object;
}
