/** The program of the controller: `npm run controller`, and the entry point of the controller's Pod. */
import { ApiClient } from "../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../capabilities/cluster/cluster-access";
import { createLogger } from "../../capabilities/cluster/log";
import { controllerOptions } from "../../capabilities/controller/options";
import { peprStoreReady } from "./cluster-ready";
import { endOnSignal } from "./ending";
import { peprEnvironment } from "./pepr-environment";
import { loadPeprModule, PEPR_PORT_VARIABLE, readOptions } from "./start";

/** The controller gives its Lease back and then leaves by itself; this is for an API server that does not answer. */
const ENDING_TIMES = { lingerMs: 1_500, limitMs: 1_500 };

async function main(): Promise<void> {
  const { options, notices, env } = readOptions("controller", controllerOptions);
  endOnSignal(ENDING_TIMES);
  const log = createLogger("controller", options.logLevel);
  for (const notice of notices) log.warn(notice);
  log.info({ namespace: options.namespace }, "Herald controller starting");
  const access = loadClusterAccess({ kubeconfig: options.kubeconfig, env: process.env });
  const client = new ApiClient(access);
  await peprStoreReady(client, log);
  client.close();
  const { logLevel } = options;
  // Pepr's server is for the probes of the Deployment that `pepr deploy` makes; ours has ports of its own.
  const webhookPort = Number(process.env[PEPR_PORT_VARIABLE] ?? 0);
  loadPeprModule({ ...env, ...peprEnvironment({ isWatcher: true, logLevel, webhookPort }) });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
