/**
 * Which packages of node_modules the programs need at run time. Found by following the imports of what ships, not by package.json:
 * Pepr depends on its whole tool chain (ESLint, ts-morph, quicktype), which no program of ours ever loads.
 */
import { build } from "esbuild";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { distFolder, repository } from "../build/paths";

export interface RuntimePackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Where it is found: `node_modules/express`, below the repository as in the image. */
  readonly folder: string;
}

/** What is started in a container. */
const programs = ["controller", "admission", "speaker", "packet-thread", "bgp-thread"];
const entryPoints = [...programs, "pepr-herald", "pepr-start", "end-to-end-test"].map(name =>
  join(distFolder, `${name}.js`),
);

/** Loaded through a `require` that no bundler sees: native code, found at run time. */
const NATIVE = ["koffi", "raw-socket"];

/** Where koffi's binary of this machine's kind lies; arm/v7 has a package of its own too. */
const KOFFI_BINARIES = "@koromix";

/** Every package that is reached, by name. Throws when one of them is not installed. */
export async function runtimePackages(): Promise<readonly RuntimePackage[]> {
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: entryPoints.filter(path => existsSync(path)),
    outdir: join(distFolder, ".image-trace"),
    bundle: true,
    platform: "node",
    metafile: true,
    write: false,
    logLevel: "silent",
    loader: { ".node": "empty" },
  });
  const folders = new Set<string>();
  for (const path of Object.keys(metafile.inputs)) {
    const folder = packageFolder(path);
    if (folder !== undefined) folders.add(folder);
  }
  for (const name of [...NATIVE, ...koffiBinaries()]) folders.add(`node_modules/${name}`);
  return [...folders].sort().map(readPackage);
}

/**
 * `node_modules/@scope/name/lib/x.js` → `node_modules/@scope/name`, also when it lies in another package's node_modules. What comes
 * before the first node_modules is left out: it may be elsewhere, behind a link.
 */
export function packageFolder(path: string): string | undefined {
  return /(?:^|\/)(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function koffiBinaries(): readonly string[] {
  const folder = join(repository, "node_modules", KOFFI_BINARIES);
  return existsSync(folder) ? readdirSync(folder).map(name => `${KOFFI_BINARIES}/${name}`) : [];
}

function readPackage(folder: string): RuntimePackage {
  const text = readFileSync(join(repository, folder, "package.json"), "utf8");
  const { name, version, license } = JSON.parse(text) as Record<string, unknown>;
  return {
    name: String(name),
    version: String(version),
    license: typeof license === "string" ? license : "NOASSERTION",
    folder,
  };
}
