/** MetalLB v0.15.2 as people have it: its own manifest, its own programs in images made here. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ensurePeer, PEER_VERSION } from "../../../bench/peer";
import { writeImage } from "../../../lab/images";
import type { Lab } from "../../../lab/lab";
import { REPOSITORY } from "../../../lab/paths";
import { run } from "../../../lab/run";
import { sharedLibraries } from "../../../scripts/image/libraries";
import { parseObjects } from "../../../scripts/manifest/definitions";
import type { ManifestObject } from "../../../scripts/manifest/rbac";

/** Gives the nodes MetalLB's images; resolves with its manifest, each container started by its path. */
export async function prepareMetalLB(lab: Lab): Promise<readonly ManifestObject[]> {
  const programs = await ensurePeer();
  const work = mkdtempSync(join(tmpdir(), "herald-metallb-"));
  try {
    for (const name of ["controller", "speaker"]) {
      const root = mkdtempSync(join(work, "root-"));
      chmodSync(root, 0o755);
      copyInto(root, join(programs, name), name);
      for (const path of librariesOf(join(programs, name))) copyInto(root, path, path);
      const archive = join(work, `${name}.tar`);
      await writeImage(archive, {
        references: [`quay.io/metallb/${name}:${PEER_VERSION}`],
        rootDirectory: root,
        command: [`/${name}`],
      });
      await lab.importImage(archive);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return parseObjects(await readManifest()).map(withCommand);
}

function copyInto(root: string, source: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync(source, join(root, path));
}

/** None for a static program: then ldd fails. */
function librariesOf(program: string): readonly string[] {
  try {
    return sharedLibraries([program]);
  } catch {
    return [];
  }
}

async function readManifest(): Promise<string> {
  const list = ["go", "list", "-m", "-f", "{{.Dir}}", "go.universe.tf/metallb"];
  const { stdout } = await run(list, { cwd: join(REPOSITORY, "bench/peer") });
  return readFileSync(join(stdout.trim(), "config/manifests/metallb-native.yaml"), "utf8");
}

interface Workload {
  readonly spec: { readonly template: { readonly spec: { readonly containers: Container[] } } };
}

interface Container {
  readonly name: string;
  command?: readonly string[];
}

/** An image made here has no entry point: arguments would take its place. */
function withCommand(object: ManifestObject): ManifestObject {
  if (!["Deployment", "DaemonSet"].includes(object.kind)) return object;
  const copy = structuredClone(object);
  for (const container of (copy as unknown as Workload).spec.template.spec.containers) {
    container.command = [`/${container.name}`];
  }
  return copy;
}
