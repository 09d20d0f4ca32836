/**
 * The verdict on one change of one object against the whole configuration. Only a change that takes part in an error is
 * refused: an object that is wrong already never keeps others from being changed.
 */
import { checkConfiguration, checkForReview, type CheckedConfiguration } from "./check";
import { isSameObject, problemKey, quote, type ObjectRef, type Problem } from "./problem";
import { ReadMemo } from "./read-memo";
import { readSubject, toObjectRef } from "./read-subjects";
import type { ConfigurationResources } from "./resources";
import {
  asRefusal,
  isLastingRefusal,
  isShown,
  isStrict,
  judgeTransition,
  mayBeConsequence,
  refuseProfileInUse,
  takesPart,
  toProblem,
  warnOfLosses,
} from "./review-rules";

export {
  normaliseBFDProfile,
  normaliseBGPAdvertisement,
  normaliseBGPPeer,
  normaliseCommunity,
  normaliseIPAddressPool,
  normaliseL2Advertisement,
} from "./normalise";

/** `object` is the object as it would be stored, on DELETE the one that is deleted. Their content is not trusted. */
export interface Change {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly kind: string;
  readonly object: unknown;
  readonly oldObject?: unknown;
}

export interface Review {
  /** Not empty: the change must be turned away. */
  readonly refusals: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export interface ReviewOptions {
  /** Where Herald looks for its resources; elsewhere they would have no effect. */
  readonly namespace: string;
  /** What was read before, kept by a caller that reviews often. */
  readonly memo?: ReadMemo;
}

/**
 * Judges the change. `live` is what is stored now; whether it already holds the changed object makes no difference. A change
 * that leaves spec and labels as they are is never refused: finalizers and annotations must stay writable. Total.
 */
export function reviewChange(
  change: Change,
  live: ConfigurationResources,
  { namespace, memo = new ReadMemo() }: ReviewOptions,
): Review {
  const list = LISTS.get(change.kind);
  if (list === undefined) return NOTHING;
  if (change.operation !== "DELETE" && isLeaving(change.object)) return NOTHING;
  const ref = toObjectRef(change.kind, change.object);
  if (ref.namespace !== namespace) return reviewElsewhere(change, ref, namespace);
  switch (change.operation) {
    case "CREATE":
      return reviewCreation(change, live, { ref, list, memo });
    case "UPDATE":
      return reviewUpdate(change, live, { ref, list, memo });
    case "DELETE":
      return reviewDeletion(change, live, { ref, list, memo });
  }
}

type ListName =
  | "ipAddressPools"
  | "l2Advertisements"
  | "bgpAdvertisements"
  | "bgpPeers"
  | "bfdProfiles"
  | "communities";

const LISTS: ReadonlyMap<string, ListName> = new Map([
  ["IPAddressPool", "ipAddressPools"],
  ["L2Advertisement", "l2Advertisements"],
  ["BGPAdvertisement", "bgpAdvertisements"],
  ["BGPPeer", "bgpPeers"],
  ["BFDProfile", "bfdProfiles"],
  ["Community", "communities"],
]);

const NOTHING: Review = { refusals: [], warnings: [] };

interface Place {
  readonly ref: ObjectRef;
  readonly list: ListName;
  readonly memo: ReadMemo;
}

/** Rule V-W1: nobody looks there. What exists there may be changed and removed. */
function reviewElsewhere(change: Change, ref: ObjectRef, namespace: string): Review {
  if (change.operation === "DELETE") return NOTHING;
  const finding = {
    rule: "V-W1",
    field: "metadata.namespace",
    value: ref.namespace,
    reason: "is not where Herald looks for its configuration",
    wayOut: `Create the object in the namespace ${quote(namespace)}.`,
  };
  const problem = toProblem(ref, finding, "refuse");
  if (change.operation === "CREATE") return { refusals: [problem], warnings: [] };
  return { refusals: [], warnings: [{ ...problem, severity: "warn" }] };
}

function reviewCreation(change: Change, live: ConfigurationResources, place: Place): Review {
  const { ref, memo } = place;
  const { problems } = checkForReview(replace(live, place, change.object), ref, { memo });
  const own = problems.filter(problem => takesPart(problem, ref));
  return {
    refusals: own.filter(isLastingRefusal).concat(own.filter(isStrict).map(asRefusal)),
    warnings: own
      .filter(problem => !isLastingRefusal(problem) && !isStrict(problem))
      .filter(isShown),
  };
}

function reviewUpdate(change: Change, live: ConfigurationResources, place: Place): Review {
  const { ref, memo } = place;
  const after = checkForReview(replace(live, place, change.object), ref, { memo });
  const own = after.problems.filter(problem => takesPart(problem, ref));
  const consequences = findConsequences(live, ref, {
    after,
    others: after.problems.filter(problem => !takesPart(problem, ref) && isShown(problem)),
    before: () => checkForReview(replace(live, place, change.oldObject), ref, { memo }),
  });
  const refusals = [...own.filter(isLastingRefusal), ...judgeTransition(ref, change)];
  const warnings = [
    ...own.filter(problem => !isLastingRefusal(problem) && isShown(problem)),
    ...consequences,
  ];
  if (!isSameContent(change)) return { refusals, warnings };
  return { refusals: [], warnings: [...refusals, ...warnings] };
}

interface Comparison {
  readonly after: CheckedConfiguration;
  /** Problems of others after the change, whether or not they were there before. */
  readonly others: readonly Problem[];
  readonly before: () => CheckedConfiguration;
}

/** What others lose by the change. The state before is judged only when it can make a difference: it costs as much as the one after. */
function findConsequences(
  live: ConfigurationResources,
  ref: ObjectRef,
  { after, others, before }: Comparison,
): readonly Problem[] {
  const mayLose = ref.kind === "IPAddressPool" && (live.services ?? []).length > 0;
  const doubtful = others.filter(mayBeConsequence(ref, after.problems));
  if (doubtful.length === 0 && !mayLose) return [];
  const checked = before();
  const known = new Set(checked.problems.map(problemKey));
  return [
    ...doubtful.filter(problem => !known.has(problemKey(problem))),
    ...warnOfLosses(ref, live, { before: checked, after }),
  ];
}

/** Rule V-W2, and what the others will miss. Everything but a profile in use may be deleted. */
function reviewDeletion(change: Change, live: ConfigurationResources, place: Place): Review {
  const { ref, memo } = place;
  const refusals = ref.kind === "BFDProfile" ? refuseProfileInUse(ref, live) : [];
  if (refusals.length > 0) return { refusals, warnings: [] };
  const after = checkConfiguration(replace(live, place, undefined), { memo });
  const warnings = findConsequences(live, ref, {
    after,
    others: after.problems.filter(
      problem => isShown(problem) && !isSameObject(problem.object, ref),
    ),
    before: () => checkConfiguration(replace(live, place, change.object), { memo }),
  });
  return { refusals, warnings };
}

function isLeaving(object: unknown): boolean {
  const { metadata } = (object ?? {}) as {
    readonly metadata?: { deletionTimestamp?: unknown } | null;
  };
  return typeof metadata?.deletionTimestamp === "string";
}

/** Whether spec and labels are the same, as far as Herald reads them. */
function isSameContent({ kind, object, oldObject }: Change): boolean {
  const [now, before] = [object, oldObject].map(resource => {
    const { spec, labels } = readSubject(kind, resource);
    return JSON.stringify([spec, labels], (_key, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
  });
  return now === before;
}

/** The live configuration with the object in its place, or without it when `object` is undefined. */
function replace(
  live: ConfigurationResources,
  { ref, list }: Place,
  object: unknown,
): ConfigurationResources {
  const stored: readonly unknown[] = live[list] ?? [];
  const others = stored.filter(item => !isSameObject(toObjectRef(ref.kind, item), ref));
  return { ...live, [list]: object === undefined ? others : [...others, object] };
}
