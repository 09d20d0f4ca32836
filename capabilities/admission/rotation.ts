/**
 * Watches the Secret of the webhooks, hands on what a replica serves with, and takes the Secret from state to state when it is time
 * for another certificate, or when somebody asks for it (`ROTATE_ANNOTATION`).
 *
 * Every replica runs this. They cannot get into each other's way: a step is one write of the Secret with the version that was read,
 * so that one of them makes it and the others learn of it; and the webhook configurations follow from the Secret alone. A
 * configuration is read before the Secret and written with the version that was read, so that none can be set back to an older Secret.
 * How long a state has lasted is measured by each replica for itself on its monotonic clock: clocks may differ.
 */
import type { Logger } from "pino";
import type { ApiClient } from "../cluster/api-client";
import { isConflict, isNotFound } from "../cluster/api-error";
import type { ApiObject } from "../cluster/api-object";
import { Informer } from "../cluster/informer";
import { KeyQueue, type ReconcileResult } from "../cluster/key-queue";
import {
  inStepWith,
  WEBHOOK_CONFIGURATION,
  type WebhookConfiguration,
} from "./webhook-configurations";
import {
  advance,
  completeSecret,
  introduceNext,
  isComplete,
  isRotationDue,
  phaseOf,
  type SecretTexts,
  type WebhookSecret,
} from "./webhook-secret";

/** On the Secret, with any value: make a new authority, certificate and token now. */
export const ROTATE_ANNOTATION = "metallb.io/rotate";

export interface RotationOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly secretName: string;
  /** What the certificate has to name. */
  readonly hosts: readonly string[];
  /** How long each state lasts at least, so that every replica and API server knows it. */
  readonly settleMs: number;
  /** False: only watch. */
  readonly mayWrite: boolean;
  /** Told at the start and after each change, as soon as it is known. */
  readonly adopt: (secret: SecretTexts & WebhookSecret) => void;
  readonly log: Logger;
}

interface SecretObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

interface StoredConfiguration {
  readonly path: string;
  readonly configuration: WebhookConfiguration;
}

const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";
const CONFIGURATIONS = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
/** Between two looks at the age of the certificate. */
const CHECK_MS = 60 * 60 * 1000;
const BACKOFF = { minBackoffMs: 100, maxBackoffMs: 5_000 };
const CONFLICT_MS = 50;
const KEY = "webhooks";

export class Rotation {
  readonly #options: RotationOptions;
  readonly #queue: KeyQueue;
  readonly #informers: readonly Informer<unknown>[];
  readonly #collection: string;
  /** The last complete Secret: what is put back when somebody deletes it. */
  #known: SecretTexts = {};
  /** Since when this replica has seen the Secret in this version with the configurations in step. */
  #settled = { version: "", sinceMs: 0 };

