/**
 * The verdict on one change of one object against the whole configuration. Only a change that takes part in an error is
 * refused: an object that is wrong already never keeps others from being changed.
 */
import { checkConfiguration, checkForReview } from "./check";
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
  const before = replace(live, place, change.oldObject);
  const after = replace(live, place, change.object);
  const checkedBefore = checkForReview(before, ref, { memo });
  const checkedAfter = checkForReview(after, ref, { memo });
  const known = new Set(checkedBefore.problems.map(problemKey));
  const own = checkedAfter.problems.filter(problem => takesPart(problem, ref));
  const others = checkedAfter.problems.filter(
    problem => !takesPart(problem, ref) && !known.has(problemKey(problem)),
  );
  const refusals = [...own.filter(isLastingRefusal), ...judgeTransition(ref, change)];
  const warnings = [
    ...own.filter(problem => !isLastingRefusal(problem)),
    ...others,
    ...warnOfLosses(ref, live, { before: checkedBefore, after: checkedAfter }),
  ].filter(isShown);
  if (!isSameContent(change)) return { refusals, warnings };
  return { refusals: [], warnings: [...refusals, ...warnings] };
}

/** Rule V-W2, and what the others will miss. Everything but a profile in use may be deleted. */
function reviewDeletion(change: Change, live: ConfigurationResources, place: Place): Review {
  const { ref, memo } = place;
  const before = checkConfiguration(replace(live, place, change.object), { memo });
  const after = checkConfiguration(replace(live, place, undefined), { memo });
  const known = new Set(before.problems.map(problemKey));
  const news = after.problems.filter(
    problem =>
      isShown(problem) && !isSameObject(problem.object, ref) && !known.has(problemKey(problem)),
  );
  const losses = warnOfLosses(ref, live, { before, after });
  const refusals = ref.kind === "BFDProfile" ? refuseProfileInUse(ref, live) : [];
  return { refusals, warnings: [...news, ...losses] };
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
