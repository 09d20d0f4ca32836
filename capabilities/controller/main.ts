/** The controller's process around `Controller`: options, clients, ports, signals. Started by the Pepr capability. */
import { setFlagsFromString } from "node:v8";
import type { Logger } from "pino";
import { ApiClient } from "../cluster/api-client";
import { loadClusterAccess } from "../cluster/cluster-access";
import { createLogger } from "../cluster/log";
import { parseOptions } from "../cluster/options";
import { endInOrder } from "../cluster/orderly-end";
import { ProbeServer } from "../cluster/probe-server";
import { secureMetrics } from "../cluster/secure-metrics";
import { Controller } from "./controller";
import { ownIdentity } from "./leadership";
import { ensureMemberlistSecret } from "./memberlist-secret";
import { controllerOptions, type ControllerOptions } from "./options";
import { StatusCleanup } from "./status-cleanup";

/** After SIGTERM the process ends within this, whatever hangs. */
const SHUTDOWN_LIMIT_MS = 1_400;

const SECRET_RETRY_MS = 5_000;

const STATUS_CLEANUP_EVERY_MS = 60_000;

/**
 * V8's space for new objects stays at the 1 MB it begins with. It would grow to three times 16 MB with the first list, and then the
 * garbage of a list is collected so late that it counts as memory: 8 kB for each of 10,000 Services.
 */
const SMALL_NEW_SPACE = "--semi-space-growth-factor=1";

/**
 * Starts the controller with the options of the given environment. Returns at once and never throws: what cannot go on ends the
 * process with a message.
 */
export function startController(env: Readonly<Record<string, string | undefined>>): Controller {
  setFlagsFromString(SMALL_NEW_SPACE);
  const parsed = parseOptions(
    { name: "controller", table: controllerOptions, retired: [] },
    { argv: [], env },
  );
  if (parsed.type !== "options") return fail(parsed.text);
  const { options } = parsed;
  const log = createLogger("controller", options.logLevel);
  const access = loadClusterAccess({ kubeconfig: options.kubeconfig, env });
  const client = new ApiClient(access, { userAgent: "herald-controller" });
  const sideClient = new ApiClient(access, { userAgent: "herald-controller", maxSockets: 4 });
  const controller = new Controller({
    client,
    sideClient,
    namespace: options.namespace,
    lbClass: options.loadBalancerClass,
    podName: options.podName,
    reservationMs: options.addressReservationSeconds * 1_000,
    identity: ownIdentity(),
    legacyConfigMaps: splitNames(options.legacyConfigMaps),
    log,
  });
  // Gives the Lease back, so that another controller need not wait for it to run out.
  endInOrder({ stop: () => controller.stop(), limitMs: SHUTDOWN_LIMIT_MS, log });
  const isStarted = run(controller, { options, sideClient, log });
  isStarted.catch((error: unknown) => {
    log.fatal({ err: error }, "the controller cannot go on");
    process.exit(1);
  });
  return controller;
}

async function run(
  controller: Controller,
  { options, sideClient, log }: { options: ControllerOptions; sideClient: ApiClient; log: Logger },
): Promise<void> {
  // An empty host is every address, of both families where there are two.
  await ProbeServer.start({
    healthProbePort: options.healthProbePort,
    healthProbeHost: "",
    metricsPort: options.metricsPort,
    metricsHost: "",
    isHealthy: () => undefined,
    isReady: () => controller.whyNotReady(),
    metrics: controller.metrics.registry,
    secureMetrics: secureMetrics(options, { client: sideClient, log }),
  });
  keepMemberlistSecret(options, sideClient, log);
  keepStatusesClean(options, sideClient, log);
  await controller.start();
}

/** Makes the speakers' Secret as soon as the API server answers. */
function keepMemberlistSecret(options: ControllerOptions, client: ApiClient, log: Logger): void {
  const { memberlistSecretName: secretName, namespace, deployment } = options;
  if (secretName === undefined) return;
  const attempt = (): void => {
    ensureMemberlistSecret({ client, namespace, secretName, deployment, log }).catch(
      (error: unknown) => {
        log.warn(
          { err: error, secret: secretName },
          "the Secret of the speakers could not be made",
        );
        setTimeout(attempt, SECRET_RETRY_MS).unref();
      },
    );
  };
  attempt();
}

/** Needs no Lease: two controllers delete the same objects. */
function keepStatusesClean({ namespace }: ControllerOptions, client: ApiClient, log: Logger): void {
  const cleanup = new StatusCleanup({ client, namespace, log });
  const look = (): void => {
    cleanup.look().catch((error: unknown) => {
      log.debug({ err: error }, "statuses of nodes without a speaker could not be looked for");
    });
  };
  setInterval(look, STATUS_CLEANUP_EVERY_MS).unref();
}

/** `a,b`; the word `none` is no name. */
function splitNames(text: string): readonly string[] {
  const names = text.split(",").map(name => name.trim());
  return names.filter(name => name !== "" && name !== "none");
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
