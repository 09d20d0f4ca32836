/**
 * ConfigurationState `controller`: whether the configuration could be used, for users and for tools. Made when it is missing, with
 * the own Pod as owner, and written when the verdict changes or somebody changed it.
 */
import type { Logger } from "pino";
import type { ConfigurationState } from "../../lib/config/generated/resources";
import type { ApiClient } from "../cluster/api-client";
import { isConflict, isNotFound } from "../cluster/api-error";
import type { ReconcileResult } from "../cluster/key-queue";
import { findOwnPod } from "../cluster/own-pod";

const NAME = "controller";
const CONDITION = "poolReconcilerValid";
const FIELD_OWNER = "poolReconciler";
const MESSAGE_LENGTH_MAX = 32_768;

/** How often it is looked whether somebody deleted or changed it. */
const LOOK_AGAIN_MS = 60_000;

export interface ConfigurationStateOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly podName: string | undefined;
  readonly log: Logger;
  readonly now: () => Date;
}

export class ConfigurationStateWriter {
  readonly #options: ConfigurationStateOptions;
  readonly #path: string;
  #summary: string | undefined;
  #writtenSummary: string | undefined;

  constructor(options: ConfigurationStateOptions) {
    this.#options = options;
    this.#path = `/apis/metallb.io/v1beta1/namespaces/${options.namespace}/configurationstates`;
  }

  /** The verdict to be written: the errors, one a line; empty when all is well. */
  set(summary: string): void {
    this.#summary = summary;
  }

  /** Writes what differs. Throws to be called again with back-off. */
  async reconcile(): Promise<ReconcileResult> {
    if (this.#summary === undefined) return {};
    const stored = await this.#read();
    if (stored === undefined) await this.#create();
    if (stored === undefined || !this.#isCurrent(stored)) await this.#apply(this.#summary);
    return { requeueAfterMs: LOOK_AGAIN_MS };
  }

  #isCurrent({ status }: ConfigurationState): boolean {
    const condition = status?.conditions?.find(({ type }) => type === CONDITION);
    const isSame = status?.result === this.#result() && condition?.message === this.#message();
    return isSame && this.#writtenSummary === this.#summary;
  }

  async #read(): Promise<ConfigurationState | undefined> {
    try {
      return await this.#options.client.get<ConfigurationState>(`${this.#path}/${NAME}`);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #create(): Promise<void> {
    const { client, namespace, podName } = this.#options;
    const owner = await findOwnPod(podName, namespace, this.#options);
    const metadata = {
      name: NAME,
      namespace,
      labels: { "metallb.io/component-type": "controller" },
      ownerReferences: owner === undefined ? [] : [owner],
    };
    try {
      await client.post(this.#path, { ...KIND, metadata });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  async #apply(summary: string): Promise<void> {
    const isValid = summary === "";
    const condition = {
      type: CONDITION,
      status: isValid ? "True" : "False",
      reason: isValid ? "Reconciled" : "ConfigurationError",
      message: this.#message(),
      lastTransitionTime: this.#options
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, "Z"),
    };
    const status = {
      result: this.#result(),
      errorSummary: this.#message(),
      conditions: [condition],
    };
    await this.#options.client.patch(
      `${this.#path}/${NAME}/status`,
      { ...KIND, metadata: { name: NAME }, status },
      {
        contentType: "application/apply-patch+yaml",
        query: { fieldManager: FIELD_OWNER, force: true },
      },
    );
    this.#writtenSummary = summary;
  }

  #result(): string {
    return this.#summary === "" ? "Valid" : "Invalid";
  }

  #message(): string {
    return (this.#summary ?? "").slice(0, MESSAGE_LENGTH_MAX);
  }
}

const KIND = { apiVersion: "metallb.io/v1beta1", kind: "ConfigurationState" } as const;
