/** The cluster's side of convert: what is stored, what a conversion changes for Services, and the switch itself. */
import type { ApiClient } from "../capabilities/cluster/api-client";
import { isNotFound } from "../capabilities/cluster/api-error";
import type { ApiObject } from "../capabilities/cluster/api-object";
import {
  convertStoredConfigMap,
  readAddressPools,
  RETIRED_ANNOTATION,
  toLegacyConfigMap,
  type LegacySource,
} from "../capabilities/cluster/legacy-sources";
import { carryOut, objectPath, readStored } from "../capabilities/cluster/legacy-writer";
import { toConfiguration } from "../lib/config/legacy/config-map";
import { findEffects, type AddressEffect } from "../lib/config/legacy/effect";
import {
  CONVERTED_FROM_LABEL,
  planMigration,
  type MigrationPlan,
  type MigrationStep,
  type StoredObject,
} from "../lib/config/legacy/plan";
import type { ServiceInfo } from "../lib/config/resources";
import { readLiveConfiguration } from "./live-configuration";

/** A conversion against a cluster. */
export interface LivePlan extends MigrationPlan {
  readonly effects: readonly AddressEffect[];
  /** One line for each object: `new`, `changed`, `unchanged`, `gone`. */
  readonly changes: readonly string[];
  readonly stored: readonly StoredObject[];
}

const FIELD_MANAGER = "kubectl-herald";

/** The old configurations of the cluster: the first ConfigMap of the names, and AddressPools. */
export async function readSources(
  client: ApiClient,
  namespace: string,
  names: readonly string[],
): Promise<readonly LegacySource[]> {
  const sources: LegacySource[] = [];
  for (const name of names) {
    const configMap = await readConfigMap(client, namespace, name);
    if (configMap === undefined || sources.length > 0) continue;
    sources.push(configMap);
  }
  const pools = await readAddressPools(client, namespace);
  return pools === undefined ? sources : [...sources, pools];
}

async function readConfigMap(
  client: ApiClient,
  namespace: string,
  name: string,
): Promise<LegacySource | undefined> {
  try {
    const object = await client.get<ApiObject>(configMapPath(namespace, name));
    const found = toLegacyConfigMap(object, [name]);
    return found === undefined || found.isRetired
      ? undefined
      : convertStoredConfigMap(found, namespace);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function configMapPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${name}`;
}

/** What would be written, and what it means for the addresses that Services hold. */
export async function planLive(
  client: ApiClient,
  namespace: string,
  source: Pick<LegacySource, "source" | "label" | "conversion">,
): Promise<LivePlan> {
  const [stored, live] = await Promise.all([
    readStored(client, namespace),
    readLiveConfiguration(client, namespace),
  ]);
  const plan = planMigration(source.conversion, stored, source);
  const services: readonly ServiceInfo[] = live.resources.services ?? [];
  const after = afterwards(stored, plan.steps);
  return {
    ...plan,
    stored,
    effects: findEffects(services, toConfiguration(stored), toConfiguration(after)),
    changes: plan.steps.map(step => describeStep(step, stored)),
  };
}

function afterwards(
  stored: readonly StoredObject[],
  steps: readonly MigrationStep[],
): readonly { readonly kind: string }[] {
  const touched = new Set(steps.map(keyOf));
  const kept = stored.filter(
    ({ kind, metadata }) => !touched.has(`${kind}/${metadata.name ?? ""}`),
  );
  return [...kept, ...steps.flatMap(step => (step.type === "apply" ? [step.object] : []))];
}

function keyOf(step: MigrationStep): string {
  const { kind } = step.object;
  return step.type === "apply"
    ? `${kind}/${step.object.metadata.name}`
    : `${kind}/${step.object.name}`;
}

function describeStep(step: MigrationStep, stored: readonly StoredObject[]): string {
  const key = keyOf(step);
  if (step.type === "delete") return `gone       ${key}`;
  const before = stored.find(({ kind, metadata }) => `${kind}/${metadata.name ?? ""}` === key);
  if (before === undefined) return `new        ${key}`;
  return isUnchanged(before.spec, step.object.spec) ? `unchanged  ${key}` : `changed    ${key}`;
}

function isUnchanged(before: unknown, after: unknown): boolean {
  if (typeof after !== "object" || after === null) return before === after || after === undefined;
  if (typeof before !== "object" || before === null) return false;
  const fields = before as Readonly<Record<string, unknown>>;
  return Object.entries(after).every(([field, value]) => isUnchanged(fields[field], value));
}

/** The ConfigMap stops being read before its objects change hands, so that nobody writes against us. */
export async function retire(client: ApiClient, { source }: LegacySource): Promise<void> {
  if (source.kind !== "ConfigMap") return;
  const annotations = {
    [RETIRED_ANNOTATION]: "its resources are in force; it is not read any more",
  };
  await client.patch(configMapPath(source.namespace, source.name), { metadata: { annotations } });
}

/** Writes the objects as their user's own, and takes our label off those that carried it. */
export async function applyPlan(
  client: ApiClient,
  plan: LivePlan,
  tell: (line: string) => void,
): Promise<void> {
  const steps = plan.steps.map(withoutLabel);
  await carryOut(steps, {
    mayRemove: true,
    client,
    fieldManager: FIELD_MANAGER,
    onDone: (done, { kind, name }) =>
      tell(`${done === "apply" ? "written" : "deleted"}  ${kind}/${name}`),
  });
  const labels = { [CONVERTED_FROM_LABEL]: null };
  for (const step of steps) {
    if (step.type === "delete") continue;
    const { kind, metadata } = step.object;
    const path = objectPath({ kind, namespace: metadata.namespace, name: metadata.name });
    await client.patch(path, { metadata: { labels } }, { query: { fieldManager: FIELD_MANAGER } });
  }
}

function withoutLabel(step: MigrationStep): MigrationStep {
  if (step.type === "delete") return step;
  const { namespace, name, annotations } = step.object.metadata;
  const metadata = { namespace, name, ...(annotations && { annotations }) };
  return { ...step, object: { ...step.object, metadata } };
}
