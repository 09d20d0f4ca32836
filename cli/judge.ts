/**
 * The verdict of admission on a set of manifests, in one pass: what would be refused if they were applied, and what would be warned about.
 * With a live configuration they are judged as changes of it. Pure: everything arrives as values.
 */
import { normaliseBGPPeer, reviewChange } from "../lib/config/admission";
import { checkForReview, type CheckedConfiguration } from "../lib/config/check";
import type { BGPPeer } from "../lib/config/generated/resources";
import { problemKey, type ObjectRef, type Problem } from "../lib/config/problem";
import type { ConfigurationResources } from "../lib/config/resources";
import {
  isLastingRefusal,
  judgeTransition,
  toProblem,
  warnOfLosses,
} from "../lib/config/review-rules";
import { CONFIGURATION_KINDS } from "./kinds";
import type { Manifest, Position } from "./manifest";
import { findUnknownFields, judgeAsTheApiServer } from "./strict-fields";

/** A problem and where it stands. */
export interface Finding {
  /** `refuse`: admission or the API server would turn the object away; `warn`: it would be stored. */
  readonly severity: Problem["severity"];
  readonly problem: Problem;
  /** Absent when the object at fault is in the cluster alone. */
  readonly position?: Position;
  /** The other objects that take part, as far as they are in the files. */
  readonly related: readonly { readonly object: ObjectRef; readonly position: Position }[];
}

export interface JudgeOptions {
  /** Where Herald looks for its configuration. */
  readonly namespace: string;
  /** What is stored now, and what is known of the cluster. */
  readonly live?: ConfigurationResources;
}

/** Everything there is to say, in the order of the files; what concerns the cluster alone comes last. */
export function judgeManifests(
  manifests: readonly Manifest[],
  { namespace, live = {} }: JudgeOptions,
): readonly Finding[] {
  const known = manifests.filter(
    ({ ref }) => CONFIGURATION_KINDS.has(ref.kind) || ref.kind === "ConfigMap",
  );
  const { first, doubles } = separateDoubles(known);
  const here = first.filter(({ ref }) => ref.namespace === namespace);
  const places = new Places(first);
  const findings = [
    ...manifests.flatMap(manifest =>
      judgeAsTheApiServer(manifest).map(problem => places.at(manifest, problem)),
    ),
    ...doubles.map(manifest => places.at(manifest, nameTwice(manifest.ref))),
    ...first
      .filter(({ ref }) => ref.namespace !== namespace)
      .flatMap(({ ref, object }) => {
        const change = { operation: "CREATE", kind: ref.kind, object } as const;
        return reviewChange(change, {}, { namespace }).refusals;
      })
      .map(problem => places.find(problem, "refuse")),
    ...judgeTogether(here, live, places),
  ];
  return sortFindings(findings, manifests);
}

/** The manifests as one configuration, in place of what is stored under their names. */
function judgeTogether(
  manifests: readonly Manifest[],
  live: ConfigurationResources,
  places: Places,
): readonly Finding[] {
  const stored = new StoredObjects(live);
  const after = merge(live, manifests, stored);
  const checked = { before: checkForReview(live, NOBODY), after: checkForReview(after, NOBODY) };
  const knownBefore = new Set(checked.before.problems.map(problemKey));
  const unknownFields = new Set(manifests.flatMap(findUnknownFields).map(fieldKey));
  const found = checked.after.problems.flatMap(problem => {
    if (unknownFields.has(fieldKey(problem))) return [];
    const severity = places.has(problem.object)
      ? severityOf(problem, stored.has(problem.object))
      : severityOfConsequence(problem, places, knownBefore);
    return severity === undefined ? [] : [places.find(problem, severity)];
  });
  return [...found, ...judgeChanges(manifests, { live, stored, checked, places })];
}

/** What only the comparison with the stored object tells (rules V-S9 and V-X6). */
function judgeChanges(
  manifests: readonly Manifest[],
  { live, stored, checked, places }: Comparison,
): readonly Finding[] {
  const { before, after } = checked;
  return manifests.flatMap(({ ref, object }) => {
    const oldObject = stored.get(ref);
    if (oldObject === undefined) return [];
    const pools = before.configuration.pools.filter(({ name }) => name === ref.name);
    const own = { ...before, configuration: { ...before.configuration, pools } };
    return [
      ...judgeTransition(ref, { object, oldObject }),
      ...warnOfLosses(ref, live, { before: own, after }),
    ].map(problem => places.find(problem, problem.severity));
  });
}

interface Comparison {
  readonly live: ConfigurationResources;
  readonly stored: StoredObjects;
  readonly checked: { readonly before: CheckedConfiguration; readonly after: CheckedConfiguration };
  readonly places: Places;
}

/** No object is called this: the review of the whole blames nobody in particular. */
const NOBODY: ObjectRef = { kind: "", namespace: "", name: "" };

function severityOf(problem: Problem, isStored: boolean): Problem["severity"] {
  if (problem.nature === "transient") return "warn";
  if (problem.nature === "strict") return isStored ? "warn" : "refuse";
  return problem.severity;
}

/** Of a problem of an object that is in the cluster alone; undefined when it has nothing to do with the manifests. */
function severityOfConsequence(
  problem: Problem,
  places: Places,
  knownBefore: ReadonlySet<string>,
): Problem["severity"] | undefined {
  if (knownBefore.has(problemKey(problem))) return undefined;
  const takesPart = problem.related.some(object => places.has(object));
  return takesPart && isLastingRefusal(problem) ? "refuse" : "warn";
}

