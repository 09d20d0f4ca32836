/** Flags and environment of the speaker: MetalLB's, read by `npm run speaker` and by the Pod alike. */
import { commonOptions, MAX_PORT } from "../cluster/common-options";
import {
  onOff,
  oneOf,
  optionalText,
  text,
  wholeNumber,
  withoutEffect,
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
  memberLabels: withoutEffect(
    optionalText(
      "ml-labels",
      "METALLB_ML_LABELS",
      "label selector of the speaker Pods; accepted, every Node counts as a peer",
    ),
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
  isWanProfile: onOff("ml-wan-config", [], "the same as --l2-profile=wan"),
  livenessProfile: oneOf(
    "l2-profile",
    "METALLB_L2_PROFILE",
    ["default", "fast", "relaxed", "wan"],
    "how soon a silent speaker is dead: after 0.48 s, 0.3 s (nodes with nothing else to do), 1.5 s (crowded virtual machines), 4.2 s",
  ),
  failback: oneOf(
    "l2-failback",
    "METALLB_L2_FAILBACK",
    ["delayed", "immediate", "never"],
    "when a better node takes an address back from one that serves it",
  ),
  failbackMs: wholeNumber(
    "l2-failback-ms",
    "METALLB_L2_FAILBACK_MS",
    { fallback: 10_000, min: 0, max: 3_600_000 },
    "the delay of --l2-failback=delayed, doubled for each loss within ten minutes but the first",
  ),
  restartHoldMs: wholeNumber(
    "l2-restart-hold-ms",
    "METALLB_L2_RESTART_HOLD_MS",
    { fallback: 10_000, min: 0, max: 120_000 },
    "how long the others keep the addresses of a speaker that restarts, 0: they take them at once",
  ),
  standIn: oneOf(
    "l2-stand-in",
    "METALLB_L2_STAND_IN",
    ["on", "off"],
    "whether another speaker answers ARP and NDP for one that restarts; off where switches inspect ARP",
  ),
  uplinkCheck: oneOf(
    "l2-uplink-check",
    "METALLB_L2_UPLINK_CHECK",
    ["on", "off"],
    "whether a node gives its addresses up when its default gateway answers other nodes and not it",
  ),
  memberlistConfigPath: text(
    "memberlist-config",
    "METALLB_MEMBERLIST_CONFIG",
    "/etc/metallb/memberlist/config.json",
    "MetalLB's tuning of memberlist, if there is one: the nearest profile is used",
  ),
  isSecretPassthrough: withoutEffect(
    onOff("frrk8s-secret-passthrough", [], "accepted; there is no FRR beside Herald"),
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

/** Flags with a value that manifests written for MetalLB carry and that mean nothing here. */
export const IGNORED_FLAGS = [
  "config",
  "host",
  "bgp-debounce-timeout",
  "frrk8s-namespace",
  "pprof-bind-address",
  "tls-cipher-suites",
  "tls-curve-preferences",
] as const;

export type SpeakerOptions = OptionValues<typeof speakerOptions>;
