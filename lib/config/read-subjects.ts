/** From untrusted resources to subjects: types and bounds as the API server checks them (rules V-S and V-B). */
import { RESOURCE_SCHEMAS } from "./generated/schemas";
import type { Labels } from "./labels";
import { LABELS_LIMIT } from "./limits";
import { compareText, isSameObject, type ObjectRef } from "./problem";
import type { ReadMemo } from "./read-memo";
import { conform, type SchemaViolation } from "./schema-check";
import { compareAge, Subject, YOUNGEST } from "./subject";

const DEFAULT_VERSIONS: Readonly<Record<string, string>> = { BGPPeer: "v1beta2" };

/** What was made of one object by itself. */
export interface ReadObject<Spec> {
  readonly subject: Subject<Partial<Spec>>;
}

/** The reader of one kind: what is left to do once types and bounds are checked. */
export interface KindReader<Spec, Read extends ReadObject<Spec>> {
  readonly kind: string;
  readonly read: (subject: Subject<Partial<Spec>>) => Read;
}

export interface ReadOptions {
  readonly memo: ReadMemo;
  /** Comes last, whatever its time of creation. */
  readonly youngest?: ObjectRef | undefined;
}

/**
 * Every object of one kind read by itself, oldest first. An object that violates the schema is refused; what of it conforms is
 * still there for the other rules. `Spec` is the generated interface of the kind's spec, without its required fields being certain.
 * The subjects are the caller's own.
 */
export function readObjects<Spec extends object, Read extends ReadObject<Spec>>(
  { kind, read }: KindReader<Spec, Read>,
  resources: readonly unknown[] | undefined,
  { memo, youngest }: ReadOptions,
): readonly Read[] {
  const objects = (resources ?? []).map(resource => {
    const template = memo.get(kind, resource, () => read(readSubject<Spec>(kind, resource)));
    const { ref } = template.subject;
    const isYoungest = youngest !== undefined && isSameObject(ref, youngest);
    return { ...template, subject: template.subject.fork(isYoungest ? YOUNGEST : undefined) };
  });
  objects.sort((left, right) => compareAge(left.subject, right.subject));
  refuseDoubles(objects.map(({ subject }) => subject));
  return objects;
}

/** One object as a subject; never throws, whatever the object is. */
export function readSubject<Spec extends object>(
  kind: string,
  resource: unknown,
): Subject<Partial<Spec>> {
  const object = toRecord(resource);
  const metadata = toRecord(object["metadata"]);
  const version = schemaVersion(kind, object["apiVersion"]);
  const schema = RESOURCE_SCHEMAS[`${kind}/${version}`]?.properties?.["spec"];
  const { value, violations } = schema
    ? conform(object["spec"] ?? specInPlaceOfNone(kind), schema)
    : { value: {}, violations: [] };
  const ref = toObjectRef(kind, resource);
  const labels = readLabels(metadata["labels"]);
  const spec = (value ?? {}) as Partial<Spec>; // conform() made it match the schema the type is generated from.
  const createdAt = toText(metadata["creationTimestamp"]);
  const subject = new Subject(ref, { labels: labels ?? {}, spec, createdAt });
  if (labels === undefined) refuseLabels(subject);
  for (const violation of violations) report(subject, violation, version);
  return subject;
}

/** Who the object says it is; empty texts where it says nothing. */
export function toObjectRef(kind: string, resource: unknown): ObjectRef {
  const metadata = toRecord(toRecord(resource)["metadata"]);
  return { kind, namespace: toText(metadata["namespace"]), name: toText(metadata["name"]) };
}

/** Two objects cannot have one name in a cluster, but in files they can; the later one would replace the earlier. */
function refuseDoubles<Spec>(subjects: readonly Subject<Spec>[]): void {
  const seen = new Set<string>();
  for (const subject of subjects) {
    if (seen.has(subject.key)) {
      subject.refuse({
        rule: "V-S",
        field: "metadata.name",
        value: subject.ref.name,
        reason: `is the name of two objects of the kind ${subject.ref.kind}`,
        wayOut: "Give one of them another name.",
      });
    }
    seen.add(subject.key);
  }
}