function nameTwice(ref: ObjectRef): Problem {
  const finding = {
    rule: "V-S",
    field: "metadata.name",
    value: ref.name,
    reason: `is the name of two objects of the kind ${ref.kind}; applied together, the later one takes the place of the earlier`,
    wayOut: "Give one of them another name or remove it. Until then only the first one is judged.",
    related: [ref],
  };
  return toProblem(ref, finding, "refuse");
}

function separateDoubles(manifests: readonly Manifest[]): {
  readonly first: readonly Manifest[];
  readonly doubles: readonly Manifest[];
} {
  const first = new Map<string, Manifest>();
  const doubles = manifests.filter(manifest => {
    const key = refKey(manifest.ref);
    if (first.has(key)) return true;
    first.set(key, manifest);
    return false;
  });
  return { first: [...first.values()], doubles };
}

function merge(
  live: ConfigurationResources,
  manifests: readonly Manifest[],
  stored: StoredObjects,
): ConfigurationResources {
  const given = new Set(manifests.map(({ ref }) => refKey(ref)));
  const lists = [...CONFIGURATION_KINDS].map(([kind, { list }]) => [
    list,
    [
      ...(live[list] ?? []).filter(({ metadata }) => !given.has(refKey(toRef(kind, metadata)))),
      ...manifests
        .filter(({ ref }) => ref.kind === kind)
        .map((manifest, index) => asStored(manifest, stored.get(manifest.ref), index)),
    ],
  ]);
  const extras = manifests.find(({ ref }) => ref.kind === "ConfigMap")?.ref;
  return {
    ...live,
    ...(extras && { bgpExtras: extras }),
    ...(Object.fromEntries(lists) as ConfigurationResources),
  };
}

/** The object after admission changed it, as old as the one it takes the place of, or younger than those before it in the files. */
function asStored(manifest: Manifest, before: unknown, index: number): unknown {
  const { ref, object } = manifest;
  const { metadata } = object as { readonly metadata: object };
  const age = toRecord(toRecord(before)["metadata"])["creationTimestamp"];
  // Sorts behind every time, as objects without one do, and among themselves in the order in which kubectl would apply them.
  const creationTimestamp = age ?? `~${String(index).padStart(9, "0")}`;
  const aged = { ...object, metadata: { ...metadata, creationTimestamp } };
  return ref.kind === "BGPPeer" ? normaliseBGPPeer(aged as unknown as BGPPeer) : aged;
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** What the cluster holds, by kind, namespace and name. */
class StoredObjects {
  readonly #objects = new Map<string, unknown>();

  constructor(live: ConfigurationResources) {
    for (const [kind, { list }] of CONFIGURATION_KINDS) {
      for (const object of live[list] ?? []) {
        this.#objects.set(refKey(toRef(kind, object.metadata)), object);
      }
    }
  }

  has(ref: ObjectRef): boolean {
    return this.#objects.has(refKey(ref));
  }

  get(ref: ObjectRef): unknown {
    return this.#objects.get(refKey(ref));
  }
}

/** Where the objects of the files stand. */
class Places {
  readonly #manifests: ReadonlyMap<string, Manifest>;

  constructor(manifests: readonly Manifest[]) {
    this.#manifests = new Map(manifests.map(manifest => [refKey(manifest.ref), manifest]));
  }

  has(ref: ObjectRef): boolean {
    return this.#manifests.has(refKey(ref));
  }

  /** A problem of a manifest that is known. */
  at(manifest: Manifest, problem: Problem): Finding {
    const { field, value, severity } = problem;
    const duplicate = manifest.duplicates.find(candidate => candidate.field === field);
    const position =
      duplicate?.position ??
      (field === ""
        ? manifest.locate("metadata.name", manifest.ref.name)
        : manifest.locate(field, value));
    return { severity, problem, position, related: this.#related(problem) };
  }

  /** A problem of the object that it names, or at least of one that takes part. */
  find(problem: Problem, severity: Problem["severity"]): Finding {
    const own = this.#manifests.get(refKey(problem.object));
    if (own !== undefined) return { ...this.at(own, problem), severity };
    const related = this.#related(problem);
    const [first] = related;
    return { severity, problem, related, ...(first && { position: first.position }) };
  }

  #related(problem: Problem): Finding["related"] {
    return problem.related.flatMap(object => {
      const manifest = this.#manifests.get(refKey(object));
      return manifest ? [{ object, position: manifest.locate("metadata.name", object.name) }] : [];
    });
  }
}

function sortFindings(
  findings: readonly Finding[],
  manifests: readonly Manifest[],
): readonly Finding[] {
  const files = [...new Set(manifests.map(manifest => manifest.locate("", "").file))];
  const order = ({ position }: Finding): readonly [number, number, number] =>
    position
      ? [files.indexOf(position.file), position.line, position.column]
      : [files.length, 0, 0];
  return findings
    .map(finding => ({ finding, key: order(finding) }))
    .sort(({ key: a }, { key: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
    .map(({ finding }) => finding);
}

function toRef(
  kind: string,
  metadata: { readonly namespace?: string; readonly name?: string },
): ObjectRef {
  return { kind, namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
}

function refKey({ kind, namespace, name }: ObjectRef): string {
  return [kind, namespace, name].join("\u0000");
}

function fieldKey({ object, rule, field }: Problem): string {
  return [refKey(object), rule, field].join("\u0000");
}
