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

const NOTHING: ServiceReports = { pending: [], current: [], told: [] };

export class ReportLog {
  private readonly services = new Map<string, ServiceReports>();

  /** Notes what a plan wants to tell. An assignment that a later plan takes back or replaces is not told. */
  plan(plan: ServicePlan): void {
    const reports = plan.steps.flatMap(step => (step.type === "report" ? [step.report] : []));
    if (reports.length === 0 && !this.services.has(plan.key)) return;
    const { pending, told } = this.services.get(plan.key) ?? NOTHING;
    const isReplaced =
      plan.booking === undefined || plan.steps.some(step => step.type === "assign");
    const still = pending.filter(report => !isReplaced || report.reason !== "IPAllocated");
    const occurrences = reports.filter(report => report.nature === "occurrence");
    this.services.set(plan.key, {
      pending: [...still, ...occurrences.filter(report => !isAmong(report, still))],
      current: reports.filter(report => report.nature !== "occurrence"),
      told,
    });
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
