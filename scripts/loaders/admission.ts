/** The program of the webhooks: `npm run admission`, and the entry point of the admission Pods. */
import { admissionOptions } from "../../capabilities/admission/options";
import { ApiClient } from "../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../capabilities/cluster/cluster-access";
import { createLogger } from "../../capabilities/cluster/log";
import { peprStoreReady } from "./cluster-ready";
import { endOnSignal } from "./ending";
import { peprEnvironment } from "./pepr-environment";
import { findServingMaterial } from "./serving-material";
import { loadPeprModule, readOptions, withTlsMinVersion } from "./start";

const ENDING_LIMIT_MS = 1_500;

async function main(): Promise<void> {
  const { options, notices, env } = readOptions("admission", admissionOptions);
  endOnSignal({ limitMs: ENDING_LIMIT_MS });
  const log = createLogger("admission", options.logLevel);
  for (const notice of notices) log.warn(notice);
  log.info(
    { port: options.webhookPort, namespace: options.namespace },
    "Herald admission starting",
  );
  const access = loadClusterAccess({ kubeconfig: options.kubeconfig, env: process.env });
  const client = new ApiClient(access);
  const material = await findServingMaterial(options, process.env, { client, log });
  try {
    await peprStoreReady(client, log);
    client.close();
    const { logLevel, webhookPort } = options;
    const pepr = peprEnvironment({ isWatcher: false, logLevel, webhookPort });
    withTlsMinVersion(options.tlsMinVersion, () => {
      loadPeprModule({ ...env, ...pepr, ...material.env });
    });
  } finally {
    // Pepr has read the files when its module is loaded.
    material.dispose();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
