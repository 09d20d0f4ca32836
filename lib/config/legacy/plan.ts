/**
 * From what an old configuration became to what has to be written: objects of ours follow it, objects of users are left alone. An object
 * is ours while it carries our label and nobody else wrote its spec; the first edit makes it the user's.
 */
import { checkConfiguration } from "../check";
import type { ObjectMeta } from "../generated/resources";
import { formatObject, type ObjectRef } from "../problem";
import { toConfiguration } from "./config-map";
import { LegacyReport } from "./report";
import {
  isRefused,
  type Conversion,
  type ConvertedObject,
  type ConvertedResource,
  type PlacedProblem,
} from "./resources";

/** On every object that was made of an old configuration: which one. */
export const CONVERTED_FROM_LABEL = "metallb.io/converted-from";

/** Writes the objects by server-side apply. */
export const FIELD_MANAGER = "herald-legacy";

/** An object as the API server has it. */
export interface StoredObject {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & { readonly managedFields?: readonly ManagedField[] };
  readonly spec?: unknown;
}

/** Who wrote which fields, as the API server keeps book. */
export interface ManagedField {
  readonly manager?: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

export type MigrationStep =
  | { readonly type: "apply"; readonly object: ConvertedObject }
  | { readonly type: "delete"; readonly object: ObjectRef; readonly uid: string };

export interface MigrationPlan {
  /** What is gone from the configuration comes last. */
  readonly steps: readonly MigrationStep[];
  /** Those of the conversion, then objects that are in the way. With a refusal among them there are no steps. */
  readonly problems: readonly PlacedProblem[];
  /** Objects that run this configuration, whoever owns them now. */
  readonly objects: readonly ObjectRef[];
}

export interface PlanOptions {
  readonly source: ObjectRef;
  /** Value of the label. */
  readonly label: string;
}

/** Plans one old configuration against everything that is stored. */
export function planMigration(
  conversion: Conversion,
  stored: readonly StoredObject[],
  { source, label }: PlanOptions,
): MigrationPlan {
  const byKey = new Map(stored.map(object => [keyOf(object.kind, object.metadata.name), object]));
  const report = new LegacyReport(source);
  const mine = (object: StoredObject): boolean => isOurs(object, label);
  const wanted = conversion.resources.filter(resource => {
    const before = byKey.get(keyOf(resource.object.kind, resource.object.metadata.name));
    if (before === undefined || mine(before)) return true;
    if (!isSame(before, resource.object)) noteInTheWay(report, resource);
    return false;
  });
  const wantedKeys = new Set(conversion.resources.map(({ object }) => refKey(object)));
  const obsolete = stored.filter(
    object => mine(object) && !wantedKeys.has(keyOf(object.kind, object.metadata.name)),
  );
  judgeTogether(report, wanted, others(stored, obsolete, wanted));
  const problems = [...conversion.problems, ...report.problems];
  const objects = conversion.resources.map(({ object }) => toRef(object));
  if (isRefused(problems)) return { steps: [], problems, objects: [] };
  return { steps: [...wanted.map(toApply(label)), ...obsolete.map(toDelete)], problems, objects };
}

/** Whether the object was made of the configuration `label` and is still as it was made. */
export function isOurs(object: StoredObject, label: string): boolean {
  const { labels, managedFields = [] } = object.metadata;
  if (labels?.[CONVERTED_FROM_LABEL] !== label) return false;
  return !managedFields.some(
    ({ manager, subresource, fieldsV1 = {} }) =>
      manager !== FIELD_MANAGER &&
      (subresource ?? "") === "" &&
      ["f:spec", "f:data", "f:stringData"].some(field => Object.hasOwn(fieldsV1, field)),
  );
}

/** What is stored and stays beside the wanted objects. */
function others(
  stored: readonly StoredObject[],
  obsolete: readonly StoredObject[],
  wanted: readonly ConvertedResource[],
): readonly StoredObject[] {
  const replaced = new Set(wanted.map(({ object }) => refKey(object)));
  return stored.filter(
    object => !obsolete.includes(object) && !replaced.has(keyOf(object.kind, object.metadata.name)),
  );
}

/** The objects must stand beside the users' own, all of them: half a configuration is not written. */
function judgeTogether(
  report: LegacyReport,
  wanted: readonly ConvertedResource[],
  beside: readonly StoredObject[],
): void {
  const objects = [...beside, ...wanted.map(({ object }) => object)];
  for (const problem of checkConfiguration(toConfiguration(objects)).problems) {
    // Of two objects in conflict either may be the one that is blamed.
    const resource = wanted.find(({ object }) =>
      [problem.object, ...problem.related].some(ref => isAbout(ref, object)),
    );
    if (problem.severity !== "refuse" || resource === undefined) continue;
    report.refuse({
      rule: "H-F9",
      path: resource.from.path,
      at: resource.from.at,
      reason: "cannot be used beside the resources of the cluster",
      wayOut: problem.message,
    });
  }
}

function noteInTheWay(report: LegacyReport, { object, from }: ConvertedResource): void {
  report.warn({
    rule: "H-F9",
    path: from.path,
    at: from.at,
    reason: `does not count: ${formatObject(toRef(object))} exists, is not Herald's, and differs`,
    wayOut: "Delete one of the two.",
  });
}

function isAbout(problem: ObjectRef, object: ConvertedObject): boolean {
  return problem.kind === object.kind && problem.name === object.metadata.name;
}

function toApply(label: string): (resource: ConvertedResource) => MigrationStep {
  return ({ object }) => {
    const labels = { ...object.metadata.labels, [CONVERTED_FROM_LABEL]: label };
    return { type: "apply", object: { ...object, metadata: { ...object.metadata, labels } } };
  };
}

function toDelete({ kind, metadata }: StoredObject): MigrationStep {
  const { name = "", namespace = "", uid = "" } = metadata;
  return { type: "delete", object: { kind, namespace, name }, uid };
}

/** Whether the stored object says what the converted one says; of Secrets only that it is there. */
function isSame(stored: StoredObject, object: ConvertedObject): boolean {
  if (object.kind === "Secret") return true;
  return covers(stored.spec ?? {}, object.spec ?? {});
}

/** Whether everything of `part` is in `whole`; defaults that the API server added do not count. */
function covers(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  if (typeof whole !== "object" || whole === null) return false;
  if (Array.isArray(part) && (!Array.isArray(whole) || whole.length !== part.length)) return false;
  const fields = whole as Readonly<Record<string, unknown>>;
  return Object.entries(part).every(([field, value]) => covers(fields[field], value));
}

function toRef({ kind, metadata }: ConvertedObject): ObjectRef {
  return { kind, namespace: metadata.namespace, name: metadata.name };
}

function refKey({ kind, metadata }: ConvertedObject): string {
  return keyOf(kind, metadata.name);
}

function keyOf(kind: string, name = ""): string {
  return `${kind}/${name}`;
}
