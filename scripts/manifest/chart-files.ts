/** The parts of the chart that are made from the same tables as `install.yaml`: roles, webhooks, the definition of Pepr's store. */
import { stringify } from "yaml";
import { customResourceDefinitions } from "./definitions";
import { ACCOUNTS, type Account, type Scope } from "./grants";
import { WEBHOOK_SERVICE } from "./pod-parts";
import { splitRulesOf, type ManifestObject, type Rule } from "./rbac";
import { webhookConfigurations } from "./webhooks";

const HEAD = "{{- /* Made by `npm run build` from scripts/manifest. */}}\n";

/** Names of objects that depend on the release. */
const RELEASE_NAMES: Readonly<Record<string, string>> = {
  deployments: '{{ include "metallb.controllerName" . }}',
  memberlist: '{{ include "metallb.memberlistSecret" . }}',
};

/** Contents by path below charts/herald. */
export function chartFiles(
  peprManifest: readonly ManifestObject[],
): Readonly<Record<string, string>> {
  return {
    "files/peprstores.yaml": peprStore(),
    "templates/roles.yaml": roles(),
    "templates/webhooks.yaml": webhooks(peprManifest),
  };
}

function peprStore(): string {
  const store = customResourceDefinitions().find(
    ({ metadata }) => metadata.name === "peprstores.pepr.dev",
  );
  return stringify(store, { lineWidth: 0 });
}

function roles(): string {
  const objects = ACCOUNTS.map(account => {
    const lines = [
      ...role(account, "cluster"),
      ...role(account, "namespace"),
      ...(account === "speaker" ? [] : role(account, "store")),
    ];
    const condition = {
      admission: 'include "herald.hasAdmission" .',
      controller: 'include "herald.hasController" .',
      speaker: ".Values.speaker.enabled",
    }[account];
    return `{{- if and .Values.rbac.create (${condition}) }}\n${lines.join("\n")}\n{{- end }}\n`;
  });
  return HEAD + objects.join("");
}

function role(account: Account, scope: Scope): readonly string[] {
  const kind = scope === "cluster" ? "ClusterRole" : "Role";
  const where = {
    cluster: "",
    namespace: "{{ .Release.Namespace | quote }}",
    store: "pepr-system",
  };
  const separator = scope === "cluster" ? ":" : "-";
  const name = `'{{ include "metallb.fullname" . }}${separator}${account}'`;
  const metadata = [
    "metadata:",
    `  name: ${name}`,
    ...(where[scope] === "" ? [] : [`  namespace: ${where[scope]}`]),
    "  labels:",
    '    {{- include "metallb.labels" . | nindent 4 }}',
  ];
  const group = "rbac.authorization.k8s.io";
  return [
    "---",
    `apiVersion: ${group}/v1`,
    `kind: ${kind}`,
    ...metadata,
    "rules:",
    ...rules(account, scope),
    "---",
    `apiVersion: ${group}/v1`,
    `kind: ${kind}Binding`,
    ...metadata,
    `roleRef: {apiGroup: ${group}, kind: ${kind}, name: ${name}}`,
    "subjects:",
    `  - {kind: ServiceAccount, name: '{{ include "metallb.account" (list . "${account}") }}', namespace: '{{ .Release.Namespace }}'}`,
  ];
}

function rules(account: Account, scope: Scope): readonly string[] {
  const { always, withSecureMetrics } = splitRulesOf(account, scope);
  const toLines = (some: readonly Rule[]): string =>
    indent(stringify(some.map(withReleaseNames), { lineWidth: 0 }), 2);
  if (withSecureMetrics.length === 0) return [toLines(always)];
  const condition = "{{- if .Values.prometheus.secureMetrics }}";
  return [toLines(always), condition, toLines(withSecureMetrics), "{{- end }}"];
}

function withReleaseNames(rule: Rule): Rule {
  if (rule.resourceNames === undefined) return rule;
  const resource = rule.resources[0] ?? "";
  const names = rule.resourceNames.map(
    name => RELEASE_NAMES[resource] ?? RELEASE_NAMES[name] ?? name,
  );
  return { ...rule, resourceNames: names };
}

function webhooks(peprManifest: readonly ManifestObject[]): string {
  const service = { name: WEBHOOK_SERVICE, namespace: "NAMESPACE", port: 443 };
  const objects = webhookConfigurations(peprManifest, "", () => ({ service }));
  const texts = objects.map(object => {
    const labelled = { ...object, metadata: { ...object.metadata, labels: "LABELS" } };
    return stringify(labelled, { lineWidth: 0 })
      .replaceAll("namespace: NAMESPACE", "namespace: {{ .Release.Namespace | quote }}")
      .replaceAll("labels: LABELS", 'labels:\n    {{- include "metallb.labels" . | nindent 4 }}')
      .replaceAll(
        "failurePolicy: Fail",
        "failurePolicy: {{ .Values.crds.validationFailurePolicy }}",
      );
  });
  const body = texts.map(text => `---\n${text}`).join("");
  return `${HEAD}{{- if include "herald.hasAdmission" . }}\n${body}{{- end }}\n`;
}

function indent(text: string, by: number): string {
  return text.trimEnd().replace(/^/gm, " ".repeat(by));
}
