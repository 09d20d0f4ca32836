/**
 * Old configurations in a running cluster: the controller writes what they say as objects, so that speakers, admission and users see one
 * configuration (docs/convert.md, ADR 0004). Objects of users are never touched. What is written stays when the old configuration is
 * deleted or broken: no Service loses its address by that.
 */
import type { Logger } from "pino";
import {
  FIELD_MANAGER,
  isOurs,
  planMigration,
  type MigrationPlan,
  type StoredObject,
} from "../../lib/config/legacy/plan";
import { isRefused, type PlacedProblem } from "../../lib/config/legacy/resources";
import { formatObject, formatProblem, type ObjectRef } from "../../lib/config/problem";
import type { ApiClient } from "../cluster/api-client";
import { ApiError, isOutage } from "../cluster/api-error";
import type { ApiObject } from "../cluster/api-object";
import type { EventRecorder } from "../cluster/events";
import { Informer } from "../cluster/informer";
import type { ReconcileResult } from "../cluster/key-queue";
import {
  convertStoredConfigMap,
  readAddressPools,
  toLegacyConfigMap,
  type LegacyConfigMap,
  type LegacySource,
} from "../cluster/legacy-sources";
import { carryOut, readStored } from "../cluster/legacy-writer";

export interface LegacyConfigurationOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  /** Names of ConfigMaps, the one that counts first; empty turns all of this off. */
  readonly names: readonly string[];
  readonly events: Pick<EventRecorder, "record">;
  /** Whether this process may write. */
  readonly mayWrite: () => boolean;
  /** A ConfigMap changed: `reconcile` is due. */
  readonly onChange: () => void;
  readonly log: Logger;
}

/** How often it is looked for AddressPools, and for objects that somebody deleted. */
const LOOK_AGAIN_MS = 60_000;

const MAX_NAMED = 20;

/** Changes when the objects of the source are made, removed or edited; not when a status is written. */
function fingerprint({ label, text }: LegacySource, stored: readonly StoredObject[]): string {
  const ours = stored.filter(object => isOurs(object, label));
  const seen = ours.map(({ kind, metadata: { uid, generation, resourceVersion } }) => [
    kind,
    uid,
    generation ?? resourceVersion,
  ]);
  return JSON.stringify([text, seen]);
}

export class LegacyConfiguration {
  readonly #options: LegacyConfigurationOptions;
  readonly #configMaps: Informer<LegacyConfigMap>;
  readonly #errors = new Map<string, readonly PlacedProblem[]>();
  /** What was told last about each source. */
  readonly #told = new Map<string, string>();
  /** Of each source what it and its objects were when they were last found to agree. */
  readonly #settled = new Map<string, string>();
  /** The text of each source that the cluster refused, as a policy of somebody else may. */
  readonly #refused = new Map<string, string>();
  #isWriting = false;