  constructor(options: RotationOptions) {
    this.#options = options;
    this.#collection = `/api/v1/namespaces/${options.namespace}/secrets`;
    this.#queue = new KeyQueue({
      reconcile: () => this.#reconcile(),
      concurrency: 1,
      ...BACKOFF,
      log: options.log,
    });
    const configurations = options.mayWrite ? CONFIGURATIONS : [];
    this.#informers = [
      this.#watchSecret(),
      ...configurations.map(kind => this.#watchConfiguration(`${REGISTRATION}/${kind}`)),
    ];
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
    this.#queue.add(KEY);
  }

  stop(): void {
    for (const informer of this.#informers) informer.stop();
    void this.#queue.stop();
  }

  /** A change is adopted at once: it must not wait for a queue that waits after a failure. */
  #watchSecret(): Informer<SecretTexts> {
    const { client, secretName, log, adopt } = this.#options;
    return new Informer<SecretTexts>({
      client,
      path: this.#collection,
      selectors: { fieldSelector: `metadata.name=${secretName}` },
      store: (object: ApiObject) => decode((object as SecretObject).data),
      onChange: (_key, texts) => {
        if (texts !== undefined && isComplete(texts)) {
          this.#known = texts;
          adopt(texts);
        }
        this.#queue.add(KEY);
      },
      log,
    });
  }

  /** Any change is a reason to look; what is decided is decided from what is read then. */
  #watchConfiguration(path: string): Informer<string> {
    return new Informer<string>({
      client: this.#options.client,
      path,
      selectors: { fieldSelector: `metadata.name=${WEBHOOK_CONFIGURATION}` },
      store: object => object.metadata?.resourceVersion,
      onChange: () => this.#queue.add(KEY),
      log: this.#options.log,
    });
  }

  /** Another replica that was faster is no failure. */
  async #reconcile(): Promise<ReconcileResult> {
    try {
      return await this.#look();
    } catch (error) {
      if (isConflict(error)) return { requeueAfterMs: CONFLICT_MS };
      throw error;
    }
  }

  async #look(): Promise<ReconcileResult> {
    const configurations = this.#options.mayWrite ? await this.#readConfigurations() : [];
    const object = await this.#readSecret();
    const texts = decode(object?.data);
    if (object === undefined || !isComplete(texts)) {
      await this.#restore(object, texts);
      return {};
    }
    if (configurations.length === 0) return { requeueAfterMs: CHECK_MS };
    await this.#bringInStep(configurations, object, texts);
    return this.#step(object, texts);
  }

  async #readConfigurations(): Promise<readonly StoredConfiguration[]> {
    const found = await Promise.all(
      CONFIGURATIONS.map(async kind => {
        const path = `${REGISTRATION}/${kind}/${WEBHOOK_CONFIGURATION}`;
        const configuration = await this.#find<WebhookConfiguration>(path);
        return configuration && { path, configuration };
      }),
    );
    return found.filter(stored => stored !== undefined);
  }

  #readSecret(): Promise<SecretObject | undefined> {
    return this.#find(`${this.#collection}/${this.#options.secretName}`);
  }

  async #find<Answer>(path: string): Promise<Answer | undefined> {
    try {
      return await this.#options.client.get<Answer>(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Puts back a Secret that is gone or cannot be used, as we knew it; makes what it never had. */
  async #restore(object: SecretObject | undefined, texts: SecretTexts): Promise<void> {
    const { namespace, secretName: name, hosts, mayWrite, log, client } = this.#options;
    const where = `the Secret ${namespace}/${name}`;
    if (!mayWrite) {
      throw new Error(
        `${where} needs ca.crt, ca.key, tls.crt, tls.key and token, a pair that fits`,
      );
    }
    const found = isComplete(this.#known) ? this.#known : texts;
    const data = encode(await completeSecret(found, hosts, Date.now()));
    if (object === undefined) {
      const metadata = { name, namespace };
      await client.post(this.#collection, {
        apiVersion: "v1",
        kind: "Secret",
        metadata,
        data,
      });
    } else {
      await client.put(`${this.#collection}/${name}`, { ...object, data });
    }
    log.warn(
      { known: isComplete(this.#known) },
      `${where} was missing, incomplete or of no use and is made`,
    );
  }

  /** A configuration that had to be written starts the time of the Secret's state anew. */
  async #bringInStep(
    configurations: readonly StoredConfiguration[],
    { metadata }: SecretObject,
    texts: SecretTexts & WebhookSecret,
  ): Promise<void> {
    const version = metadata.resourceVersion ?? "";
    if (version !== this.#settled.version) this.#settled = { version, sinceMs: performance.now() };
    for (const { path, configuration } of configurations) {
      const wanted = inStepWith(texts, configuration);
      if (wanted === undefined) continue;
      await this.#options.client.put(path, wanted);
      this.#settled = { version, sinceMs: performance.now() };
      this.#options.log.info({ path, phase: phaseOf(texts) }, "a webhook configuration is written");
    }
  }

  /** The next step, or when to look again. */
  async #step(object: SecretObject, texts: SecretTexts & WebhookSecret): Promise<ReconcileResult> {
    const phase = phaseOf(texts);
    const { hosts, settleMs } = this.#options;
    if (phase !== "steady") {
      const leftMs = this.#settled.sinceMs + settleMs - performance.now();
      if (leftMs > 0) return { requeueAfterMs: Math.ceil(leftMs) };
      await this.#write(object, advance(texts));
      return {};
    }
    const isRequested = object.metadata.annotations?.[ROTATE_ANNOTATION] !== undefined;
    const nowMs = Date.now();
    if (!isRequested && !isRotationDue(texts, hosts, nowMs)) return { requeueAfterMs: CHECK_MS };
    const how = { nowMs, withNewAuthority: isRequested };
    await this.#write(object, await introduceNext(texts, hosts, how));
    return {};
  }

  /** Rejects with a conflict when another replica was faster. */
  async #write(object: SecretObject, texts: SecretTexts): Promise<void> {
    const annotations = Object.entries(object.metadata.annotations ?? {}).filter(
      ([name]) => name !== ROTATE_ANNOTATION,
    );
    const metadata = { ...object.metadata, annotations: Object.fromEntries(annotations) };
    const path = `${this.#collection}/${object.metadata.name}`;
    await this.#options.client.put(path, { ...object, metadata, data: encode(texts) });
    this.#options.log.info({ phase: phaseOf(texts) }, "rotation of the webhooks' certificate");
  }
}

function decode(data: Readonly<Record<string, string>> = {}): SecretTexts {
  return mapTexts(data, text => Buffer.from(text, "base64").toString("utf8"));
}

function encode(texts: SecretTexts): Readonly<Record<string, string>> {
  return mapTexts(texts, text => Buffer.from(text, "utf8").toString("base64"));
}

function mapTexts(
  texts: Readonly<Record<string, string>>,
  map: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, map(text)]));
}
