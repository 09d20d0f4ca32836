/** Runs allocator-alone.ts as one bundled file: tsx would wrap every function and measure that too. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { REPOSITORY } from "../../lab/paths";
import { run } from "../../lab/run";

export interface AloneResult {
  readonly fills: readonly { readonly wallMs: number; readonly cpuMs: number }[];
  readonly finds: readonly number[];
}

export async function measureAlone(): Promise<AloneResult> {
  const folder = mkdtempSync(join(tmpdir(), "herald-bench-alone-"));
  try {
    const outfile = join(folder, "alone.js");
    const entry = join(REPOSITORY, "bench", "allocation", "allocator-alone.ts");
    await build({ entryPoints: [entry], bundle: true, platform: "node", outfile });
    const { stdout } = await run([process.execPath, outfile]);
    return JSON.parse(stdout) as AloneResult;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
