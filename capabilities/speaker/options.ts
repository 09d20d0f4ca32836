/** Flags and environment of the speaker: MetalLB's, read by `npm run speaker` and by the Pod alike. */
import { commonOptions, MAX_PORT } from "../cluster/common-options";
import { onOff, optionalText, text, wholeNumber, type OptionValues } from "../cluster/options";

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
