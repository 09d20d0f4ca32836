/** lib/allocation without API server: one pool, Services one after the other, the reports taken as the controller does. */
import { Allocator } from "../../lib/allocation/allocator";
import { pool, service } from "../../test/support/services";

/** Fills a /16; the Services themselves are made before the clock starts. */
function fillAllocator(count: number): { readonly wallMs: number; readonly cpuMs: number } {
  const views = Array.from({ length: count }, (_, index) => service(`s${index}`));
  const allocator = emptyAllocator();
  const cpu = process.cpuUsage();
  const begunMs = performance.now();
  for (const view of views) {
    allocator.reconcile(view.key, view, 0);
    allocator.takeReports(view.key);
  }
  const wallMs = performance.now() - begunMs;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1_000 };
}

/** A pool that is full but for one address, somewhere: how long the Service that gets it takes, ms. */
function findLastFree(count: number, runs: number): readonly number[] {
  const allocator = emptyAllocator();
  const views = Array.from({ length: count }, (_, index) => service(`s${index}`));
  for (const view of views) {
    allocator.reconcile(view.key, view, 0);
    allocator.takeReports(view.key);
  }
  return Array.from({ length: runs }, (_, run) => {
    const view = views[(run * 7_919) % count];
    if (view === undefined) throw new Error("no Service");
    allocator.reconcile(view.key, undefined, 0);
    const begunMs = performance.now();
    const { plan } = allocator.reconcile(view.key, view, 0);
    const spentMs = performance.now() - begunMs;
    if (plan.booking === undefined) throw new Error("the free address was not found");
    return spentMs;
  });
}

function emptyAllocator(): Allocator {
  const allocator = new Allocator({ lbClass: "", reservationMs: 0 });
  allocator.setPools([pool("a", ["10.0.0.0/16"])], new Map());
  return allocator;
}

const fills = Array.from({ length: 11 }, () => fillAllocator(20_000));
console.log(JSON.stringify({ fills, finds: findLastFree(65_536, 100) }));
