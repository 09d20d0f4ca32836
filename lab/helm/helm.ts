/** Helm, built from lab/helm/go.mod like Kubernetes' commands: about 80 s on 2 cores the first time, then kept in the cache. */
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../file-lock";
import { cacheDirectory, REPOSITORY } from "../paths";
import { LabError, run } from "../run";

const FOLDER = join(REPOSITORY, "lab/helm");
const MODULE = "helm.sh/helm/v3";

/** The version of Helm that a go.mod requires, such as "v3.19.5"; undefined if it requires none. */
function helmVersion(goMod: string): string | undefined {
  return /helm\.sh\/helm\/v3\s+(v\d+\.\d+\.\d+)/.exec(goMod)?.[1];
}

/** The path of the command. Rejects with LabError when it is not there and cannot be built. */
export async function ensureHelm(signal?: AbortSignal): Promise<string> {
  const version = helmVersion(readFileSync(join(FOLDER, "go.mod"), "utf8"));
  if (version === undefined) throw new Error("lab/helm/go.mod requires no Helm");
  const folder = join(cacheDirectory(), `helm-${version}`);
  const target = join(folder, "helm");
  if (existsSync(target)) return target;
  mkdirSync(folder, { recursive: true });
  await withLock(`${folder}.lock`, async () => {
    if (!existsSync(target)) await build(target, version, signal);
  });
  return target;
}

async function build(target: string, version: string, signal?: AbortSignal): Promise<void> {
  const temporary = `${target}.tmp`;
  const flags = `-s -w -X ${MODULE}/internal/version.version=${version}`;
  const argv = ["go", "build", "-trimpath", "-mod=readonly", "-ldflags", flags, "-o", temporary];
  try {
    await run([...argv, `${MODULE}/cmd/helm`], { cwd: FOLDER, env: { CGO_ENABLED: "0" }, signal });
  } catch (cause) {
    throw new LabError("no-helm", `Helm ${version} cannot be built: is Go there?`, { cause });
  }
  renameSync(temporary, target);
}
