/** `dist/install.yaml`: everything of an installation, from Pepr's own manifest and ours. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { imageReference } from "../image/reference";
import { addedByController } from "../manifest/added-by-controller";
import { parseObjects } from "../manifest/definitions";
import { installationObjects, toYaml } from "../manifest/installation";
import type { ManifestObject } from "../manifest/rbac";
import { DEFAULT_NAMESPACE, distFolder } from "./paths";
import { replaceFile } from "./replace-file";

/** Resolves to what was done. */
export function writeInstallManifest(): Promise<string> {
  const image = imageReference(process.env);
  const objects = installationObjects({ namespace: DEFAULT_NAMESPACE, image }, readPeprManifest());
  const text = toYaml(objects);
  const isNew = replaceFile(join(distFolder, "install.yaml"), Buffer.from(text));
  return Promise.resolve(`${isNew ? "built" : "unchanged"}, ${objects.length} objects, ${image}`);
}

/** `dist/added-by-controller.json`, for the image: what `pepr deploy` leaves out. Resolves to what was done. */
export function writeAddedByController(): Promise<string> {
  const added = addedByController(DEFAULT_NAMESPACE);
  const text = JSON.stringify(added);
  const isNew = replaceFile(join(distFolder, "added-by-controller.json"), Buffer.from(text));
  return Promise.resolve(`${isNew ? "built" : "unchanged"}, ${added.length} objects`);
}

/** What Pepr's build has written: the webhooks are derived from it. */
export function readPeprManifest(): readonly ManifestObject[] {
  return parseObjects(readFileSync(join(distFolder, "pepr-module-herald.yaml"), "utf8"));
}
