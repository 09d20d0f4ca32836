/** The program of the webhooks: `npm run admission`, and the entry point of the admission Pods. */
import { admissionOptions } from "../../capabilities/admission/options";
import type { Serving } from "../../capabilities/admission/webhook-secret";
import { ApiClient } from "../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../capabilities/cluster/cluster-access";
import { createLogger } from "../../capabilities/cluster/log";
import { NODE_TLS_VERSION } from "../../capabilities/cluster/secure-metrics";
import { assert } from "../../lib/net/result";
import { peprStoreReady } from "./cluster-ready";
import { endOnSignal } from "./ending";
import { peprEnvironment } from "./pepr-environment";
import { ServingMaterial } from "./serving-material";
import { loadPeprModule, readOptions } from "./start";
import { WebhookServer } from "./webhook-server";

/** After the signal the port stays open until everybody knows that we are not ready; then the process ends. */
const ENDING_TIMES = { lingerMs: 1_000, limitMs: 1_500 };

/** Pepr reads these files and would end without them; what is in them is not used. */
const NO_FILES = { SSL_CERT_PATH: "/dev/null", SSL_KEY_PATH: "/dev/null" };

async function main(): Promise<void> {
  const { options, notices, env } = readOptions("admission", admissionOptions);
  const now: { serving?: Serving; server?: WebhookServer } = {};
  endOnSignal({ ...ENDING_TIMES, onSignal: () => now.server?.drain() });
  const log = createLogger("admission", options.logLevel);
  for (const notice of notices) log.warn(notice);
  log.info(
    { port: options.webhookPort, namespace: options.namespace },
    "Herald admission starting",
  );
  const access = loadClusterAccess({ kubeconfig: options.kubeconfig, env: process.env });
  const client = new ApiClient(access);
  await peprStoreReady(client, log);
  await ServingMaterial.start(options, process.env, {
    client,
    log,
    adopt: serving => {
      now.serving = serving;
      now.server?.adopt(serving);
    },
  });
  assert(now.serving !== undefined, "the material is there");
  const { logLevel, webhookPort } = options;
  const pepr = peprEnvironment({ isWatcher: false, logLevel, webhookPort });
  const minVersion = NODE_TLS_VERSION[options.tlsMinVersion];
  now.server = WebhookServer.start(now.serving, minVersion, token => {
    loadPeprModule({ ...env, ...pepr, ...NO_FILES, ...token });
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
