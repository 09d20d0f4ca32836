/**
 * What the API server refuses before any webhook sees the object: kinds and versions that it does not serve, unknown fields (its strict
 * validation, which kubectl asks for), fields written twice, and metadata that no object may have. All of it is rule V-S.
 */
import { RESOURCE_SCHEMAS } from "../lib/config/generated/schemas";
import { isLabelKey, isLabelValue } from "../lib/config/labels";
import type { Problem } from "../lib/config/problem";
import { toProblem } from "../lib/config/review-rules";
import { conform } from "../lib/config/schema-check";
import { CONFIGURATION_KINDS, servedVersions } from "./kinds";
import type { Manifest } from "./manifest";

const RULE = "V-S";

/** What is held against the object by itself; no more than a hundred fields are named. */
export function judgeAsTheApiServer(manifest: Manifest): readonly Problem[] {
  return [
    ...judgeVersion(manifest),
    ...findUnknownFields(manifest),
    ...manifest.duplicates.slice(0, MAX_NAMED).map(({ field }) =>
      problem(manifest, {
        field,
        reason: "is written twice, and only the last one would count",
        wayOut: "Remove one of them.",
      }),
    ),
    ...judgeName(manifest),
    ...judgeLabels(manifest),
  ];
}

const MAX_NAMED = 100;
const MAX_NAME_CHARACTERS = 253;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The fields of `metadata` in the order of Kubernetes' reference. */
const METADATA_FIELDS = [
  ...["name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"],
  ...["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels"],
  ...["annotations", "ownerReferences", "finalizers", "managedFields"],
];

const COMMON_METADATA = "name, namespace, labels and annotations";

interface Complaint {
  readonly field: string;
  readonly value?: string;
  readonly reason: string;
  readonly wayOut: string;
}

function problem({ ref }: Manifest, complaint: Complaint): Problem {
  return toProblem(ref, { rule: RULE, ...complaint }, "refuse");
}

function judgeVersion(manifest: Manifest): readonly Problem[] {
  const { ref, object } = manifest;
  if (ref.kind === "ConfigMap") return [];
  const apiVersion = textOf(object["apiVersion"]);
  const served = servedVersions(ref.kind);
  if (!CONFIGURATION_KINDS.has(ref.kind) || served.length === 0) {
    const known = [...CONFIGURATION_KINDS.keys()].join(", ");
    const reason = `is no kind of ${apiVersion || "metallb.io"}`;
    const wayOut = `The kinds are ${known}. Older ones have to be converted.`;
    return [problem(manifest, { field: "kind", value: ref.kind, reason, wayOut })];
  }
  if (served.includes(apiVersion)) return [];
  const wayOut = `Write ${served.join(" or ")}.`;
  const reason = apiVersion === "" ? "is missing" : `is not served for ${ref.kind}`;
  const value = apiVersion === "" ? {} : { value: apiVersion };
  return [problem(manifest, { field: "apiVersion", ...value, reason, wayOut })];
}

/** Without knowledge of the schema nothing is said. */
export function findUnknownFields(manifest: Manifest): readonly Problem[] {
  const { ref, object } = manifest;
  const version = textOf(object["apiVersion"]).replace(/^.*\//, "");
  const schema = RESOURCE_SCHEMAS[`${ref.kind}/${version}`];
  if (schema === undefined) return [];
  const inMetadata = Object.keys(toRecord(object["metadata"]))
    .filter(key => !METADATA_FIELDS.includes(key))
    .map(key => ({ field: `metadata.${key}`, known: COMMON_METADATA }));
  const elsewhere = conform(object, schema)
    .violations.filter(({ code, field }) => code === "unknown" && field !== ".metadata")
    .map(({ field, allowed }) => ({
      field: field.slice(1),
      known: field.lastIndexOf(".") === 0 ? "apiVersion, kind, metadata and spec" : allowed,
    }));
  return [...inMetadata.slice(0, MAX_NAMED), ...elsewhere].map(({ field, known }) =>
    problem(manifest, {
      field,
      reason: "is no field of this kind; kubectl refuses it and other clients lose it silently",
      wayOut: known === "" ? "Remove it." : `Known fields here are ${known}.`,
    }),
  );
}

function judgeName(manifest: Manifest): readonly Problem[] {
  const { ref, object } = manifest;
  const metadata = toRecord(object["metadata"]);
  if (/ *\(unnamed \d+\)$/.test(ref.name)) {
    if (textOf(metadata["generateName"]) !== "") return [];
    const wayOut = "Give the object a name.";
    return [problem(manifest, { field: "metadata.name", reason: "is missing", wayOut })];
  }
  if (ref.name.length <= MAX_NAME_CHARACTERS && SUBDOMAIN.test(ref.name)) return [];
  return [
    problem(manifest, {
      field: "metadata.name",
      value: ref.name,
      reason: "is no name that Kubernetes takes",
      wayOut:
        "Use small letters, digits, dashes and dots, with a letter or digit at both ends, 253 characters at most.",
    }),
  ];
}

function judgeLabels(manifest: Manifest): readonly Problem[] {
  const metadata = toRecord(manifest.object["metadata"]);
  const complaints = [
    ...judgeTexts("labels", metadata["labels"]),
    ...judgeTexts("annotations", metadata["annotations"]),
    ...Object.entries(toRecord(metadata["labels"])).flatMap(([key, value]) =>
      typeof value === "string" && isLabelKey(key) && isLabelValue(value)
        ? []
        : judgeLabel(key, value),
    ),
  ];
  return complaints.slice(0, MAX_NAMED).map(complaint => problem(manifest, complaint));
}

function judgeTexts(name: "labels" | "annotations", value: unknown): readonly Complaint[] {
  if (value === undefined || value === null) return [];
  const field = `metadata.${name}`;
  if (typeof value !== "object" || Array.isArray(value)) {
    return [
      { field, reason: "must be a map of texts", wayOut: "Write one name and value a line." },
    ];
  }
  return Object.entries(value)
    .filter(([, text]) => text !== null && typeof text !== "string")
    .map(([key, given]) => ({
      field: `${field}[${key}]`,
      value: typeof given === "object" ? "a list or map" : String(given),
      reason: "is no text",
      wayOut: "Put the value in quotes.",
    }));
}

function judgeLabel(key: string, value: unknown): readonly Complaint[] {
  if (typeof value !== "string") return [];
  const wayOut =
    "Use letters, digits, dashes, dots and underscores, with a letter or digit at both ends, 63 characters at most.";
  const reason = `is no ${isLabelKey(key) ? "value" : "key"} that a label may have`;
  return [
    { field: `metadata.labels[${key}]`, value: isLabelKey(key) ? value : key, reason, wayOut },
  ];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, unknown>>;
}
