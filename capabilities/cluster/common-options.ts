/** The flags that every part of Herald has, under MetalLB's names (operations: flags and environment). */
import { oneOf, onOff, optionalText, text, wholeNumber, type OptionValues } from "./options";

export const MAX_PORT = 65_535;

export const commonOptions = {
  namespace: text(
    "namespace",
    "METALLB_NAMESPACE",
    "metallb-system",
    "namespace of Herald's resources, never the Pod's own",
  ),
  podName: optionalText("pod-name", "METALLB_POD_NAME", "own Pod, owner of the status objects"),
  logLevel: oneOf(
    "log-level",
    "METALLB_LOG_LEVEL",
    ["info", "debug", "all", "warn", "error", "none"],
    "how much is logged",
  ),
  loadBalancerClass: text(
    "lb-class",
    "METALLB_LB_CLASS",
    "",
    "handle only Services of this load-balancer class",
  ),
  kubeconfig: optionalText("kubeconfig", "KUBECONFIG", "how to reach the cluster, else in-cluster"),
  metricsPort: wholeNumber(
    "port",
    "METALLB_METRICS_PORT",
    { fallback: 9120, min: 0, max: MAX_PORT },
    "port of /metrics, 0 is off",
  ),
  healthProbePort: wholeNumber(
    "health-probe-port",
    "METALLB_HEALTH_PROBE_PORT",
    { fallback: 17_472, min: 0, max: MAX_PORT },
    "port of /healthz and /readyz, 0 is off",
  ),
  isSecureMetrics: onOff(
    "secure-metrics",
    "METALLB_SECURE_METRICS",
    "metrics over HTTPS, for callers whose token may get the non-resource URL /metrics",
  ),
  metricsCertificateFolder: optionalText(
    "metrics-cert-dir",
    "METALLB_METRICS_CERT_DIR",
    "directory with tls.crt and tls.key for --secure-metrics, else self-signed",
  ),
  tlsMinVersion: oneOf(
    "tls-min-version",
    "METALLB_TLS_MIN_VERSION",
    ["VersionTLS13", "VersionTLS12"],
    "lowest TLS version of metrics and webhooks",
  ),
} as const;

export type CommonOptions = OptionValues<typeof commonOptions>;
