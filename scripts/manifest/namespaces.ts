import { PEPR_NAMESPACE, type ManifestObject } from "./rbac";

/** Herald's namespace, where speakers may use the network of their node, and that of Pepr's store. */
export function namespaces(namespace: string): readonly ManifestObject[] {
  const privileged = ["enforce", "audit", "warn"].map(mode => [
    `pod-security.kubernetes.io/${mode}`,
    "privileged",
  ]);
  return [
    make(namespace, Object.fromEntries(privileged) as Record<string, string>),
    make(PEPR_NAMESPACE, { "pepr.dev": "" }),
  ];
}

function make(name: string, labels: Readonly<Record<string, string>>): ManifestObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}
