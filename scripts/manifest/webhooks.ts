/**
 * The webhook configurations of an installation, made from those that Pepr's build derives from the capabilities: MetalLB's names
 * instead of Pepr's, one webhook per kind, and our way to the server.
 */
import { WEBHOOK_CONFIGURATION } from "../../capabilities/admission/webhook-configurations";
import { mutationConditions } from "./mutation-conditions";
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
 * The two configurations. What admission may refuse fails while it is away: every change, and the deletion of a BFDProfile. Other
 * deletions are only warned about and go through (docs/adr/0002). Mutation is asked for where a text may be other than in normal form.
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

type Purpose = (typeof purposes)[keyof typeof purposes]["purpose"];

function namedAndBounded(rule: Rule, purpose: Purpose): Readonly<Record<string, unknown>> {
  const plural = rule.resources[0] ?? "";
  const singular = plural.replace(/ies$/, "y").replace(/s$/, "");
  if (!rule.operations.includes("DELETE")) {
    const matchConditions = purpose === "mutation" ? mutationConditions(plural) : [];
    const name = `${singular}${purpose}webhook.metallb.io`;
    return {
      name,
      failurePolicy: "Fail",
      ...(matchConditions.length === 0 ? {} : { matchConditions }),
    };
  }
  const name = `${singular}deletionwebhook.metallb.io`;
  const failurePolicy = plural === "bfdprofiles" ? "Fail" : "Ignore";
  return { name, failurePolicy, timeoutSeconds: 5, matchConditions: [notByTheCluster] };
}

/** A namespace on its way out deletes what is in it: nobody asks whether it is in use, and admission may be gone before. */
const notByTheCluster = {
  name: "not-by-the-cluster-itself",
  expression:
    '!(request.userInfo.username in ["system:serviceaccount:kube-system:namespace-controller", ' +
    '"system:serviceaccount:kube-system:generic-garbage-collector", ' +
    // Without accounts of their own (--use-service-account-credentials=false) all controllers are one user.
    '"system:kube-controller-manager"])',
};

function isConfiguration(object: ManifestObject): object is Configuration {
  return object.kind in purposes && Array.isArray(object["webhooks"]);
}
