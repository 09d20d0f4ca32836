/**
 * What the speaker keeps of Kubernetes' objects. A node holds every Service and EndpointSlice of the cluster, so each copy is
 * cut down to what announcing reads, and texts that repeat are kept once.
 */
import { summariseEndpoints } from "../../lib/announcement/endpoints";
import { SHARED_IP_ANNOTATIONS } from "../../lib/announcement/plan-service";
import type {
  EndpointSummary,
  Labels,
  NodeFacts,
  ServiceFacts,
} from "../../lib/announcement/snapshot";
import { formatIpAddress, parseIpAddress } from "../../lib/net/ip-address";
import { objectKey, type ApiObject } from "../cluster/api-object";

/** A Service for announcing and for the events about it. */
export interface SpeakerService extends ServiceFacts {
  readonly uid: string;
  /** Where kube-proxy says whether it serves the Service on this node: only with policy Local. */
  readonly healthCheckNodePort?: number;
}

/** A Node for announcing and for the heartbeats. */
export interface SpeakerNode extends NodeFacts {
  /** Nothing new is scheduled on it: whoever ends there does not come back soon. */
  readonly isCordoned?: boolean;
  /** Canonical text of its InternalIP addresses, where its speaker hears heartbeats. */
  readonly internalAddresses: readonly string[];
}

/** The endpoints of one EndpointSlice that count, and whose they are. */
export interface SliceFacts {
  /** `namespace/name` of the Service. */
  readonly serviceKey: string;
  readonly summary: EndpointSummary;
}

interface LabelledObject extends ApiObject {
  readonly metadata?: ApiObject["metadata"] & {
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
}

interface ServiceObject extends LabelledObject {
  readonly spec?: {
    readonly type?: string;
    readonly loadBalancerClass?: string;
    readonly externalTrafficPolicy?: string;
    readonly healthCheckNodePort?: number;
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] | null };
  };
}

interface SliceObject extends LabelledObject {
  readonly endpoints?:
    | readonly {
        readonly nodeName?: string;
        readonly conditions?: {
          readonly ready?: boolean | null;
          readonly serving?: boolean | null;
        };
      }[]
    | null;
}

interface NodeObject extends LabelledObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

/** In the message of the condition Ready while the kubelet ends the Pods of a machine that shuts down. */
const SHUTTING_DOWN = "node is shutting down";

const SERVICE_NAME_LABEL = "kubernetes.io/service-name";
const NOTHING: Labels = {};

/** A Service of type LoadBalancer; any other is left out, which announcing treats as deleted. */
export function toServiceFacts(object: ServiceObject): SpeakerService | undefined {
  const key = objectKey(object);
  const { metadata, spec } = object;
  if (key === undefined || spec?.type !== "LoadBalancer") return undefined;
  return {
    key,
    uid: metadata?.uid ?? "",
    labels: metadata?.labels ?? NOTHING,
    annotations: keepSharing(metadata?.annotations),
    type: spec.type,
    loadBalancerClass: spec.loadBalancerClass,
    ingressAddresses: readIngress(object),
    externalTrafficPolicy: spec.externalTrafficPolicy === "Local" ? "Local" : "Cluster",
    ...readHealthCheck(spec),
  };
}

function readHealthCheck({
  externalTrafficPolicy,
  healthCheckNodePort = 0,
}: NonNullable<ServiceObject["spec"]>): Pick<SpeakerService, "healthCheckNodePort"> {
  return externalTrafficPolicy === "Local" && healthCheckNodePort > 0
    ? { healthCheckNodePort }
    : {};
}

function readIngress({ status }: ServiceObject): readonly string[] {
  return (status?.loadBalancer?.ingress ?? []).map(entry => entry.ip ?? "");
}

function keepSharing(annotations: Labels = NOTHING): Labels {
  const kept = SHARED_IP_ANNOTATIONS.filter(name => Object.hasOwn(annotations, name));
  return kept.length === 0 ? NOTHING : Object.fromEntries(kept.map(name => [name, ""]));
}

/** A slice that belongs to a Service; any other is left out. `intern` gives equal texts one place in memory. */
export function toSliceFacts(
  object: SliceObject,
  intern: (text: string) => string,
): SliceFacts | undefined {
  const name = object.metadata?.labels?.[SERVICE_NAME_LABEL];
  const namespace = object.metadata?.namespace;
  if (name === undefined || namespace === undefined) return undefined;
  const summary = summariseEndpoints(
    (object.endpoints ?? []).map(endpoint => ({
      nodeName: endpoint.nodeName === undefined ? undefined : intern(endpoint.nodeName),
      isReady: endpoint.conditions?.ready ?? undefined,
      isServing: endpoint.conditions?.serving ?? undefined,
    })),
  );
  return { serviceKey: `${namespace}/${name}`, summary };
}

/** A Node. An address that does not parse (a host name) is left out. */
export function toNodeFacts(object: NodeObject): SpeakerNode | undefined {
  const name = objectKey(object);
  if (name === undefined) return undefined;
  return {
    name,
    labels: object.metadata?.labels ?? NOTHING,
    ...toNodeState(object),
    internalAddresses: (object.status?.addresses ?? [])
      .filter(({ type }) => type === "InternalIP")
      .flatMap(({ address }) => {
        const parsed = parseIpAddress(address);
        return parsed.ok ? [formatIpAddress(parsed.value)] : [];
      }),
  };
}

function toNodeState({
  spec,
  status,
}: NodeObject): Pick<SpeakerNode, "isNetworkUnavailable" | "isShuttingDown" | "isCordoned"> {
  const conditions = status?.conditions ?? [];
  const isShuttingDown = conditions.some(
    ({ type, message }) => type === "Ready" && message?.includes(SHUTTING_DOWN) === true,
  );
  return {
    isNetworkUnavailable: conditions.some(
      condition => condition.type === "NetworkUnavailable" && condition.status === "True",
    ),
    ...(isShuttingDown && { isShuttingDown }),
    ...(spec?.unschedulable === true && { isCordoned: true }),
  };
}
