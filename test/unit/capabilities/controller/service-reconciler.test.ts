import { pino } from "pino";
import { expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import type { EventRecorder } from "../../../../capabilities/cluster/events";
import type { ServiceDirectory } from "../../../../capabilities/controller/service-directory";
import type { ServiceRecord } from "../../../../capabilities/controller/service-record";
import { ServiceReconciler } from "../../../../capabilities/controller/service-reconciler";
import { Allocator } from "../../../../lib/allocation/allocator";
import { pool, service } from "../../../support/services";

const CONFLICT = new ApiError("conflict", { code: "status", status: 409 });

/** One Service behind an API server that answers as told. */
class OneService {
  record: ServiceRecord | undefined = record();
  /** What the server has when it is asked again. */
  live: ServiceRecord | undefined = record();
  readonly answers: (Error | "ok")[] = [];
  readonly bodies: object[] = [];
  readonly told: string[] = [];
  isLeading = true;
  losses = 0;
  readonly allocator = new Allocator({ lbClass: "", reservationMs: 0 });
  readonly reconciler: ServiceReconciler;

  constructor() {
    this.allocator.setPools([pool("p", ["10.0.0.0/31"])], new Map());
    const services = {
      get: () => this.record,
      readAgain: () => Promise.resolve((this.record = this.live)),
      putStatus: (_key: string, body: object) => this.put(body),
    } as unknown as ServiceDirectory;
    const events = {
      record: (_: unknown, { reason }: { reason: string }) => this.told.push(reason),
    } as unknown as EventRecorder;
    this.reconciler = new ServiceReconciler(this.allocator, {
      services,
      events,
      log: pino({ level: "silent" }),
      mayWrite: () => this.isLeading,
      onLost: () => (this.losses += 1),
      retry: () => undefined,
      nowMs: () => Date.UTC(2026, 0, 1),
      onPlanned: () => undefined,
    });
  }

  private put(body: object): Promise<void> {
    const answer = this.answers.shift() ?? "ok";
    if (answer !== "ok") return Promise.reject(answer);
    this.bodies.push(body);
    return Promise.resolve();
  }
}

function record(fields: Parameters<typeof service>[1] = {}, resourceVersion = "1"): ServiceRecord {
  const metadata = { name: "s", namespace: "ns1", resourceVersion };
  return { view: service("s", fields), metadata, conditions: undefined };
}

it("writes, then tells", async () => {
  const api = new OneService();
  await api.reconciler.reconcile("ns1/s");
  expect(api.bodies).toMatchObject([
    { status: { loadBalancer: { ingress: [{ ip: "10.0.0.0" }] } } },
  ]);
  expect(api.told).toEqual(["IPAllocated"]);
});

it("after a conflict reads again and plans again for what is there now", async () => {
  const api = new OneService();
  api.answers.push(CONFLICT, CONFLICT);
  api.live = record({ loadBalancerIp: "10.0.0.1" }, "2");
  await api.reconciler.reconcile("ns1/s");
  expect(api.bodies).toMatchObject([
    {
      metadata: { resourceVersion: "2" },
      status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } },
    },
  ]);
  expect(api.told).toEqual(["IPAllocated"]);
});

it("a Service that is gone when it is read again gives its address back", async () => {
  const api = new OneService();
  api.answers.push(CONFLICT);
  api.live = undefined;
  await api.reconciler.reconcile("ns1/s");
  expect([api.bodies, api.told]).toEqual([[], []]);
  expect(api.allocator.book.bookingOf("ns1/s")).toBeUndefined();
});

it("many conflicts are left to the queue, and the booking stays", async () => {
  const api = new OneService();
  api.answers.push(...Array.from({ length: 10 }, () => CONFLICT));
  await expect(api.reconciler.reconcile("ns1/s")).rejects.toBe(CONFLICT);
  expect(api.allocator.book.bookingOf("ns1/s")?.addresses).toHaveLength(1);
});

it("tells what a failed write was to say when a later one succeeds, once", async () => {
  const api = new OneService();
  api.answers.push(new ApiError("busy", { code: "status", status: 503 }));
  await expect(api.reconciler.reconcile("ns1/s")).rejects.toThrow("busy");
  expect(api.told).toEqual([]);
  await api.reconciler.reconcile("ns1/s");
  expect(api.told).toEqual(["IPAllocated"]);
});

it("without the Lease nothing is written nor told", async () => {
  const api = new OneService();
  api.isLeading = false;
  await api.reconciler.reconcile("ns1/s");
  await api.reconciler.reconcile("ns1/s");
  expect([api.bodies, api.told, api.losses]).toEqual([[], [], 1]);
});

it("a Service that was deleted in between is left to its deletion", async () => {
  const api = new OneService();
  api.answers.push(new ApiError("gone", { code: "status", status: 404 }));
  await api.reconciler.reconcile("ns1/s");
  expect([api.bodies, api.told]).toEqual([[], []]);
  api.record = undefined;
  await api.reconciler.reconcile("ns1/s");
  expect(api.allocator.book.bookingOf("ns1/s")).toBeUndefined();
});
