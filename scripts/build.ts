/**
 * Builds what ships into dist/: the Pepr module, the programs that start it, and the programs of each node. Only what changed is
 * built again, so a test may call it each time. `--force` builds all. The exit code is 1 when a part could not be built.
 */
import { mkdirSync } from "node:fs";
import { bundles, writeBundle } from "./build/bundles";
import { packageChart } from "./build/chart";
import { writeAddedByController, writeInstallManifest } from "./build/installation";
import { withLock } from "./build/lock";
import { distFolder } from "./build/paths";
import { buildPeprModule } from "./build/pepr-module";

interface Step {
  readonly output: string;
  /** Resolves to what was done, in a few words. */
  readonly run: () => Promise<string>;
}

async function main(argv: readonly string[]): Promise<number> {
  const isForced = argv.includes("--force");
  const steps: readonly Step[] = [
    ...bundles.map(bundle => ({ output: bundle.output, run: () => writeBundle(bundle) })),
    {
      output: "pepr-herald.js",
      run: () => withLock("pepr-herald", () => buildPeprModule({ isForced })),
    },
    { output: "install.yaml", run: writeInstallManifest },
    { output: "added-by-controller.json", run: writeAddedByController },
    { output: "chart", run: packageChart },
  ];
  mkdirSync(distFolder, { recursive: true });
  let failures = 0;
  for (const [index, step] of steps.entries()) {
    const startedMs = performance.now();
    const label = `build ${index + 1}/${steps.length} ${step.output.padEnd(16)}`;
    try {
      const outcome = await step.run();
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      console.log(`${label} ${outcome} (${seconds} s)`);
    } catch (error) {
      failures += 1;
      console.error(`${label} FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failures === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
