/** The bundles that are not Pepr modules: the programs that start it, and the programs of each node. */
import { build, type BuildResult } from "esbuild";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json";
import { distFolder, repository } from "./paths";
import { replaceFile } from "./replace-file";

export interface Bundle {
  readonly output: string;
  readonly entry: string;
  /** Packages that must not be reached: the node's programs do not carry Pepr's run time. */
  readonly mustNotReach: readonly string[];
  /** A command for people: it begins with a line that names its interpreter, and may be started by its path. */
  readonly isExecutable?: boolean;
}

const peprRunTime = ["pepr", "kubernetes-fluent-client"];

export const bundles: readonly Bundle[] = [
  { output: "controller.js", entry: "scripts/loaders/controller.ts", mustNotReach: peprRunTime },
  { output: "admission.js", entry: "scripts/loaders/admission.ts", mustNotReach: peprRunTime },
  { output: "speaker.js", entry: "capabilities/speaker/main.ts", mustNotReach: peprRunTime },
  { output: "packet-thread.js", entry: "node/packet-thread.ts", mustNotReach: peprRunTime },
  { output: "bgp-thread.js", entry: "node/bgp-thread.ts", mustNotReach: peprRunTime },
  { output: "pepr-start.js", entry: "scripts/loaders/pepr-start.ts", mustNotReach: peprRunTime },
  {
    output: "end-to-end-test.js",
    entry: "scripts/loaders/end-to-end-test.ts",
    mustNotReach: peprRunTime,
  },
  {
    output: "kubectl-herald.js",
    entry: "cli/main.ts",
    mustNotReach: peprRunTime,
    isExecutable: true,
  },
];

/**
 * Writes one bundle and its source map, each in one step, and only when its content differs: a running process never sees half a
 * file. Resolves to what was done.
 */
export async function writeBundle(bundle: Bundle): Promise<string> {
  const result = await build({
    absWorkingDir: repository,
    entryPoints: [bundle.entry],
    outfile: join(distFolder, bundle.output),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    // Packages are found in node_modules beside dist/, as in the image; small pure ones are taken in to start faster.
    external: Object.keys(packageJson.dependencies).filter(name => !["yaml", "zod"].includes(name)),
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: "linked",
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  refuseForbidden(bundle, result);
  const written = result.outputFiles.filter(file => replaceFile(file.path, file.contents));
  if (bundle.isExecutable) chmodSync(join(distFolder, bundle.output), 0o755);
  const size = result.outputFiles.find(file => file.path.endsWith(bundle.output))?.contents.length;
  return `${written.length === 0 ? "unchanged" : "built"}, ${Math.ceil((size ?? 0) / 1024)} kB`;
}

function refuseForbidden(bundle: Bundle, result: BuildResult): void {
  for (const [path, input] of Object.entries(result.metafile?.inputs ?? {})) {
    const reached = input.imports.find(
      ({ path: target, external }) => external === true && bundle.mustNotReach.includes(target),
    );
    if (reached) throw new Error(`${path} imports the value of ${reached.path}; only types may be`);
  }
}
