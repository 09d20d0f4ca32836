/** What the Pods of controller, admission and speaker have in common. */
import type { ManifestObject } from "./rbac";

/** What an installation may choose; the chart has more. */
export interface Installation {
  readonly namespace: string;
  readonly image: string;
}

export type Fields = Readonly<Record<string, unknown>>;

export const METRICS_PORT = 9120;
export const PROBE_PORT = 17_472;
export const WEBHOOK_PORT = 9443;
export const WEBHOOK_SERVICE = "metallb-webhook-service";
export const MEMBERLIST_SECRET = "memberlist";

/** MetalLB's labels. */
export function labels(component: string): Readonly<Record<string, string>> {
  return { app: "metallb", component };
}

/** Where metrics are, and that only callers who may read them get them. */
export const METRICS_FLAGS: readonly string[] = [`--port=${METRICS_PORT}`, "--secure-metrics"];

/** MetalLB's name: monitors look for it. */
export const METRICS_PORT_NAME = "metricshttps";

const scrapeAnnotations = {
  "prometheus.io/port": String(METRICS_PORT),
  "prometheus.io/scheme": "https",
  "prometheus.io/scrape": "true",
} as const;

/** Everybody who looks at a container's rights finds the same ones, with `capabilities` added to none. */
export function containerRights(capabilities: readonly string[]): Fields {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: {
      drop: ["ALL"],
      ...(capabilities.length === 0 ? {} : { add: capabilities }),
    },
  };
}

/** Pod Security "restricted". */
export const restrictedPod: Fields = {
  runAsNonRoot: true,
  runAsUser: 65_534,
  runAsGroup: 65_534,
  fsGroup: 65_534,
  seccompProfile: { type: "RuntimeDefault" },
};

/** How the kubelet asks; a new Pod is not asked before it can have an answer. */
export function probes(port: number, host?: string): Fields {
  const ask = (path: string): Fields => ({
    httpGet: { path, port, ...(host === undefined ? {} : { host }) },
  });
  return {
    startupProbe: { ...ask("/healthz"), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...ask("/healthz"), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...ask("/readyz"), periodSeconds: 2, failureThreshold: 3 },
  };
}

export function fromField(name: string, fieldPath: string): Fields {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** What a list or a start has used is given back to the node, not kept for the next one. */
export const SMALL_HEAP: readonly Fields[] = [
  { name: "MALLOC_MMAP_THRESHOLD_", value: "65536" },
  { name: "MALLOC_TRIM_THRESHOLD_", value: "65536" },
];

export function command(program: string): readonly string[] {
  return ["/usr/local/bin/node", `/app/${program}.js`];
}

/** A Deployment or DaemonSet named after its component. */
export function workload(
  kind: "DaemonSet" | "Deployment",
  component: string,
  namespace: string,
  spec: { readonly own: Fields; readonly pod: Fields },
): ManifestObject {
  const selected = labels(component);
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name: component, namespace, labels: selected },
    spec: {
      ...spec.own,
      selector: { matchLabels: selected },
      template: {
        metadata: { labels: selected, annotations: scrapeAnnotations },
        spec: {
          serviceAccountName: component,
          nodeSelector: { "kubernetes.io/os": "linux" },
          ...spec.pod,
        },
      },
    },
  };
}
