/** Keeps the webhook configurations of an installation in step with the Secret: which authorities are trusted, and the token. */
import { trustedAuthorities, type SecretTexts, type WebhookSecret } from "./webhook-secret";

/** MetalLB's name of both configurations. */
export const WEBHOOK_CONFIGURATION = "metallb-webhook-configuration";

export interface ClientConfig {
  readonly url?: string;
  readonly service?: { readonly path?: string; readonly [field: string]: unknown };
  readonly caBundle?: string;
}

export interface WebhookConfiguration {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly webhooks?: readonly { readonly clientConfig: ClientConfig }[];
  readonly [field: string]: unknown;
}

/**
 * The configuration as the Secret wants it, undefined when it is so already. The way to the server stays as it is but for the
 * path, whose last part is ours. It may be missing at first, `/validate`; so may all of it: what an installer leaves out, its next run
 * does not set back.
 */
export function inStepWith(
  secret: SecretTexts & WebhookSecret,
  configuration: WebhookConfiguration,
): WebhookConfiguration | undefined {
  const caBundle = Buffer.from(trustedAuthorities(secret)).toString("base64");
  const isMutating = configuration["kind"] === "MutatingWebhookConfiguration";
  const defaultPath = isMutating ? "/mutate" : "/validate";
  const webhooks = (configuration.webhooks ?? []).map(webhook => {
    const { url, service } = webhook.clientConfig;
    const clientConfig: ClientConfig = {
      ...webhook.clientConfig,
      caBundle,
      ...(url === undefined ? {} : { url: withToken(url, secret.token) }),
      ...(service === undefined
        ? {}
        : { service: { ...service, path: withToken(service.path ?? defaultPath, secret.token) } }),
    };
    return { ...webhook, clientConfig };
  });
  const wanted = { ...configuration, webhooks };
  return JSON.stringify(wanted.webhooks) === JSON.stringify(configuration.webhooks)
    ? undefined
    : wanted;
}

function withToken(way: string, token: string): string {
  return way.replace(/\/(mutate|validate)(\/[^/]*)?$/, `/$1/${token}`);
}
