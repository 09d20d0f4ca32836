/** Programs and threads bundled for a test, as they ship: one CommonJS file each. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(__dirname, "..", "..");

/** Paths of the bundles by name. `remove` deletes them. */
export type Bundles<Name extends string> = Readonly<Record<Name, string>> & { remove(): void };

/** What a node of a test consists of: the bundled thread and the program around it. */
export type NodeBundles = Bundles<"thread" | "program">;

/**
 * Bundles sources, given by name and path in the repository, into a directory of this process below node_modules, from where
 * koffi can be resolved. `label` keeps apart what one process bundles for several purposes.
 */
export async function bundlePrograms<Name extends string>(
  label: string,
  sources: Readonly<Record<Name, string>>,
): Promise<Bundles<Name>> {
  const outdir = join(ROOT, "node_modules", ".cache", "herald", `${label}-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  const names = Object.keys(sources) as Name[];
  await build({
    entryPoints: names.map(name => ({ in: join(ROOT, sources[name]), out: name })),
    outdir,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
  const paths = Object.fromEntries(names.map(name => [name, join(outdir, `${name}.js`)]));
  return {
    ...(paths as Record<Name, string>),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
