/** What a conversion gives: objects as `kubectl apply` takes them, and what was found on the way. */
import type { Problem } from "../problem";
import type { Place } from "./node";
import type { Placed } from "./fields";

/** On a pool: the name that Services know it by, when no object can have it (`kube_service_pool_1`). */
export const LEGACY_NAME_ANNOTATION = "metallb.io/legacy-name";

export type ConvertedKind =
  | "Secret"
  | "BFDProfile"
  | "Community"
  | "BGPPeer"
  | "IPAddressPool"
  | "BGPAdvertisement"
  | "L2Advertisement";

export interface ConvertedObject {
  readonly apiVersion: string;
  readonly kind: ConvertedKind;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly type?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface ConvertedResource {
  readonly object: ConvertedObject;
  /** Sentences about choices that were made; they become comments above the object. */
  readonly comments: readonly string[];
  /** What of the input it was made of. */
  readonly from: Source;
  /** The file, where there may be several. */
  readonly file?: string;
}

export type Source = Pick<Placed<unknown>, "path" | "at">;

/** A problem of the input; its `object` is the ConfigMap or the file, its `field` a path such as `address-pools[1].protocol`. */
export interface PlacedProblem extends Problem {
  /** Absent when something is missing as a whole. */
  readonly at?: Place;
  /** The file, where there may be several. */
  readonly file?: string;
}

export interface Conversion {
  /** In the order in which they can be applied. Empty when a problem refuses: all or nothing. */
  readonly resources: readonly ConvertedResource[];
  /** In the order in which they stand. */
  readonly problems: readonly PlacedProblem[];
  /** Values for charts/herald, from formats that describe the installation too. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** What is referred to comes before what refers to it. */
const APPLY_ORDER: readonly ConvertedKind[] = [
  "Secret",
  "BFDProfile",
  "Community",
  "IPAddressPool",
  "BGPPeer",
  "BGPAdvertisement",
  "L2Advertisement",
];

export function inApplyOrder(
  resources: readonly ConvertedResource[],
): readonly ConvertedResource[] {
  return APPLY_ORDER.flatMap(kind => resources.filter(({ object }) => object.kind === kind));
}

export function isRefused(problems: readonly Problem[]): boolean {
  return problems.some(problem => problem.severity === "refuse");
}

const VERSIONS: Partial<Record<ConvertedKind, string>> = {
  Secret: "v1",
  BGPPeer: "metallb.io/v1beta2",
};

/** The object of the kind; fields of `spec` that are undefined are left out. */
export function makeResource(
  kind: Exclude<ConvertedKind, "Secret">,
  identity: {
    readonly name: string;
    readonly namespace: string;
    readonly legacyName?: string | undefined;
    readonly comments?: readonly string[];
    readonly from: Source;
  },
  spec: Readonly<Record<string, unknown>>,
): ConvertedResource {
  const { name, namespace, legacyName, comments = [], from } = identity;
  const annotations = legacyName === undefined ? {} : { [LEGACY_NAME_ANNOTATION]: legacyName };
  const given = Object.entries(spec).filter(([, value]) => value !== undefined);
  return {
    object: {
      apiVersion: VERSIONS[kind] ?? "metallb.io/v1beta1",
      kind,
      metadata: { name, namespace, ...(legacyName === undefined ? {} : { annotations }) },
      spec: Object.fromEntries(given),
    },
    comments,
    from: { path: from.path, at: from.at },
  };
}

/** The Secret of a peer's password, in the form that `spec.passwordSecret` takes. */
export function makePasswordSecret(
  { name, namespace, from }: { name: string; namespace: string; from: Source },
  password: string,
): ConvertedResource {
  return {
    object: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace },
      type: "kubernetes.io/basic-auth",
      stringData: { password },
    },
    comments: [],
    from: { path: from.path, at: from.at },
  };
}
