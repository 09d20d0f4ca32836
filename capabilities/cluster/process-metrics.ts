/** What every Node.js process tells about itself: memory, CPU, handles, garbage collections. */
import { collectDefaultMetrics, type Registry } from "prom-client";

/** Longer than any process lives between two looks at it. */
const NEVER_MS = 24 * 60 * 60 * 1_000;

/** They need a timer that wakes the process a hundred times a second, a third of the CPU of a speaker at rest. */
const SAMPLED_EVENT_LOOP_LAG = ["min", "max", "mean", "stddev", "p50", "p90", "p99"];

/** Registers them under prom-client's names, without those that cost CPU while nothing happens. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const figure of SAMPLED_EVENT_LOOP_LAG) {
    registry.removeSingleMetric(`nodejs_eventloop_lag_${figure}_seconds`);
  }
}
