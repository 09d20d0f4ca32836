/** What a node must know to plan its announcements: plain facts, cut down by the caller from Kubernetes' objects. */
import type { Configuration } from "../config/configuration";

export type Labels = Readonly<Record<string, string>>;

/** A Service as far as announcing looks at it. */
export interface ServiceFacts {
  /** `namespace/name`. */
  readonly key: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** `spec.type`. */
  readonly type: string;
  /** `spec.loadBalancerClass`; undefined when the field is absent. */
  readonly loadBalancerClass: string | undefined;
  /** `ip` of each entry of `status.loadBalancer.ingress`, in order; empty text for an entry without one. */
  readonly ingressAddresses: readonly string[];
  readonly externalTrafficPolicy: "Cluster" | "Local";
}

/** A Node as far as announcing looks at it. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
  /** True only for the condition NetworkUnavailable=True; a missing or unknown one is fine. */
  readonly isNetworkUnavailable: boolean;
  /** The kubelet has said that the machine shuts down; absent: it has not. */
  readonly isShuttingDown?: boolean;
}

/** The endpoints of a Service that count, see `summariseEndpoints`. */
export interface EndpointSummary {
  /** True when at least one endpoint counts, wherever it is. */
  readonly hasCounting: boolean;
  /** Names of the Nodes with a counting endpoint, each once, sorted. */
  readonly nodeNames: readonly string[];
  /** How many count on each of `nodeNames`, in that order; absent: one on each. */
  readonly countPerNode?: readonly number[];
}

export interface AnnouncementOptions {
  /** Class of the Services that are handled; empty: those without a class. */
  readonly loadBalancerClass: string;
  /** True: Nodes labelled to be excluded from load balancers announce all the same. */
  readonly ignoreExcludeLabel: boolean;
}

/** Everything at one moment. The order of Services and Nodes has no influence on any plan. */
export interface AnnouncementSnapshot {
  readonly configuration: Configuration;
  readonly services: Iterable<ServiceFacts>;
  /** By key of the Service; a missing one has no endpoints. */
  readonly endpoints: ReadonlyMap<string, EndpointSummary>;
  readonly nodes: Iterable<NodeFacts>;
  readonly options: AnnouncementOptions;
}
