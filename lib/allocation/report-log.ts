/** What each Service has been told, so that an Event means that something changed: plans repeat themselves, Events do not. */
import type { Report, ServicePlan } from "./plan";

interface ServiceReports {
  /** Occurrences planned and not told yet: their write has not succeeded. */
  readonly pending: readonly Report[];
  /** States and notices of the latest plan. */
  readonly current: readonly Report[];
  /** States that have been told and still hold, and all notices that have been told. */
  readonly told: readonly Report[];
}

const NONE: readonly Report[] = [];
const NOTHING: ServiceReports = { pending: NONE, current: NONE, told: NONE };

export class ReportLog {
  private readonly services = new Map<string, ServiceReports>();

  /** Notes what a plan wants to tell. An assignment that a later plan takes back or replaces is not told. */
  plan(plan: ServicePlan): void {
    const known = this.services.get(plan.key);
    const occurrences: Report[] = [];
    const current: Report[] = [];
    let isReplaced = plan.booking === undefined;
    for (const step of plan.steps) {
      if (step.type === "assign") isReplaced = true;
      if (step.type !== "report") continue;
      (step.report.nature === "occurrence" ? occurrences : current).push(step.report);
    }
    if (known === undefined) {
      if (occurrences.length + current.length === 0) return;
      this.services.set(plan.key, { pending: occurrences, current, told: NONE });
      return;
    }
    const still = known.pending.filter(report => !isReplaced || report.reason !== "IPAllocated");
    const fresh = occurrences.filter(report => !isAmong(report, still));
    this.services.set(plan.key, { pending: [...still, ...fresh], current, told: known.told });
  }

  /** What is to be told now that the latest plan of the Service has been carried out; each only once. */
  take(key: string): readonly Report[] {
    const { pending, current, told } = this.services.get(key) ?? NOTHING;
    const fresh = current.filter(report => !isAmong(report, told));
    const states = current.filter(report => report.nature === "state");
    const notices = [...told, ...fresh].filter(report => report.nature === "notice");
    if (states.length + notices.length === 0) this.services.delete(key);
    else this.services.set(key, { pending: [], current: states, told: [...states, ...notices] });
    return [...pending, ...fresh];
  }

  /** Forgets a Service that is gone. */
  forget(key: string): void {
    this.services.delete(key);
  }
}

function isAmong(report: Report, others: readonly Report[]): boolean {
  return others.some(other => other.reason === report.reason && other.message === report.message);
}