  constructor(options: LegacyConfigurationOptions) {
    this.#options = options;
    const { client, namespace, names, log } = options;
    this.#configMaps = new Informer<LegacyConfigMap>({
      client,
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      store: (object: ApiObject) => toLegacyConfigMap(object, names),
      onChange: (_, now, before) => {
        if (now === undefined && before !== undefined) this.#noteDeleted(before);
        options.onChange();
      },
      log,
    });
  }

  get isOn(): boolean {
    return this.#options.names.length > 0;
  }

  /** Whether objects are being written, so that the configuration is between two states. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Why an old configuration is not, or not in its present form, in force. */
  errors(): readonly PlacedProblem[] {
    return [...this.#errors.values()].flat();
  }

  start(): void {
    if (this.isOn) this.#configMaps.start();
  }

  stop(): void {
    if (this.isOn) this.#configMaps.stop();
  }

  async whenSynced(): Promise<void> {
    if (this.isOn) await this.#configMaps.whenSynced();
  }

  /** Writes what differs. Throws to be called again with back-off. */
  async reconcile(): Promise<ReconcileResult> {
    if (!this.isOn || !this.#options.mayWrite()) return {};
    const { client, namespace } = this.#options;
    await this.#configMaps.refresh();
    const configMap = this.#pick();
    const sources = [
      ...(configMap === undefined ? [] : [convertStoredConfigMap(configMap, namespace)]),
      ...[await readAddressPools(client, namespace)].filter(source => source !== undefined),
    ];
    this.#forgetErrorsBut(sources);
    for (const source of sources) await this.#follow(source, configMap);
    return { requeueAfterMs: LOOK_AGAIN_MS };
  }

  /** The first by the order of the names; one that was retired counts as gone. */
  #pick(): LegacyConfigMap | undefined {
    const found = [...this.#configMaps.values()].filter(({ isRetired }) => !isRetired);
    const { names } = this.#options;
    const [first, ...more] = found.sort(
      (left, right) => names.indexOf(left.name) - names.indexOf(right.name),
    );
    for (const { name, uid } of first === undefined ? [] : more) {
      const message = `Not read: ConfigMap "${first?.name ?? ""}" comes first. Move what you need into it, or delete it.`;
      this.#tell({ kind: "ConfigMap", name, uid }, { reason: "ConfigurationIgnored", message });
    }
    return first;
  }

  async #follow(source: LegacySource, configMap: LegacyConfigMap | undefined): Promise<void> {
    const { client, namespace, mayWrite } = this.#options;
    const stored = await readStored(client, namespace);
    const plan = planMigration(source.conversion, stored, source);
    const key = source.label;
    this.#errors.set(
      key,
      plan.problems.filter(problem => problem.severity === "refuse"),
    );
    const now = fingerprint(source, stored);
    if (mayWrite() && this.#settled.get(key) !== now) {
      const refusal = await this.#write(plan, source);
      if (refusal !== undefined) {
        this.#tellRefusal(source.source, refusal, configMap?.uid);
        return;
      }
      this.#settled.set(key, now);
    }
    this.#tellOutcome(source.source, plan, configMap?.uid);
  }

  /** Carries the plan out; returns why the cluster does not let it. What was refused once is tried again without removing anything. */
  async #write(plan: MigrationPlan, { label, text }: LegacySource): Promise<ApiError | undefined> {
    const { client, log } = this.#options;
    this.#isWriting = true;
    try {
      await carryOut(plan.steps, {
        client,
        fieldManager: FIELD_MANAGER,
        mayRemove: this.#refused.get(label) !== text,
        onDone: (step, { kind, name }) =>
          log.info({ kind, name, step }, "an object follows the old configuration"),
      });
      this.#refused.delete(label);
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError) || isOutage(error) || error.status === 409) throw error;
      this.#refused.set(label, text);
      return error;
    } finally {
      this.#isWriting = false;
    }
  }

  #forgetErrorsBut(sources: readonly LegacySource[]): void {
    const labels = new Set(sources.map(({ label }) => label));
    for (const label of this.#errors.keys()) if (!labels.has(label)) this.#errors.delete(label);
  }

  #tellOutcome(source: ObjectRef, plan: MigrationPlan, uid: string | undefined): void {
    const { problems } = plan;
    const object = source.kind === "ConfigMap" ? { ...source, uid } : undefined;
    const isBad = isRefused(problems);
    const told = problems.filter(({ severity }) => severity !== "inform");
    const message = isBad
      ? `${problems
          .filter(one => one.severity === "refuse")
          .map(formatProblem)
          .join(" ")} What was in force before stays.`
      : [...told.map(formatProblem), describe(plan.objects)].join(" ");
    const reason = isBad
      ? "ConfigurationError"
      : told.length > 0
        ? "ConfigurationWarning"
        : "ConfigurationConverted";
    this.#tell(object ?? source, { reason, message });
  }

  #tellRefusal(source: ObjectRef, refusal: ApiError, uid: string | undefined): void {
    const object = source.kind === "ConfigMap" ? { ...source, uid } : source;
    const reason = refusal.message.replace(/[^.]$/, "$&.");
    const message = `The cluster does not let it: ${reason} What was in force before stays.`;
    this.#tell(object, { reason: "ConfigurationError", message });
  }

  #noteDeleted({ name }: LegacyConfigMap): void {
    const message = `ConfigMap "${name}" is gone. The resources that were made of it stay, and so do all addresses; they are yours now.`;
    this.#tell({ kind: "ConfigMap", name }, { reason: "ConfigurationKept", message });
  }

  /** Once for each outcome. */
  #tell(
    {
      kind,
      name,
      uid,
    }: { readonly kind: string; readonly name: string; readonly uid?: string | undefined },
    { reason, message }: { readonly reason: string; readonly message: string },
  ): void {
    const { namespace, events, log, mayWrite } = this.#options;
    const key = `${kind}/${name}`;
    if (!mayWrite() || this.#told.get(key) === `${reason} ${message}`) return;
    this.#told.set(key, `${reason} ${message}`);
    const isGood = ["ConfigurationConverted", "ConfigurationKept"].includes(reason);
    log[isGood ? "info" : "warn"]({ kind, name, event: reason }, message);
    const apiVersion = kind === "ConfigMap" ? "v1" : "metallb.io/v1beta1";
    if (name === "") return;
    events.record(
      { apiVersion, kind, namespace, name, uid },
      { type: isGood ? "Normal" : "Warning", reason, message },
    );
  }
}

/** As in `In force as BGPPeer "peer1", IPAddressPool "default"; …`. */
function describe(objects: readonly ObjectRef[]): string {
  const named = objects.slice(0, MAX_NAMED).map(formatObject);
  const more = objects.length > MAX_NAMED ? ` and ${objects.length - MAX_NAMED} more` : "";
  if (named.length === 0) return "It is empty: no address is given by it.";
  return `In force as ${named.join(", ")}${more}. kubectl herald convert --live makes them your own.`;
}
