/**
 * What each account may do, and why: the table of docs/security.md. A grant that no process uses, and a use that no grant covers, are
 * both found by test/lab/e2e. Names are given where a process needs one object only.
 */
import { WEBHOOK_CONFIGURATION } from "../../capabilities/admission/webhook-configurations";
import { WEBHOOK_SECRET } from "../../capabilities/admission/webhook-secret";
import { LEASE_NAME } from "../../capabilities/controller/leadership";
import { MEMBERLIST_SECRET } from "./pod-parts";

export type Account = "admission" | "controller" | "speaker";

export const ACCOUNTS: readonly Account[] = ["admission", "controller", "speaker"];

/** Where a grant holds: everywhere, in Herald's namespace, in that of Pepr's store. */
export type Scope = "cluster" | "namespace" | "store";

export interface Grant {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Objects it is limited to; `create` cannot be. */
  readonly names?: readonly string[];
  readonly why: string;
  /** What has to be switched on for it to be given; `install.yaml` has it on. */
  readonly onlyWith?: "secureMetrics";
}

const CONFIGURATION = [
  "bfdprofiles",
  "bgpadvertisements",
  "bgppeers",
  "communities",
  "ipaddresspools",
  "l2advertisements",
];
const STATUSES = ["servicebgpstatuses", "servicel2statuses"];
const METALLB = "metallb.io";
const follow = ["list", "watch"];

const events = grant("", ["events"], ["create", "patch"], "what happened to a Service, for people");
const store = grant(
  "pepr.dev",
  ["peprstores"],
  ["create", "get", "list", "patch", "watch"],
  "Pepr reads and makes its store before it serves or watches anything",
);
const ownPod = grant("", ["pods"], ["get"], "the own Pod, owner of what it writes");
/** Whoever asks for metrics is looked up at the API server. */
const callers: readonly Grant[] = [
  {
    ...grant("authentication.k8s.io", ["tokenreviews"], ["create"], "who asks for metrics"),
    onlyWith: "secureMetrics",
  },
  {
    ...grant(
      "authorization.k8s.io",
      ["subjectaccessreviews"],
      ["create"],
      "whether they may get /metrics",
    ),
    onlyWith: "secureMetrics",
  },
];
const configuration = grant(METALLB, CONFIGURATION, follow, "the configuration");

const admission: Readonly<Record<Scope, readonly Grant[]>> = {
  cluster: [
    grant("", ["namespaces", "nodes"], follow, "selectors, and addresses that nodes hold"),
    grant("", ["services"], ["list"], "who holds the addresses of a pool that shrinks or goes"),
    grant("networking.k8s.io", ["servicecidrs"], follow, "addresses that cluster IPs are from"),
    grant(
      "admissionregistration.k8s.io",
      ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
      ["get", ...follow, "update"],
      "authority and token of the webhooks",
      [WEBHOOK_CONFIGURATION],
    ),
    ...callers,
  ],
  namespace: [
    configuration,
    grant("", ["secrets"], ["create"], "the certificate, when there is none"),
    grant("", ["secrets"], ["list"], "whether the Secret that a BGPPeer names is there"),
    grant("", ["secrets"], ["get", "update", "watch"], "the certificate and its renewal", [
      WEBHOOK_SECRET,
    ]),
  ],
  store: [store],
};

const controller: Readonly<Record<Scope, readonly Grant[]>> = {
  cluster: [
    grant("", ["services"], ["get", ...follow], "which Services want an address"),
    grant("", ["services/status"], ["update"], "the address of a Service"),
    grant("", ["namespaces"], follow, "labels that pools select by"),
    grant(METALLB, CONFIGURATION, follow, "Pepr's watch, which knows no namespace"),
    events,
    ...callers,
  ],
  namespace: [
    grant(METALLB, ["ipaddresspools/status"], ["update"], "how full a pool is"),
    grant(METALLB, ["configurationstates"], ["create"], "whether the configuration can be used"),
    grant(METALLB, ["configurationstates"], ["get"], "the same", ["controller"]),
    grant(METALLB, ["configurationstates/status"], ["patch"], "the same", ["controller"]),
    grant("coordination.k8s.io", ["leases"], ["create"], "one writer at a time"),
    grant("coordination.k8s.io", ["leases"], ["get", "update"], "the same", [LEASE_NAME]),
    ownPod,
    grant("apps", ["deployments"], ["get"], "the owner of the speakers' Secret", ["controller"]),
    grant("", ["secrets"], ["create"], "the speakers' Secret, when there is none"),
    grant("", ["secrets"], ["get"], "whether there is one", [MEMBERLIST_SECRET]),
    grant("", ["pods"], ["list"], "which nodes have a speaker"),
    grant(METALLB, STATUSES, ["delete", "list"], "statuses of nodes that have none"),
    grant("", ["configmaps"], follow, "a configuration of MetalLB 0.1 to 0.12"),
    grant(METALLB, ["addresspools"], ["list"], "a configuration of MetalLB 0.13"),
    grant(METALLB, CONFIGURATION, ["create", "delete", "patch"], "objects of such a configuration"),
    grant("", ["secrets"], ["delete", "list", "patch"], "passwords of its peers"),
  ],
  store: [store],
};

const speaker: Readonly<Record<Scope, readonly Grant[]>> = {
  cluster: [
    grant("", ["services", "nodes"], follow, "what is to be announced, and from where"),
    grant("discovery.k8s.io", ["endpointslices"], follow, "which nodes have Pods of a Service"),
    events,
    ...callers,
  ],
  namespace: [
    configuration,
    ownPod,
    grant("", ["secrets"], follow, "passwords of BGP sessions"),
    grant(METALLB, STATUSES, ["create", "delete", ...follow], "who announces a Service"),
    grant(METALLB, STATUSES.map(withStatus), ["patch"], "the same"),
  ],
  store: [],
};

export const grants: Readonly<Record<Account, Readonly<Record<Scope, readonly Grant[]>>>> = {
  admission,
  controller,
  speaker,
};

function grant(
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  ...[why, names]: [why: string, names?: readonly string[]]
): Grant {
  return { group, resources, verbs, why, ...(names && { names }) };
}

function withStatus(plural: string): string {
  return `${plural}/status`;
}
