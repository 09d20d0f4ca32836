/**
 * The container image without Docker: `dist/herald-image.tar`, from what `npm run build` has built. With `--root <folder>` only its
 * files, for the Dockerfile, which makes the same image. Name and tag: HERALD_IMAGE, else `herald:<version>`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../package.json";
import { distFolder } from "./build/paths";
import { writeArchive } from "./image/archive";
import { imageReference } from "./image/reference";
import { writeRootFolder } from "./image/root-folder";

async function main(argv: readonly string[]): Promise<void> {
  const options = { root: { type: "string" }, output: { type: "string" } } as const;
  const { values } = parseArgs({ args: [...argv], options });
  if (values.root !== undefined) {
    const packages = await writeRootFolder(values.root);
    console.log(`${values.root}: Node ${process.versions.node} and ${packages.length} packages`);
    return;
  }
  const work = mkdtempSync(join(distFolder, ".image-"));
  try {
    const root = join(work, "root");
    const packages = await writeRootFolder(root);
    const target = values.output ?? join(distFolder, "herald-image.tar");
    const reference = imageReference(process.env);
    const octets = await writeArchive(root, target, { reference, version });
    const size = (octets / 1e6).toFixed(1);
    console.log(`${target}: ${reference}, ${size} MB, ${packages.length} packages`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
