/** Services as the controller keeps them: what allocation reads, and what a PUT of the status must repeat. */
import {
  ALLOCATED_FROM_POOL,
  PENDING_CONDITION,
  type IngressEntry,
  type PendingCondition,
  type ServiceView,
} from "../../lib/allocation/service";
import type { WrittenState } from "../../lib/allocation/plan";
import type { ApiObject } from "../cluster/api-object";
import type { ObjectReference } from "../cluster/events";

/** A core/v1 Service as the API server sends it; only what is read here. */
export interface ServiceObject extends ApiObject {
  readonly metadata?: ServiceMetadata;
  readonly spec?: {
    readonly type?: string;
    readonly loadBalancerClass?: string;
    readonly loadBalancerIP?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[] | null;
    readonly ipFamilies?: readonly string[] | null;
    readonly ipFamilyPolicy?: string;
    readonly externalTrafficPolicy?: string;
    readonly selector?: Readonly<Record<string, string>> | null;
    readonly ports?: readonly { readonly protocol?: string; readonly port: number }[] | null;
  };
  readonly status?: {
    readonly conditions?: readonly Condition[] | null;
    readonly loadBalancer?: { readonly ingress?: readonly IngressEntry[] | null } | null;
  };
}

/** One of `status.conditions`; those of others may have more in them. */
interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

interface ServiceMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  managedFields?: unknown;
}

export interface ServiceRecord {
  readonly view: ServiceView;
  /** All of it but managedFields, which the server keeps when they are left out. */
  readonly metadata: ServiceMetadata;
  /** All of them, others' and ours. */
  readonly conditions: readonly Condition[] | undefined;
}

/**
 * What is kept of a Service; undefined for one that has nothing to do with load balancing: another type, no address in its status
 * and no mark of ours.
 */
export function toServiceRecord(object: ServiceObject): ServiceRecord | undefined {
  const metadata = { ...object.metadata };
  delete metadata.managedFields;
  const view = toServiceView(object);
  const isOfInterest =
    view.type === "LoadBalancer" ||
    view.ingress.length > 0 ||
    view.pending !== undefined ||
    Object.hasOwn(view.annotations, ALLOCATED_FROM_POOL);
  if (!isOfInterest) return undefined;
  return { view, metadata, conditions: object.status?.conditions ?? undefined };
}

/**
 * The body of `PUT …/services/NAME/status`: the metadata as read, with the pool annotation set or taken away, the addresses, and the
 * conditions with ours set or taken away. The server ignores the spec there, and refuses the body when the Service has changed since
 * it was read.
 */
export function statusBody(record: ServiceRecord, written: WrittenState, now: string): object {
  const { ingress, pool, pending } = written;
  const others = Object.entries(record.metadata.annotations ?? {}).filter(
    ([key]) => key !== ALLOCATED_FROM_POOL,
  );
  const own = pool === undefined ? [] : [[ALLOCATED_FROM_POOL, pool] as const];
  const conditions = withPending(record.conditions ?? [], pending, now);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...record.metadata, annotations: Object.fromEntries([...others, ...own]) },
    status: {
      loadBalancer: { ingress: ingress.map(ip => ({ ip, ipMode: "VIP" })) },
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  };
}

/** The others stay as they are and where they are. */
function withPending(
  conditions: readonly Condition[],
  pending: PendingCondition | undefined,
  now: string,
): readonly Condition[] {
  const others = conditions.filter(condition => condition.type !== PENDING_CONDITION);
  if (pending === undefined) return others;
  const before = conditions.find(condition => condition.type === PENDING_CONDITION);
  const lastTransitionTime = before?.lastTransitionTime ?? now;
  return [...others, { type: PENDING_CONDITION, status: "True", lastTransitionTime, ...pending }];
}

/** What Events about the Service refer to. */
export function serviceReference({ metadata }: ServiceRecord): ObjectReference {
  return {
    apiVersion: "v1",
    kind: "Service",
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
  };
}

function toServiceView({ metadata = {}, spec = {}, status = {} }: ServiceObject): ServiceView {
  return {
    ...identity(metadata),
    ...addressWishes(spec),
    ...traffic(spec),
    ingress: status.loadBalancer?.ingress ?? [],
    pending: pendingOf(status.conditions ?? []),
  };
}

function pendingOf(conditions: readonly Condition[]): PendingCondition | undefined {
  const own = conditions.find(condition => condition.type === PENDING_CONDITION);
  if (own === undefined) return undefined;
  // One that somebody has turned to False is not what we wrote: it will differ from whatever is wanted.
  if (own.status !== "True") return { reason: "", message: "" };
  return { reason: own.reason ?? "", message: own.message ?? "" };
}

function identity(metadata: ServiceMetadata) {
  const { name = "", namespace = "", creationTimestamp = "" } = metadata;
  return {
    key: `${namespace}/${name}`,
    namespace,
    createdAt: creationTimestamp,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  };
}

type Spec = NonNullable<ServiceObject["spec"]>;

function addressWishes(spec: Spec) {
  return {
    type: spec.type ?? "ClusterIP",
    loadBalancerClass: spec.loadBalancerClass,
    clusterIps: (spec.clusterIPs ?? [spec.clusterIP ?? ""]).filter(isAddress),
    ipFamilies: spec.ipFamilies ?? [],
    ipFamilyPolicy: spec.ipFamilyPolicy ?? "SingleStack",
    loadBalancerIp: spec.loadBalancerIP ?? "",
  };
}

function traffic(spec: Spec) {
  return {
    externalTrafficPolicy: spec.externalTrafficPolicy ?? "Cluster",
    selector: spec.selector ?? {},
    ports: (spec.ports ?? []).map(({ protocol = "TCP", port }) => `${protocol}/${port}`),
  };
}

function isAddress(text: string): boolean {
  return text !== "" && text !== "None";
}
