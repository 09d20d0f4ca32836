/** What the controller applies after `pepr deploy`, and what it may do there: more than in the other ways, see docs/security.md. */
import { customResourceDefinitions } from "./definitions";
import { ACCOUNTS, grants } from "./grants";
import { namespaces } from "./namespaces";
import { accountsAndRoles, PEPR_NAMESPACE, toRule, type ManifestObject, type Rule } from "./rbac";
import { speakerObjects } from "./speaker";

/** An object with its own path at the API server, in the order in which they are applied. */
export interface AddedObject {
  readonly path: string;
  readonly object: ManifestObject;
}

const PLURALS: Readonly<Record<string, string>> = {
  Namespace: "namespaces",
  CustomResourceDefinition: "customresourcedefinitions",
  ServiceAccount: "serviceaccounts",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: "roles",
  RoleBinding: "rolebindings",
  ConfigMap: "configmaps",
  DaemonSet: "daemonsets",
};

/** The image is the word IMAGE: the controller knows its own when it runs. */
export function addedByController(namespace: string): readonly AddedObject[] {
  const speaker = accountsAndRoles(namespace).filter(({ metadata }) =>
    /^(.*:)?speaker$/.test(metadata.name),
  );
  const objects = [
    ...namespaces(namespace).filter(({ metadata }) => metadata.name !== PEPR_NAMESPACE),
    ...customResourceDefinitions(),
    ...speaker,
    ...speakerObjects({ namespace, image: "IMAGE" }),
  ];
  return objects.map(object => ({ path: pathOf(object), object }));
}

/** `pepr.rbac` of package.json: all that controller and admission do, and the rights to add the rest. */
export function peprRules(namespace: string): readonly Rule[] {
  const all = ACCOUNTS.flatMap(account => Object.values(grants[account]).flat());
  const objects = addedByController(namespace).map(({ object }) => object);
  const groups = [...new Set(objects.map(({ apiVersion }) => groupOf(apiVersion)))];
  const added = groups.map(group => {
    const own = objects.filter(({ apiVersion }) => groupOf(apiVersion) === group);
    const resources = [...new Set(own.map(({ kind }) => PLURALS[kind] ?? ""))];
    return { apiGroups: [group], resources, verbs: ["create", "get", "patch"] };
  });
  const ownPod = { apiGroups: [""], resources: ["pods"], verbs: ["get"] };
  return withOwnKeys([...all.map(toRule), ...added, ownPod]);
}

/**
 * Pepr merges rules of the same group and resources and keeps the names of the first: a limit would be lost, or would hold for what
 * has none. So there is one rule without names, and those with names have a resource more than once.
 */
function withOwnKeys(rules: readonly Rule[]): readonly Rule[] {
  const open = new Map<string, Rule>();
  const limited = new Map<string, Rule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames]);
    const known = rule.resourceNames === undefined ? open : limited;
    const verbs = new Set([...(known.get(key)?.verbs ?? []), ...rule.verbs]);
    known.set(key, { ...rule, verbs: [...verbs] });
  }
  const repeated = [...limited.values()].map((rule, index) => {
    const [first = ""] = rule.resources;
    return { ...rule, resources: [...rule.resources, ...Array<string>(index + 1).fill(first)] };
  });
  return [...open.values(), ...repeated];
}

function pathOf({ apiVersion, kind, metadata }: ManifestObject): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const { name, namespace } = metadata;
  const where = typeof namespace === "string" ? `/namespaces/${namespace}` : "";
  const plural = PLURALS[kind];
  if (plural === undefined) throw new Error(`no plural is known for ${kind}`);
  return `${root}${where}/${plural}/${name}`;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}
