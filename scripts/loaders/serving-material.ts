/** Where the webhooks' certificate, key and token come from: files, or the Secret that the installation keeps. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import type { ApiReader } from "../../capabilities/cluster/api-client";
import type { AdmissionOptions } from "../../capabilities/admission/options";
import { untilReady } from "./cluster-ready";

type Environment = Readonly<Record<string, string | undefined>>;

/** What Pepr's server reads at its start; `dispose` removes what was written for it. */
export interface ServingMaterial {
  readonly env: Readonly<Record<string, string>>;
  readonly dispose: () => void;
}

/** The file that Pepr's own Deployment mounts; it is used when no variable names the token. */
const PEPR_TOKEN_FILE = "/app/api-path/value";

/**
 * In this order: SSL_CERT_PATH and SSL_KEY_PATH, `--cert-dir`, the Secret; the token from PEPR_API_PATH, Pepr's file, the Secret.
 * Waits for the Secret when it is needed.
 */
export async function findServingMaterial(
  options: AdmissionOptions,
  env: Environment,
  deps: { readonly client: ApiReader; readonly log: Logger },
): Promise<ServingMaterial> {
  const files = certificateFiles(options, env);
  const hasToken = isSet(env["PEPR_API_PATH"]) || existsSync(PEPR_TOKEN_FILE);
  if (files !== undefined && hasToken) return { env: files, dispose: () => undefined };
  const secret = await readSecret(options, deps);
  const token = hasToken ? {} : { PEPR_API_PATH: secret("token") };
  if (files !== undefined) return { env: { ...files, ...token }, dispose: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "herald-webhook-"));
  const write = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(path, secret(name), { mode: 0o600 });
    return path;
  };
  return {
    env: { SSL_CERT_PATH: write("tls.crt"), SSL_KEY_PATH: write("tls.key"), ...token },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function certificateFiles(
  options: AdmissionOptions,
  env: Environment,
): { SSL_CERT_PATH: string; SSL_KEY_PATH: string } | undefined {
  const certificate = env["SSL_CERT_PATH"];
  const key = env["SSL_KEY_PATH"];
  if (isSet(certificate) && isSet(key)) return { SSL_CERT_PATH: certificate, SSL_KEY_PATH: key };
  const folder = options.certificateFolder;
  if (folder === undefined) return undefined;
  return { SSL_CERT_PATH: join(folder, "tls.crt"), SSL_KEY_PATH: join(folder, "tls.key") };
}

interface Secret {
  readonly data?: Readonly<Record<string, string>>;
}

async function readSecret(
  options: AdmissionOptions,
  { client, log }: { readonly client: ApiReader; readonly log: Logger },
): Promise<(key: string) => string> {
  const { namespace, webhookSecret } = options;
  const path = `/api/v1/namespaces/${namespace}/secrets/${webhookSecret}`;
  const where = `the Secret ${namespace}/${webhookSecret}`;
  return untilReady(where, log, async signal => {
    const { data = {} } = await client.get<Secret>(path, { signal });
    const missing = ["tls.crt", "tls.key", "token"].filter(key => !isSet(data[key]));
    if (missing.length > 0) throw new Error(`${where} has no ${missing.join(", ")}`);
    return (key: string) => Buffer.from(data[key] ?? "", "base64").toString("utf8");
  });
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
