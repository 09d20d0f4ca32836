/** Everything that is applied at once: `dist/install.yaml`. Certificates, tokens and secrets are not in it, the parts make them. */
import { stringify } from "yaml";
import { admissionObjects } from "./admission";
import { controllerObjects } from "./controller";
import { customResourceDefinitions } from "./definitions";
import { namespaces } from "./namespaces";
import { WEBHOOK_SERVICE, type Installation } from "./pod-parts";
import { accountsAndRoles, type ManifestObject } from "./rbac";
import { speakerObjects } from "./speaker";
import { webhookConfigurations } from "./webhooks";

/** In the order in which they have to be applied. `peprManifest` is what Pepr's build has written. */
export function installationObjects(
  installation: Installation,
  peprManifest: readonly ManifestObject[],
): readonly ManifestObject[] {
  const { namespace } = installation;
  return [
    ...namespaces(namespace),
    ...customResourceDefinitions(),
    ...accountsAndRoles(namespace),
    ...speakerObjects(installation),
    ...controllerObjects(installation),
    ...admissionObjects(installation),
    ...installedWebhooks(namespace, peprManifest),
  ];
}

/**
 * The webhook configurations without what the admission Pods fill in: the path (a token is in it) and the authority. Left out, they
 * stay as they are when the manifest is applied again.
 */
function installedWebhooks(
  namespace: string,
  peprManifest: readonly ManifestObject[],
): readonly ManifestObject[] {
  const service = { name: WEBHOOK_SERVICE, namespace, port: 443 };
  return webhookConfigurations(peprManifest, "", () => ({ service }));
}

/** YAML, an object a document. */
export function toYaml(objects: readonly ManifestObject[]): string {
  const head = "# Made by `npm run build`; do not edit.\n";
  const documents = objects.map(object => stringify(object, { lineWidth: 0 }));
  return head + documents.map(document => `---\n${document}`).join("");
}