/** Only a pool cannot do without a spec. */
function specInPlaceOfNone(kind: string): object | undefined {
  return kind === "IPAddressPool" ? undefined : {};
}

function schemaVersion(kind: string, apiVersion: unknown): string {
  const version = typeof apiVersion === "string" ? apiVersion.replace(/^.*\//, "") : "";
  if (Object.hasOwn(RESOURCE_SCHEMAS, `${kind}/${version}`)) return version;
  return DEFAULT_VERSIONS[kind] ?? "v1beta1";
}

function report<Spec>(subject: Subject<Spec>, violation: SchemaViolation, version: string): void {
  const field = `spec${violation.field}`;
  const isSecret = field === "spec.password";
  const value = violation.found === "" || isSecret ? {} : { value: violation.found };
  if (violation.code === "unknown") {
    subject.warn({
      rule: "V-S",
      field,
      reason: "is no field of this kind and is ignored",
      wayOut: `Known fields here are ${violation.allowed}.`,
    });
    return;
  }
  if (violation.limit !== undefined) {
    const wayOut = "Spread it over several objects.";
    subject.refuse({ rule: violation.limit.rule, field, reason: violation.allowed, wayOut });
    return;
  }
  const rule = schemaRule(subject.ref.kind, version, field);
  const verb = violation.code === "missing" ? "Add" : "Correct";
  const wayOut = `${verb} it; kubectl explain ${subject.ref.kind.toLowerCase()}.spec shows what belongs there.`;
  const finding = { rule, field, ...value, reason: violation.allowed, wayOut };
  if (field === "spec.peerPort" && violation.found === "0") {
    // v1beta1 allows 0 for "the default"; stored by it, it is read as v1beta2 without being defaulted.
    subject.refuseNew(finding);
  } else {
    subject.refuse(finding);
  }
}

/** Which rule of the catalogue a part of a schema is: the first pattern that fits the field. */
const SCHEMA_RULES: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  IPAddressPool: [
    [/Selectors\[/, "V-S2"],
    [/./, "V-S1"],
  ],
  L2Advertisement: [
    [/preferredNodeSelectors\[\d+\](\.weight|\.preference)?$/, "V-S3"],
    [/Selectors\[/, "V-S2"],
  ],
  BGPAdvertisement: [
    [/aggregationLength$/, "V-S4"],
    [/Selectors\[/, "V-S2"],
  ],
  "BGPPeer/v1beta1": [[/./, "V-S6"]],
  BGPPeer: [
    [/dynamicASN$/, "V-P4"],
    [/Selectors\[/, "V-S2"],
    [/./, "V-S7"],
  ],
  BFDProfile: [
    [/detectMultiplier/, "V-B1"],
    [/receiveInterval/, "V-B2"],
    [/transmitInterval/, "V-B3"],
    [/minimumTtl/, "V-B4"],
    [/echoInterval/, "V-B5"],
  ],
};

function schemaRule(kind: string, version: string, field: string): string {
  const rules = SCHEMA_RULES[`${kind}/${version}`] ?? SCHEMA_RULES[kind] ?? [];
  return rules.find(([pattern]) => pattern.test(field))?.[1] ?? "V-S";
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, unknown>>;
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Undefined when there are too many. */
function readLabels(value: unknown): Labels | undefined {
  const labels = toRecord(value);
  const keys = Object.keys(labels);
  if (keys.length > LABELS_LIMIT.maximum) return undefined;
  const entries = keys
    .sort(compareText)
    .map(key => [key, labels[key]] as const)
    .filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(entries);
}

function refuseLabels<Spec>(subject: Subject<Spec>): void {
  const { rule, maximum, what } = LABELS_LIMIT;
  subject.refuse({
    rule,
    field: "metadata.labels",
    reason: `has more than the ${maximum} ${what} that are allowed`,
    wayOut: "Remove those that nothing selects by.",
  });
}
