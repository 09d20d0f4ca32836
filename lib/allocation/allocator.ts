/**
 * Allocation as one machine: the book, who waits, and what has been told. The driver feeds Services and configurations, carries
 * out the one write a plan may hold, emits the reports, and plans again those it is told to. Single-threaded by nature: planning
 * and booking are one step, so two Services never race for an address, however many writes are under way.
 */
import type { Pool } from "../config/configuration";
import { AddressBook } from "./address-book";
import type { PlanStep, Report, ServicePlan } from "./plan";
import { adoptHeld, applyPlan, planDeletion, planService, type PlanOptions } from "./plan-service";
import type { NamespaceLabels } from "./pool-index";
import { ReportLog } from "./report-log";
import type { Reservation } from "./reservations";
import { comparePassOrder, type ServiceView } from "./service";

export type WriteStep = Extract<PlanStep, { type: "write" }>;

export interface Reconciliation {
  readonly plan: ServicePlan;
  /** To be written before the reports are told; undefined: all is as it should be. */
  readonly write: WriteStep | undefined;
  /** Keys of Services that may get now what they lack, in the order of planning: the longest waiting first. */
  readonly retry: readonly string[];
}

export interface AllocatorOptions extends PlanOptions {
  /** How long the addresses of a deleted Service are kept for one of the same name; 0 is off. */
  readonly reservationMs: number;
}

export class Allocator {
  readonly book = new AddressBook();
  private readonly options: AllocatorOptions;
  private readonly waiting = new Map<string, ServiceView>();
  private readonly log = new ReportLog();

  constructor(options: AllocatorOptions) {
    this.options = options;
  }

  /** Replaces the pools. The caller plans every Service afterwards, in `comparePassOrder`. */
  setPools(pools: readonly Pool[], namespaces: NamespaceLabels): void {
    this.book.setPools(pools, namespaces);
  }

  /**
   * Books what all these Services hold by right, before any address is given: after a start, and before a pass over all.
   * Whoever has a booking already keeps it.
   */
  adopt(services: Iterable<ServiceView>): void {
    for (const service of inPassOrder(services)) {
      if (this.book.bookingOf(service.key) === undefined)
        adoptHeld(this.book, service, this.options);
    }
  }

  /**
   * Takes over reservations from before a restart. Those whose Service is booked already are void, and none lasts longer than one
   * made now would.
   */
  restoreReservations(reservations: readonly Reservation[], nowMs: number): void {
    const { reservationMs } = this.options;
    const inOrder = reservations.toSorted((left, right) => left.untilMs - right.untilMs);
    for (const reservation of inOrder) {
      const untilMs = Math.min(reservation.untilMs, nowMs + reservationMs);
      if (untilMs <= nowMs || this.book.bookingOf(reservation.key) !== undefined) continue;
      this.book.reserve({ ...reservation, untilMs });
    }
  }

  /** Plans one Service and books the outcome; `service` is undefined when it is gone. */
  reconcile(key: string, service: ServiceView | undefined, nowMs: number): Reconciliation {
    this.book.expireReservations(nowMs);
    const held = service === undefined ? this.book.bookingOf(key)?.addresses : undefined;
    const plan =
      service === undefined
        ? planDeletion(this.book, key)
        : planService(this.book, service, this.options);
    const mayHelp = applyPlan(this.book, plan);
    if (held !== undefined && this.options.reservationMs > 0) {
      this.book.reserve({ key, addresses: held, untilMs: nowMs + this.options.reservationMs });
    }
    if (service !== undefined && plan.isWaiting) this.waiting.set(key, service);
    else this.waiting.delete(key);
    if (service === undefined) this.log.forget(key);
    else this.log.plan(plan);
    return {
      plan,
      write: plan.steps.find(step => step.type === "write"),
      retry: mayHelp ? this.waitingKeys(key) : [],
    };
  }

  /** The reports that are due once the latest plan of the Service has been written, each only once. */
  takeReports(key: string): readonly Report[] {
    return this.log.take(key);
  }

  /** How many Services lack something. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  private waitingKeys(except: string): readonly string[] {
    return inPassOrder(this.waiting.values())
      .map(service => service.key)
      .filter(key => key !== except);
  }
}

/** A copy in the order of a pass. */
export function inPassOrder(services: Iterable<ServiceView>): readonly ServiceView[] {
  return [...services].sort(comparePassOrder);
}
