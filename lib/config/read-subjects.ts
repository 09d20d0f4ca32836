/** From untrusted resources to subjects: types and bounds as the API server checks them (rules V-S and V-B). */
import { RESOURCE_SCHEMAS } from "./generated/schemas";
import type { Labels } from "./labels";
import { compareText, isSameObject, type ObjectRef } from "./problem";
import { conform, type SchemaViolation } from "./schema-check";
import { compareAge, Subject, YOUNGEST } from "./subject";

const DEFAULT_VERSIONS: Readonly<Record<string, string>> = { BGPPeer: "v1beta2" };

/**
 * The subjects of one kind, oldest first. An object that violates the schema is refused; what of it conforms is still there
 * for the other rules. `youngest` comes last whatever its time of creation. `Spec` is the generated interface of the kind's spec, without its required fields being certain.
 */
export function readSubjects<Spec extends object>(
  kind: string,
  resources: readonly unknown[] | undefined,
  youngest?: ObjectRef,
): readonly Subject<Partial<Spec>>[] {
  const subjects = (resources ?? []).map(resource => readSubject<Spec>(kind, resource, youngest));
  subjects.sort(compareAge);
  refuseDoubles(subjects);
  return subjects;
}

/** One object as a subject; never throws, whatever the object is. */
export function readSubject<Spec extends object>(
  kind: string,
  resource: unknown,
  youngest?: ObjectRef,
): Subject<Partial<Spec>> {
  const object = toRecord(resource);
  const metadata = toRecord(object["metadata"]);
  const version = schemaVersion(kind, object["apiVersion"]);
  const schema = RESOURCE_SCHEMAS[`${kind}/${version}`]?.properties?.["spec"];
  const { value, violations } = schema
    ? conform(object["spec"] ?? specInPlaceOfNone(kind), schema)
    : { value: {}, violations: [] };
  const ref = toObjectRef(kind, resource);
  const labels = toLabels(metadata["labels"]);
  const isYoungest = youngest !== undefined && isSameObject(ref, youngest);
  const createdAt = isYoungest ? YOUNGEST : toText(metadata["creationTimestamp"]);
  const spec = (value ?? {}) as Partial<Spec>; // conform() made it match the schema the type is generated from.
  const subject = new Subject(ref, { labels, spec, createdAt });
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
    const key = `${subject.ref.namespace}/${subject.ref.name}`;
    if (seen.has(key)) {
      subject.refuse({
        rule: "V-S",
        field: "metadata.name",
        value: subject.ref.name,
        reason: `is the name of two objects of the kind ${subject.ref.kind}`,
        wayOut: "Give one of them another name.",
      });
    }
    seen.add(key);
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

function toLabels(value: unknown): Labels {
  const entries = Object.entries(toRecord(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(entries.sort(([left], [right]) => compareText(left, right)));
}
