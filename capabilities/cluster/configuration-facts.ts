/**
 * What the rules of lib/config look at besides the configuration itself, cut out of the objects that the API server gives: of
 * nodes, namespaces, Services, Secrets and ServiceCIDRs.
 */
import type { NodeInfo, SecretInfo, ServiceInfo } from "../../lib/config/resources";

export interface LabelledObject {
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** Name and labels, all that selectors need. */
export function toNamed(object: LabelledObject): NodeInfo {
  return { name: object.metadata?.name ?? "", labels: object.metadata?.labels ?? {} };
}

export interface NodeObject extends LabelledObject {
  readonly spec?: { readonly podCIDRs?: readonly string[] };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
}

/** What selectors need, and the addresses that a pool must not overlap. */
export function toNodeInfo(node: NodeObject): NodeInfo {
  const addresses = (node.status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP" || type === "ExternalIP")
    .map(({ address }) => address);
  return { ...toNamed(node), addresses, podCidrs: node.spec?.podCIDRs ?? [] };
}

export interface ServiceObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
}

/** The Services that hold addresses. */
export function toServiceInfos(services: readonly ServiceObject[]): readonly ServiceInfo[] {
  return services
    .map(({ metadata: { name, namespace, labels = {} }, status }) => ({
      name,
      namespace,
      labels,
      addresses: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
    }))
    .filter(({ addresses }) => addresses.length > 0);
}

export interface SecretObject {
  readonly metadata: { readonly name: string };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Without what is in it. */
export function toSecretInfo({ metadata, type = "Opaque", data = {} }: SecretObject): SecretInfo {
  return { name: metadata.name, type, keys: Object.keys(data) };
}

/** Where cluster IPs are from; known to Kubernetes 1.33 and later. */
export const SERVICE_CIDRS = "/apis/networking.k8s.io/v1/servicecidrs";

export interface ServiceCidrObject {
  readonly spec?: { readonly cidrs?: readonly string[] };
}

export function toCidrs({ spec }: ServiceCidrObject): readonly string[] {
  return spec?.cidrs ?? [];
}
