/**
 * The verdict on one change of one object against the whole configuration. Only a change that takes part in an error is
 * refused: an object that is wrong already never keeps others from being changed.
 */
import { checkConfiguration } from "./check";
import {
  formatObject,
  isSameObject,
  problemKey,
  quote,
  toShownText,
  type ObjectRef,
  type Problem,
} from "./problem";
import type { ConfigurationResources } from "./resources";

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
}

/** Judges the change. `live` is what is stored now; whether it already holds the changed object makes no difference. */
export function reviewChange(
  change: Change,
  live: ConfigurationResources,
  { namespace }: ReviewOptions,
): Review {
  if (change.operation === "DELETE") return { refusals: [], warnings: [] };
  const ref = { kind: change.kind, ...nameOf(change.object) };
  if (change.operation === "CREATE" && ref.namespace !== namespace) {
    return { refusals: [wrongNamespace(ref, namespace)], warnings: [] };
  }
  const after = replace(live, ref, change.object);
  const own = checkConfiguration(after).problems.filter(
    problem =>
      isSameObject(problem.object, ref) || problem.related.some(other => isSameObject(other, ref)),
  );
  const seen = new Set<string>();
  const distinct = own.filter(problem => {
    const key = problemKey(problem);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
  return {
    refusals: distinct.filter(
      ({ severity, nature }) => severity === "refuse" && nature === "lasting",
    ),
    warnings: distinct.filter(({ severity }) => severity === "warn"),
  };
}

const LISTS: Readonly<Record<string, keyof ConfigurationResources>> = {
  IPAddressPool: "ipAddressPools",
  L2Advertisement: "l2Advertisements",
  BGPAdvertisement: "bgpAdvertisements",
  BGPPeer: "bgpPeers",
  BFDProfile: "bfdProfiles",
  Community: "communities",
};

function replace(
  live: ConfigurationResources,
  ref: ObjectRef,
  object: unknown,
): ConfigurationResources {
  const list = LISTS[ref.kind];
  if (list === undefined) return live;
  const stored = (live[list] ?? []) as readonly unknown[];
  const others = stored.filter(item => {
    const { name, namespace } = nameOf(item);
    return name !== ref.name || namespace !== ref.namespace;
  });
  return { ...live, [list]: [...others, object] };
}

/** Rule V-W1. */
function wrongNamespace(ref: ObjectRef, namespace: string): Problem {
  const where = quote(namespace);
  return {
    severity: "refuse",
    nature: "lasting",
    rule: "V-W1",
    object: ref,
    field: "metadata.namespace",
    value: toShownText(ref.namespace),
    message: `${formatObject(ref)}: metadata.namespace ${quote(ref.namespace)} is not where Herald looks for its configuration. Create the object in the namespace ${where}.`,
    related: [],
  };
}

function nameOf(object: unknown): Omit<ObjectRef, "kind"> {
  const metadata = (object as { metadata?: Partial<ObjectRef> } | null | undefined)?.metadata;
  return { namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" };
}
