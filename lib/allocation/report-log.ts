/** What each Service has been told, so that an Event means that something changed: plans repeat themselves, Events do not. */
import type { Report, ServicePlan } from "./plan";

interface ServiceReports {
  /** Occurrences planned and not told yet: their write has not succeeded. */
  readonly pending: Map<string, Report>;
  /** States and notices of the latest plan. */
  current: readonly Report[];
  /** Texts of the states told that still hold. */
  toldStates: Set<string>;
  readonly toldNotices: Set<string>;
}

export class ReportLog {
  private readonly services = new Map<string, ServiceReports>();

  /** Notes what a plan wants to tell. An assignment that a later plan takes back or replaces is not told. */
  plan(plan: ServicePlan): void {
    const reports = plan.steps.flatMap(step => (step.type === "report" ? [step.report] : []));
    if (reports.length === 0 && !this.services.has(plan.key)) return;
    const known = this.of(plan.key);
    if (plan.booking === undefined || plan.steps.some(step => step.type === "assign")) {
      for (const [text, report] of known.pending) {
        if (report.reason === "IPAllocated") known.pending.delete(text);
      }
    }
    for (const report of reports) {
      if (report.nature === "occurrence") known.pending.set(textOf(report), report);
    }
    known.current = reports.filter(report => report.nature !== "occurrence");
  }

  /** What is to be told now that the latest plan of the Service has been carried out; each only once. */
  take(key: string): readonly Report[] {
    const known = this.services.get(key);
    if (known === undefined) return [];
    const due = [...known.pending.values()];
    known.pending.clear();
    const states = known.current.filter(report => report.nature === "state");
    due.push(...states.filter(report => !known.toldStates.has(textOf(report))));
    known.toldStates = new Set(states.map(textOf));
    for (const report of known.current) {
      if (report.nature !== "notice" || known.toldNotices.has(textOf(report))) continue;
      known.toldNotices.add(textOf(report));
      due.push(report);
    }
    known.current = states;
    if (known.toldStates.size === 0 && known.toldNotices.size === 0) this.services.delete(key);
    return due;
  }

  /** Forgets a Service that is gone. */
  forget(key: string): void {
    this.services.delete(key);
  }

  private of(key: string): ServiceReports {
    const known = this.services.get(key) ?? {
      pending: new Map<string, Report>(),
      current: [],
      toldStates: new Set<string>(),
      toldNotices: new Set<string>(),
    };
    this.services.set(key, known);
    return known;
  }
}

function textOf(report: Report): string {
  return `${report.reason}\n${report.message}`;
}
