/** MetalLB v0.15.2, built from its Go module once and kept in the cache; the peer that figures are compared with. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, REPOSITORY } from "../lab/paths";
import { run } from "../lab/run";

export const PEER_VERSION = "v0.15.2";

/** The folder with MetalLB's `controller` and `speaker`; builds them if they are not there (about 80 s on 2 cores). */
export async function ensurePeer(): Promise<string> {
  const go = (await run(["go", "env", "GOVERSION"])).stdout.trim();
  const folder = join(cacheDirectory(), `metallb-${PEER_VERSION}-${go}`);
  if (["controller", "speaker"].every(name => existsSync(join(folder, name)))) return folder;
  console.error(`building MetalLB ${PEER_VERSION} (about 80 s, once) …`);
  await mkdir(folder, { recursive: true });
  const modules = ["controller", "speaker"].map(name => `go.universe.tf/metallb/${name}`);
  await run(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", `${folder}/`, ...modules], {
    cwd: join(REPOSITORY, "bench", "peer"),
    env: { CGO_ENABLED: "0" },
  });
  return folder;
}
