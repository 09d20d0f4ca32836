/**
 * The webhook configurations of an installation, made from those that Pepr's build derives from the capabilities: MetalLB's names
 * instead of Pepr's, one webhook per kind, and our way to the server.
 */
import { WEBHOOK_CONFIGURATION } from "../../capabilities/admission/webhook-configurations";
import type { ManifestObject } from "./rbac";

/** Where admission is reached, as in `clientConfig`, for the path of one webhook. */
export type ClientConfig = (path: string) => Readonly<Record<string, unknown>>;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
}

interface Webhook {
  readonly rules: readonly Rule[];
  readonly [field: string]: unknown;
}

interface Configuration extends ManifestObject {
  readonly webhooks: readonly Webhook[];
}

const purposes = {
  MutatingWebhookConfiguration: { path: "mutate", purpose: "mutation" },
  ValidatingWebhookConfiguration: { path: "validate", purpose: "validation" },
} as const;

/**
 * The two configurations. Changes fail while admission is away; deletions do not: a namespace whose admission is already gone has to
 * be deletable.
 */
export function webhookConfigurations(
  peprManifest: readonly ManifestObject[],
  token: string,
  clientConfig: ClientConfig,
): readonly ManifestObject[] {
  return peprManifest.filter(isConfiguration).map(({ apiVersion, kind, webhooks }) => {
    const { path, purpose } = purposes[kind as keyof typeof purposes];
    const reach = clientConfig(`/${path}/${token}`);
    return {
      apiVersion,
      kind,
      metadata: { name: WEBHOOK_CONFIGURATION },
      webhooks: webhooks.flatMap(webhook =>
        webhook.rules.map(rule => ({
          ...webhook,
          ...namedAndBounded(rule, purpose),
          clientConfig: reach,
          rules: [rule],
        })),
      ),
    };
  });
}

function namedAndBounded(rule: Rule, purpose: string): Readonly<Record<string, unknown>> {
  const singular = (rule.resources[0] ?? "").replace(/ies$/, "y").replace(/s$/, "");
  const isDeletion = rule.operations.includes("DELETE");
  return {
    name: `${singular}${isDeletion ? "deletion" : purpose}webhook.metallb.io`,
    failurePolicy: isDeletion ? "Ignore" : "Fail",
    ...(isDeletion ? { timeoutSeconds: 5 } : {}),
  };
}

function isConfiguration(object: ManifestObject): object is Configuration {
  return object.kind in purposes && Array.isArray(object["webhooks"]);
}
