/** Services as the controller keeps them: what allocation reads, and what a PUT of the status must repeat. */
import {
  ALLOCATED_FROM_POOL,
  type IngressEntry,
  type ServiceView,
} from "../../lib/allocation/service";
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
    readonly conditions?: readonly unknown[] | null;
    readonly loadBalancer?: { readonly ingress?: readonly IngressEntry[] | null } | null;
  };
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
  /** Other writers' part of the status. */
  readonly conditions: readonly unknown[] | undefined;
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
    Object.hasOwn(view.annotations, ALLOCATED_FROM_POOL);
  if (!isOfInterest) return undefined;
  return { view, metadata, conditions: object.status?.conditions ?? undefined };
}

/**
 * The body of `PUT …/services/NAME/status`: the metadata as read, with the pool annotation set or taken away, and the addresses. The
 * server ignores the spec there, and refuses the body when the Service has changed since it was read.
 */
export function statusBody(
  record: ServiceRecord,
  ingress: readonly string[],
  pool: string | undefined,
): object {
  const others = Object.entries(record.metadata.annotations ?? {}).filter(
    ([key]) => key !== ALLOCATED_FROM_POOL,
  );
  const own = pool === undefined ? [] : [[ALLOCATED_FROM_POOL, pool] as const];
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...record.metadata, annotations: Object.fromEntries([...others, ...own]) },
    status: {
      loadBalancer: { ingress: ingress.map(ip => ({ ip, ipMode: "VIP" })) },
      ...(record.conditions === undefined ? {} : { conditions: record.conditions }),
    },
  };
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
  };
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
