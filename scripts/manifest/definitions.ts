/** The custom resource definitions of an installation: Herald's own from `crds/`, and that of Pepr's store. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { repository } from "../build/paths";
import type { ManifestObject } from "./rbac";

/** All of them, Herald's in the order of their file names. */
export function customResourceDefinitions(): readonly ManifestObject[] {
  const folder = join(repository, "crds");
  const files = readdirSync(folder).filter(name => name.endsWith(".yaml"));
  const own = files.sort().flatMap(name => parseObjects(readFileSync(join(folder, name), "utf8")));
  return [...own, peprStoreDefinition];
}

/** The objects of a YAML text; empty documents are none. */
export function parseObjects(text: string): readonly ManifestObject[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents
    .map(document => document.toJS() as ManifestObject | null)
    .filter(object => object !== null);
}

/** The definition that Pepr's own loader applies at each start; ours has no right to. */
const peprStoreDefinition: ManifestObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "peprstores.pepr.dev" },
  spec: {
    group: "pepr.dev",
    scope: "Namespaced",
    names: { kind: "PeprStore", plural: "peprstores", singular: "peprstore" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { data: { type: "object", additionalProperties: { type: "string" } } },
          },
        },
      },
    ],
  },
};
