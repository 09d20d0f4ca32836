/**
 * Where the webhooks' certificate, key and token come from: files that somebody else keeps, or the Secret that the replicas keep
 * themselves. Both may change while the process runs.
 */
import { existsSync, readFileSync, unwatchFile, watchFile } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { AdmissionOptions } from "../../capabilities/admission/options";
import { Rotation } from "../../capabilities/admission/rotation";
import {
  servingHosts,
  servingOf,
  type SecretTexts,
  type Serving,
  type WebhookSecret,
} from "../../capabilities/admission/webhook-secret";
import type { ApiClient } from "../../capabilities/cluster/api-client";

type Environment = Readonly<Record<string, string | undefined>>;

export interface MaterialDeps {
  readonly client: ApiClient;
  readonly log: Logger;
  /** Told first before `start` resolves, then after each change. */
  readonly adopt: (serving: Serving) => void;
}

/** The file that Pepr's own Deployment mounts; it is used when no variable names the token. */
const PEPR_TOKEN_FILE = "/app/api-path/value";

/** A mounted Secret changes within a minute or so anyway. */
const FILE_CHECK_MS = 10_000;

interface Files {
  readonly certificate: string;
  readonly key: string;
}

/**
 * In this order: SSL_CERT_PATH and SSL_KEY_PATH, `--cert-dir`, the Secret; the token from PEPR_API_PATH, Pepr's file, the Secret.
 * With all of it from the Secret, it is made, renewed and put back when it is gone, unless that is switched off.
 */
export class ServingMaterial {
  readonly #files: Files | undefined;
  readonly #token: string | undefined;
  readonly #deps: MaterialDeps;
  readonly #rotation: Rotation | undefined;
  #secret: (SecretTexts & WebhookSecret) | undefined;
  #told = "";
  #onFirst: () => void = () => undefined;

  private constructor(options: AdmissionOptions, env: Environment, deps: MaterialDeps) {
    this.#deps = deps;
    this.#files = certificateFiles(options, env);
    this.#token = givenToken(env);
    if (this.#files !== undefined && this.#token !== undefined) return;
    const isOurs = this.#files === undefined && this.#token === undefined;
    const { namespace, webhookSecret: secretName, certificateService, settleMs } = options;
    this.#rotation = new Rotation({
      client: deps.client,
      namespace,
      secretName,
      hosts: servingHosts(namespace, certificateService),
      settleMs,
      mayWrite: isOurs && !options.isRotationDisabled,
      adopt: secret => {
        this.#secret = secret;
        this.#tell();
      },
      log: deps.log,
    });
  }

  /** Resolves once everything is there, however long that takes; files that cannot be read are an error. */
  static async start(
    options: AdmissionOptions,
    env: Environment,
    deps: MaterialDeps,
  ): Promise<ServingMaterial> {
    const material = new ServingMaterial(options, env, deps);
    const first = new Promise<void>(resolve => (material.#onFirst = resolve));
    material.#watchFiles();
    material.#rotation?.start();
    if (material.#rotation === undefined) material.#tell();
    await first;
    return material;
  }

  stop(): void {
    this.#rotation?.stop();
    for (const path of this.#paths()) unwatchFile(path);
  }

  #paths(): readonly string[] {
    return this.#files === undefined ? [] : [this.#files.certificate, this.#files.key];
  }

  #watchFiles(): void {
    const tell = (): void => {
      try {
        this.#tell();
      } catch (error) {
        this.#deps.log.warn({ err: error }, "the files of the certificate cannot be read");
      }
    };
    for (const path of this.#paths()) watchFile(path, { interval: FILE_CHECK_MS }, tell);
  }

  #tell(): void {
    const fromSecret = this.#secret && servingOf(this.#secret);
    const certified = this.#files === undefined ? fromSecret : readFiles(this.#files);
    const tokens = this.#token === undefined ? fromSecret?.tokens : [this.#token];
    if (certified === undefined || tokens === undefined) return;
    const serving = { certificate: certified.certificate, key: certified.key, tokens };
    const text = JSON.stringify(serving);
    if (text === this.#told) return;
    this.#deps.adopt(serving);
    this.#told = text;
    this.#onFirst();
  }
}

function readFiles({ certificate, key }: Files): { certificate: string; key: string } {
  return { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
}

function certificateFiles(options: AdmissionOptions, env: Environment): Files | undefined {
  const certificate = env["SSL_CERT_PATH"];
  const key = env["SSL_KEY_PATH"];
  if (isSet(certificate) && isSet(key)) return { certificate, key };
  const folder = options.certificateFolder;
  if (folder === undefined) return undefined;
  return { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key") };
}

function givenToken(env: Environment): string | undefined {
  if (isSet(env["PEPR_API_PATH"])) return env["PEPR_API_PATH"];
  return existsSync(PEPR_TOKEN_FILE) ? readFileSync(PEPR_TOKEN_FILE, "utf8").trim() : undefined;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
