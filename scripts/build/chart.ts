/**
 * `dist/herald-<version>.tgz`, the chart as `helm package` would make it, without Helm: charts/herald, and with it what is made from
 * the same tables as `install.yaml` (definitions, roles, webhooks).
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { version } from "../../package.json";
import { chartFiles } from "../manifest/chart-files";
import { readPeprManifest } from "./installation";
import { distFolder, repository } from "./paths";

const NAME = "herald";

/** Resolves to what was done. */
export function packageChart(): Promise<string> {
  const work = mkdtempSync(join(distFolder, ".chart-"));
  try {
    const chart = join(work, NAME);
    cpSync(join(repository, "charts", NAME), chart, { recursive: true });
    cpSync(join(repository, "crds"), join(chart, "files/crds"), { recursive: true });
    for (const [path, text] of Object.entries(chartFiles(readPeprManifest()))) {
      mkdirSync(dirname(join(chart, path)), { recursive: true });
      writeFileSync(join(chart, path), text);
    }
    const archive = join(work, "chart.tgz");
    const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    execFileSync("tar", ["-C", work, ...same, "-I", "gzip -n", "-cf", archive, NAME]);
    const target = join(distFolder, `${NAME}-${version}.tgz`);
    renameSync(archive, target);
    return Promise.resolve(`built, ${Math.ceil(readFileSync(target).length / 1024)} kB`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
