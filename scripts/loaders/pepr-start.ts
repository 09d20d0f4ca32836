/**
 * What the Deployments of `pepr deploy` start (in place of Pepr's own loader, which runs the module in a child without signals):
 * the controller or the admission of this image, with the module that `pepr deploy` has brought in a Secret. The controller first
 * applies what Pepr does not know: definitions, namespace, account and DaemonSet of the speakers.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ApiClient } from "../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../capabilities/cluster/cluster-access";
import { createLogger } from "../../capabilities/cluster/log";
import { addMissing } from "./added-objects";
import { MODULE_VARIABLE, PEPR_PORT_VARIABLE } from "./start";

/** Where Pepr's Deployments mount the module, certificate and key. */
const MODULE_FOLDER = "/app/load";
const CERTIFICATE_FOLDER = "/etc/certs";
const PEPR_PORT = "3000";
const NAMESPACE = "metallb-system";

async function main(): Promise<void> {
  const isWatcher = process.env["PEPR_WATCH_MODE"] === "true";
  const defaults: Record<string, string> = {
    METALLB_NAMESPACE: NAMESPACE,
    METALLB_ML_SECRET_NAME: "memberlist",
    METALLB_WEBHOOK_PORT: PEPR_PORT,
    METALLB_SECURE_METRICS: "true",
    [PEPR_PORT_VARIABLE]: PEPR_PORT,
    SSL_CERT_PATH: join(CERTIFICATE_FOLDER, "tls.crt"),
    SSL_KEY_PATH: join(CERTIFICATE_FOLDER, "tls.key"),
    [MODULE_VARIABLE]: unpackModule(process.argv[2] ?? ""),
  };
  process.env = { ...defaults, ...process.env };
  if (isWatcher) await completeInstallation();
  // Our programs read flags; here there are none.
  process.argv.length = 2;
  createRequire(__filename)(join(__dirname, isWatcher ? "controller.js" : "admission.js"));
}

/** The path of the module, whose SHA-256 is in the argument. Throws when it is another one. */
function unpackModule(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`${sha256} is no SHA-256 of a Pepr module`);
  const code = gunzipSync(readFileSync(join(MODULE_FOLDER, `module-${sha256}.js.gz`)));
  const actual = createHash("sha256").update(code).digest();
  if (!timingSafeEqual(actual, Buffer.from(sha256, "hex"))) {
    throw new Error(`the Pepr module is not the one with SHA-256 ${sha256}`);
  }
  const path = join(__dirname, `module-${sha256}.js`);
  writeFileSync(path, code);
  return path;
}

async function completeInstallation(): Promise<void> {
  const log = createLogger("controller", "info");
  const client = new ApiClient(loadClusterAccess({ env: process.env }));
  await addMissing({ client, log, podName: process.env["HOSTNAME"] ?? "" });
  client.close();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
