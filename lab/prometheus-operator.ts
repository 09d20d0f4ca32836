/**
 * The definitions of Prometheus Operator's kinds, as its Go module has them: what the monitors of the chart are checked against. Its
 * module is downloaded once (4 MB, a few seconds); of it the cache keeps the definitions.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "./file-lock";
import { cacheDirectory } from "./paths";
import { LabError, run } from "./run";

const MODULE = "github.com/prometheus-operator/prometheus-operator";
const VERSION = "v0.85.0";
const SUM = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=";

const PLURALS = ["servicemonitors", "podmonitors", "prometheusrules"] as const;

/** The folder with one CustomResourceDefinition a file. Rejects with LabError when it is not there and cannot be fetched. */
export async function ensureMonitorDefinitions(): Promise<string> {
  const folder = join(cacheDirectory(), `prometheus-operator-${VERSION}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheDirectory(), { recursive: true });
  await withLock(`${folder}.lock`, async () => {
    if (!existsSync(folder)) await fetchInto(folder);
  });
  return folder;
}

async function fetchInto(folder: string): Promise<void> {
  const source = join(await download(), "example/prometheus-operator-crd");
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  for (const plural of PLURALS) {
    const name = `monitoring.coreos.com_${plural}.yaml`;
    copyFileSync(join(source, name), join(temporary, name));
  }
  renameSync(temporary, folder);
}

/** The folder of the module's files, which are those of the checksum. */
async function download(): Promise<string> {
  // Checked below: no checksum database is asked.
  const env = { GONOSUMDB: MODULE };
  const argv = ["go", "mod", "download", "-json", `${MODULE}@${VERSION}`];
  try {
    const { stdout } = await run(argv, { cwd: tmpdir(), env });
    const { Dir, Sum } = JSON.parse(stdout) as { readonly Dir: string; readonly Sum: string };
    if (Sum === SUM) return Dir;
    throw new Error(`its checksum is ${Sum}, not ${SUM}`);
  } catch (cause) {
    const message = `${MODULE} ${VERSION} cannot be downloaded: is Go there?`;
    throw new LabError("no-prometheus-operator", message, { cause });
  }
}
