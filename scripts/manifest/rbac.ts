/**
 * Who may do what: MetalLB's accounts and role names, an account for the admission Pods beside them. An account gets the verbs
 * that its process uses, and reads Secrets only in Herald's own namespace.
 */
import { WEBHOOK_CONFIGURATION } from "../../capabilities/admission/webhook-configurations";
import { WEBHOOK_SECRET } from "../../capabilities/admission/webhook-secret";

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly [field: string]: unknown;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** The namespace of Pepr's store; Pepr has no other. */
export const PEPR_NAMESPACE = "pepr-system";

const read = ["get", "list", "watch"];
const configuration = [
  "bfdprofiles",
  "bgpadvertisements",
  "bgppeers",
  "communities",
  "ipaddresspools",
  "l2advertisements",
];
const statuses = ["configurationstates", "servicebgpstatuses", "servicel2statuses"];
const webhookKinds = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
const all = ["create", "delete", "get", "list", "patch", "update", "watch"];

const events: Rule = rule("", ["events"], ["create", "patch"]);
const scrape: readonly Rule[] = [
  rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
  rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
];
/** Pepr's client reads and watches its kinds in every namespace. */
const readConfiguration = rule("metallb.io", configuration, read);

const clusterRules: Readonly<Record<string, readonly Rule[]>> = {
  admission: [
    readConfiguration,
    rule("", ["namespaces", "nodes"], read),
    rule("", ["services"], ["list"]),
    rule(
      "admissionregistration.k8s.io",
      webhookKinds,
      [...read, "update"],
      [WEBHOOK_CONFIGURATION],
    ),
    ...scrape,
  ],
  controller: [
    readConfiguration,
    rule("", ["services", "namespaces", "nodes"], read),
    rule("", ["services"], ["patch", "update"]),
    rule("", ["services/status"], ["patch", "update"]),
    rule("metallb.io", ["ipaddresspools/status"], ["patch", "update"]),
    rule("metallb.io", [...statuses, ...statuses.map(withStatus)], all),
    events,
    ...scrape,
  ],
  speaker: [
    rule("", ["services", "endpoints", "nodes", "namespaces"], read),
    rule("discovery.k8s.io", ["endpointslices"], read),
    events,
    ...scrape,
  ],
};

const namespaceRules: Readonly<Record<string, readonly Rule[]>> = {
  admission: [
    rule("", ["secrets"], [...read, "create"]),
    rule("", ["secrets"], ["update"], [WEBHOOK_SECRET]),
  ],
  controller: [
    rule("", ["pods"], ["get", "list"]),
    rule("", ["secrets", "configmaps"], all),
    rule("apps", ["deployments", "daemonsets"], read),
    rule("coordination.k8s.io", ["leases"], ["create", "get", "patch", "update"]),
  ],
  speaker: [
    rule("", ["pods"], ["get", "list"]),
    rule("", ["secrets", "configmaps"], read),
    readConfiguration,
    rule("metallb.io", [...statuses, ...statuses.map(withStatus)], all),
  ],
};

/** The accounts, roles and bindings of an installation in this namespace. */
export function accountsAndRoles(namespace: string): readonly ManifestObject[] {
  const store = rule("pepr.dev", ["peprstores"], ["create", "get", "list", "patch", "watch"]);
  return ["admission", "controller", "speaker"].flatMap(account => [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace } },
    ...granted(account, { namespace }, undefined, clusterRules[account] ?? []),
    ...granted(account, { namespace }, namespace, namespaceRules[account] ?? []),
    ...(account === "speaker" ? [] : granted(account, { namespace }, PEPR_NAMESPACE, [store])),
  ]);
}

/** A role with its binding: of the cluster when `where` is undefined. */
function granted(
  account: string,
  home: { readonly namespace: string },
  where: string | undefined,
  rules: readonly Rule[],
): readonly ManifestObject[] {
  const scope = where === undefined ? "Cluster" : "";
  const metadata =
    where === undefined
      ? { name: `${home.namespace}:${account}` }
      : { name: account, namespace: where };
  const group = "rbac.authorization.k8s.io";
  const apiVersion = `${group}/v1`;
  return [
    { apiVersion, kind: `${scope}Role`, metadata, rules },
    {
      apiVersion,
      kind: `${scope}RoleBinding`,
      metadata,
      roleRef: { apiGroup: group, kind: `${scope}Role`, name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: home.namespace }],
    },
  ];
}

function rule(
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  resourceNames?: readonly string[],
): Rule {
  return { apiGroups: [group], resources, verbs, ...(resourceNames && { resourceNames }) };
}

function withStatus(plural: string): string {
  return `${plural}/status`;
}
