/** Accounts, roles and bindings from the table of grants. MetalLB's names, and an account for the admission Pods beside them. */
import { ACCOUNTS, grants, type Account, type Grant, type Scope } from "./grants";

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly [field: string]: unknown;
}

/** As in `rules` of a role. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** The namespace of Pepr's store; Pepr has no other. */
export const PEPR_NAMESPACE = "pepr-system";

/** The accounts, roles and bindings of an installation in this namespace. */
export function accountsAndRoles(namespace: string): readonly ManifestObject[] {
  return ACCOUNTS.flatMap(account => [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace } },
    ...granted(account, namespace, undefined),
    ...granted(account, namespace, namespace),
    ...(grants[account].store.length === 0 ? [] : granted(account, namespace, PEPR_NAMESPACE)),
  ]);
}

/** The rules of an account in a scope. */
function rulesOf(account: Account, scope: Scope): readonly Rule[] {
  return grants[account][scope].map(toRule);
}

/** The same in two: those that are always given, and those that secure metrics need. */
export function splitRulesOf(
  account: Account,
  scope: Scope,
): { readonly always: readonly Rule[]; readonly withSecureMetrics: readonly Rule[] } {
  const all = grants[account][scope];
  return {
    always: all.filter(({ onlyWith }) => onlyWith === undefined).map(toRule),
    withSecureMetrics: all.filter(({ onlyWith }) => onlyWith === "secureMetrics").map(toRule),
  };
}

/** A grant as RBAC has it. */
export function toRule({ group, resources, verbs, names }: Grant): Rule {
  return { apiGroups: [group], resources, verbs, ...(names && { resourceNames: names }) };
}

/** A role with its binding: of the cluster when `where` is undefined. */
function granted(
  account: Account,
  home: string,
  where: string | undefined,
): readonly ManifestObject[] {
  const prefix = where === undefined ? "Cluster" : "";
  const metadata =
    where === undefined ? { name: `${home}:${account}` } : { name: account, namespace: where };
  const scope = where === undefined ? "cluster" : where === home ? "namespace" : "store";
  const group = "rbac.authorization.k8s.io";
  const apiVersion = `${group}/v1`;
  return [
    { apiVersion, kind: `${prefix}Role`, metadata, rules: rulesOf(account, scope) },
    {
      apiVersion,
      kind: `${prefix}RoleBinding`,
      metadata,
      roleRef: { apiGroup: group, kind: `${prefix}Role`, name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: home }],
    },
  ];
}
