/**
 * What Herald needs in a cluster before its parts start: definitions, namespaces, accounts, the certificate and token of the
 * webhooks, and the webhook configurations. Running it again changes nothing that is still good.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  completeSecret,
  servingHosts,
  trustedAuthorities,
  WEBHOOK_SECRET,
  type SecretTexts,
  type WebhookSecret,
} from "../capabilities/admission/webhook-secret";
import { customResourceDefinitions, parseObjects } from "../scripts/manifest/definitions";
import { namespaces } from "../scripts/manifest/namespaces";
import { WEBHOOK_SERVICE } from "../scripts/manifest/pod-parts";
import { accountsAndRoles, type ManifestObject } from "../scripts/manifest/rbac";
import { webhookConfigurations } from "../scripts/manifest/webhooks";
import { REPOSITORY } from "./paths";
import { LabError, type RunOptions, type RunResult } from "./run";

/** Runs kubectl as an administrator of the cluster. */
export type Kubectl = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

export interface InstallOptions {
  readonly kubectl: Kubectl;
  /** Default: metallb-system. */
  readonly namespace?: string;
  /** Where the API server reaches admission, without a path. Default: https://127.0.0.1:3000. */
  readonly admissionUrl?: string;
  /** Gets one line per thing done. */
  readonly report?: (line: string) => void;
}

const FIELD_MANAGER = "herald-install";
const PEPR_MANIFEST = join(REPOSITORY, "dist/pepr-module-herald.yaml");

/** Installs or brings up to date. Resolves with the Secret of the webhooks. */
export async function install(options: InstallOptions): Promise<WebhookSecret> {
  const { namespace = "metallb-system", admissionUrl = "https://127.0.0.1:3000" } = options;
  const report = options.report ?? (() => undefined);
  const definitions = customResourceDefinitions();
  await apply(options.kubectl, [...namespaces(namespace), ...definitions]);
  report(`${definitions.length} custom resource definitions, namespaces ${namespace}, pepr-system`);
  const names = definitions.map(({ metadata }) => `crd/${metadata.name}`);
  await options.kubectl(["wait", "--for=condition=Established", "--timeout=30s", ...names]);

  await apply(options.kubectl, accountsAndRoles(namespace));
  report("accounts and roles of admission, controller and speaker");

  const { secret, isKept } = await ensureSecret(options.kubectl, namespace, admissionUrl);
  report(`Secret ${namespace}/${WEBHOOK_SECRET}: ${isKept ? "kept" : "certificate made"}`);

  const url = admissionUrl.replace(/\/$/, "");
  const caBundle = Buffer.from(trustedAuthorities(secret)).toString("base64");
  const reach = (path: string) => ({ url: `${url}${path}`, caBundle });
  const webhooks = webhookConfigurations(readPeprManifest(), secret.token, reach);
  await apply(options.kubectl, webhooks);
  report(`webhook configurations, admission at ${url}`);
  return secret;
}

async function apply(kubectl: Kubectl, items: readonly ManifestObject[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items };
  const how = ["--server-side", "--force-conflicts", `--field-manager=${FIELD_MANAGER}`];
  await kubectl(["apply", ...how, "-f", "-"], { input: JSON.stringify(list) });
}

function readPeprManifest(): readonly ManifestObject[] {
  if (!existsSync(PEPR_MANIFEST)) {
    throw new LabError("not-built", `${PEPR_MANIFEST} is missing: run "npm run build" first.`);
  }
  return parseObjects(readFileSync(PEPR_MANIFEST, "utf8"));
}

async function ensureSecret(
  kubectl: Kubectl,
  namespace: string,
  admissionUrl: string,
): Promise<{ readonly secret: SecretTexts & WebhookSecret; readonly isKept: boolean }> {
  const host = new URL(admissionUrl).hostname.replace(/^\[|\]$/g, "");
  const hosts = new Set([...servingHosts(namespace, WEBHOOK_SERVICE), host]);
  const found = await readSecret(kubectl, namespace);
  const secret = await completeSecret(found, [...hosts], Date.now());
  const isKept = secret === found;
  if (!isKept) await apply(kubectl, [secretObject(namespace, secret)]);
  return { secret, isKept };
}

function secretObject(namespace: string, secret: SecretTexts): ManifestObject {
  const entries = Object.entries(secret);
  const data = entries.map(([key, text]) => [key, Buffer.from(text).toString("base64")] as const);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: WEBHOOK_SECRET, namespace },
    data: Object.fromEntries(data),
  };
}

async function readSecret(
  kubectl: Kubectl,
  namespace: string,
): Promise<Readonly<Record<string, string>>> {
  const which = ["get", "secret", WEBHOOK_SECRET, "-n", namespace];
  const { stdout } = await kubectl([...which, "-o", "json", "--ignore-not-found"]);
  if (stdout.trim() === "") return {};
  const { data = {} } = JSON.parse(stdout) as { data?: Record<string, string> };
  const texts = Object.entries(data).map(
    ([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")] as const,
  );
  return Object.fromEntries(texts.filter(([, text]) => text !== ""));
}
