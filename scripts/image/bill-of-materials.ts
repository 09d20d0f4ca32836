/** What is in the image, as a CycloneDX document: Node, and every package with its version and licence. */
import type { RuntimePackage } from "./packages";

export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly nodeVersion: string;
}

/** CycloneDX 1.5. The same input gives the same octets: no time and no serial number are in it. */
export function billOfMaterials(subject: Subject, packages: readonly RuntimePackage[]): object {
  const { name, version, nodeVersion } = subject;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { type: "container", "bom-ref": name, name, version } },
    components: [
      {
        type: "application",
        "bom-ref": `node@${nodeVersion}`,
        name: "node",
        version: nodeVersion,
        licenses: [{ license: { name: "MIT" } }],
        purl: `pkg:generic/node@${nodeVersion}`,
      },
      ...packages.map(component),
    ],
  };
}

function component({ name, version, license, folder }: RuntimePackage): object {
  return {
    type: "library",
    // A package may be there twice, in two versions or in two places.
    "bom-ref": folder,
    name,
    version,
    licenses: [{ expression: license === "NOASSERTION" ? "LicenseRef-unknown" : license }],
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
  };
}
