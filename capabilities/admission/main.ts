/**
 * The admission process around the webhooks: its options, its connection to the API server, its probes and metrics. Pepr's own
 * port carries the webhooks alone.
 */
import { Counter, Histogram, Registry } from "prom-client";
import type { Capability } from "pepr";
import { ReadMemo } from "../../lib/config/read-memo";
import { ApiClient } from "../cluster/api-client";
import { loadClusterAccess } from "../cluster/cluster-access";
import { createLogger } from "../cluster/log";
import { parseOptions } from "../cluster/options";
import { ProbeServer } from "../cluster/probe-server";
import { secureMetrics } from "../cluster/secure-metrics";
import { LiveConfiguration } from "./live-configuration";
import { admissionOptions, type AdmissionOptions } from "./options";
import type { ObservedReview, ReviewDeps } from "./review";

/** Node's word for all addresses, of both families where there are two. */
const EVERY_ADDRESS = "";

/** Pepr reads its store once, within 3 s; when that fails, only another start helps. */
const STORE_LIMIT_MS = 60_000;

/** True in the process that serves webhooks: Pepr says so with PEPR_WATCH_MODE, and a build is no process of ours. */
export function isAdmissionProcess(env: Readonly<Record<string, string | undefined>>): boolean {
  return env["PEPR_WATCH_MODE"] === "false" && env["PEPR_MODE"] !== "build";
}

/**
 * Opens the probes and gives what reviews need. Ready once Pepr has read its store: before that its webhook paths are 404.
 * A port that is taken ends the process, naming it.
 */
export function startAdmission(capability: Capability): ReviewDeps {
  const options = readOptions();
  const log = createLogger("admission", options.logLevel);
  const access = loadClusterAccess({ kubeconfig: options.kubeconfig, env: process.env });
  const client = new ApiClient(access);
  const configuration = new LiveConfiguration({ client, namespace: options.namespace, log });
  configuration.start();
  const metrics = new Registry();
  let isStoreRead = false;
  let isEnding = false;
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => (isEnding = true));
  const patience = setTimeout(() => {
    log.fatal("Pepr could not read its store and does not try again");
    process.exit(1);
  }, STORE_LIMIT_MS);
  capability.Store.onReady(() => {
    isStoreRead = true;
    clearTimeout(patience);
    log.info({ port: options.webhookPort, namespace: options.namespace }, "webhooks are served");
  });
  ProbeServer.start({
    healthProbePort: options.healthProbePort,
    healthProbeHost: EVERY_ADDRESS,
    metricsPort: options.metricsPort,
    metricsHost: EVERY_ADDRESS,
    isHealthy: () => undefined,
    isReady: () => {
      if (isEnding) return "ending";
      if (!isStoreRead) return "Pepr's store has not been read yet";
      return configuration.isSynced ? undefined : "the configuration has not been read yet";
    },
    metrics,
    secureMetrics: secureMetrics(options, { client, log }),
  }).catch((error: unknown) => {
    log.error({ err: error }, "admission cannot start");
    process.exit(1);
  });
  return {
    namespace: options.namespace,
    configuration,
    observe: reviewMetrics(metrics),
    memo: new ReadMemo(),
    log,
  };
}

/** Variables only: the program that loads the module has turned its flags into them. */
function readOptions(): AdmissionOptions {
  const program = { name: "admission", table: admissionOptions, retired: [] };
  const parsed = parseOptions(program, { argv: [], env: process.env });
  if (parsed.type === "options") return parsed.options;
  console.error(parsed.text);
  return process.exit(2);
}

function reviewMetrics(registry: Registry): (review: ObservedReview) => void {
  const reviews = new Counter({
    name: "herald_admission_reviews_total",
    help: "Reviews of changes to Herald's resources.",
    labelNames: ["kind", "operation", "outcome"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "herald_admission_review_duration_seconds",
    help: "Time from the request to the verdict, the live list included.",
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return ({ kind, operation, outcome, durationSeconds }) => {
    reviews.inc({ kind, operation, outcome });
    durations.observe(durationSeconds);
  };
}
