/** Flags and environment of the speaker: MetalLB's, read by `npm run speaker` and by the Pod alike. */
import { commonOptions, MAX_PORT } from "../cluster/common-options";
import {
  onOff,
  oneOf,
  optionalText,
  text,
  wholeNumber,
  type OptionValues,
} from "../cluster/options";

export const speakerOptions = {
  ...commonOptions,
  nodeName: optionalText("node-name", ["METALLB_NODE_NAME", "NODE_NAME"], "name of the own Node"),
  heartbeatAddress: optionalText(
    "ml-bindaddr",
    "METALLB_ML_BIND_ADDR",
    "address that heartbeats are received on, else all of the Node's",
  ),
  heartbeatPort: wholeNumber(
    "ml-bindport",
    "METALLB_ML_BIND_PORT",
    { fallback: 7946, min: 1, max: MAX_PORT },
    "UDP port of the heartbeats between speakers",
  ),
  memberLabels: optionalText(
    "ml-labels",
    "METALLB_ML_LABELS",
    "label selector of the speaker Pods",
  ),
  heartbeatSecretPath: optionalText(
    "ml-secret-key-path",
    "METALLB_ML_SECRET_KEY_PATH",
    "directory with the file `secretkey`; heartbeats are not authenticated without",
  ),
  ignoreExcludeLabel: onOff(
    "ignore-exclude-lb",
    "METALLB_IGNORE_EXCLUDE_LB",
    "announce also from nodes labelled to be excluded from load balancers",
  ),
  isWanProfile: onOff("ml-wan-config", [], "accepted; failure detection has one profile for now"),
  isSecretPassthrough: onOff(
    "frrk8s-secret-passthrough",
    [],
    "accepted; there is no FRR beside Herald",
  ),
  conflictDetection: oneOf(
    "l2-conflict-detection",
    "METALLB_L2_CONFLICT_DETECTION",
    ["fast", "rfc5227", "off"],
    "whether other hosts are asked about a new address before it is announced: for 0.4 s, as RFC 5227 says, or not",
  ),
  conflictPolicy: oneOf(
    "l2-conflict-policy",
    "METALLB_L2_CONFLICT_POLICY",
    ["defend", "yield"],
    "what happens when another host claims an announced address: kept for ever, or given up at the second claim within 10 s",
  ),
  bgpDrainSeconds: wholeNumber(
    "bgp-drain-seconds",
    "METALLB_BGP_DRAIN_SECONDS",
    { fallback: 2, min: 0, max: 60 },
    "how long BGP peers are asked to prefer other paths (RFC 8326) before a node that is taken out of service withdraws; 0: not",
  ),
  bgpRestartSeconds: wholeNumber(
    "bgp-restart-seconds",
    "METALLB_BGP_RESTART_SECONDS",
    { fallback: 120, min: 1, max: 4095 },
    "how long BGP peers with graceful restart keep the routes of a speaker that restarts",
  ),
  hasFrrK8sMetrics: onOff(
    "frrk8s-metrics",
    "METALLB_FRRK8S_METRICS",
    "export the BGP metrics under the names of MetalLB's frr-k8s mode, too",
  ),
  excludeListPath: text(
    "exclude-list",
    "METALLB_EXCLUDE_LIST",
    "/etc/metallb/excludel2.yaml",
    "file with the interfaces never used for layer 2",
  ),
} as const;

/** Flags with a value that manifests written for MetalLB carry and that mean nothing here, or nothing yet. */
export const IGNORED_FLAGS = [
  "config",
  "host",
  "bgp-debounce-timeout",
  "frrk8s-namespace",
  "pprof-bind-address",
  "tls-min-version",
  "tls-cipher-suites",
  "tls-curve-preferences",
  "metrics-cert-dir",
] as const;

export type SpeakerOptions = OptionValues<typeof speakerOptions>;
