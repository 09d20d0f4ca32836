/**
 * Says on a Service why no node announces it on layer 2, where only a person can mend that: once, when it begins. All speakers see
 * the same, so the one on the Node whose name sorts first speaks.
 */
import type { ServicePlan, WithholdReason } from "../../lib/announcement/plan-service";
import type { EventContent } from "../cluster/events";

export interface WithholdReporterOptions {
  readonly nodeName: string;
  readonly nodeNames: () => Iterable<string>;
  readonly plan: (key: string) => ServicePlan | undefined;
  readonly record: (key: string, content: EventContent) => void;
}

/** V-X2. Other reasons are ordinary, or another node announces the Service. */
const WORTH_A_WARNING: ReadonlySet<WithholdReason> = new Set(["sharedIPWithServiceSelector"]);

export class WithholdReporter {
  readonly #options: WithholdReporterOptions;
  /** By Service: what was said last. */
  readonly #said = new Map<string, string>();

  constructor(options: WithholdReporterOptions) {
    this.#options = options;
  }

  /** Services were planned again. */
  notePlanned(keys: Iterable<string>): void {
    for (const key of keys) {
      const plan = this.#options.plan(key);
      if (plan?.type !== "withhold" || !WORTH_A_WARNING.has(plan.reason)) this.#said.delete(key);
      else if (this.#said.get(key) !== plan.message) this.#say(key, plan.message);
    }
  }

  #say(key: string, message: string): void {
    this.#said.set(key, message);
    const [first] = [...this.#options.nodeNames()].sort();
    if (first !== this.#options.nodeName) return;
    this.#options.record(key, { type: "Warning", reason: "announceFailed", message });
  }
}
