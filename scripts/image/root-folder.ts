/**
 * The files of the image, as a folder: Node with the libraries it needs, the packages that the programs load, the programs. No
 * shell, no package manager, nothing else. The Dockerfile and the archive that is built without Docker both come from here.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { version } from "../../package.json";
import { distFolder, repository } from "../build/paths";
import { billOfMaterials } from "./bill-of-materials";
import { sharedLibraries } from "./libraries";
import { runtimePackages, type RuntimePackage } from "./packages";

/** Below this folder of the image lie the programs and their packages. */
export const APPLICATION_FOLDER = "app";

const PROGRAMS = [
  "controller.js",
  "admission.js",
  "speaker.js",
  "packet-thread.js",
  "bgp-thread.js",
  "pepr-herald.js",
  "kubectl-herald.js",
  "end-to-end-test.js",
  "pepr-start.js",
  "added-by-controller.json",
] as const;

/** Not needed at run time; sources of native packages, types, maps, tests, documentation. */
const LEFT_OUT = /(\.d\.[cm]?ts|\.ts|\.map|\.md|\.markdown|\.gyp|\.cc|\.hh?|\.o|\.d|Makefile)$/i;
const LEFT_OUT_FOLDERS =
  /\/(tests?|__tests__|docs?|examples?|benchmarks?|src\/templates|vendor|\.github|obj\.target)$/;

/** Packages whose folders of these names hold what is loaded. */
const WHOLE = new Set(["node_modules/iconv-lite"]);

/** Fills `root`, which must not exist. Resolves with what is in it. */
export async function writeRootFolder(root: string): Promise<readonly RuntimePackage[]> {
  const packages = await runtimePackages();
  const application = join(root, APPLICATION_FOLDER);
  mkdirSync(application, { recursive: true });
  for (const { folder } of packages) copyPackage(folder, application);
  for (const name of PROGRAMS) {
    const source = join(distFolder, name);
    if (existsSync(source)) cpSync(source, join(application, name));
  }
  startOursInsteadOfPepr(application);
  const subject = { name: "herald", version, nodeVersion: process.versions.node };
  const bill = JSON.stringify(billOfMaterials(subject, packages), null, 1);
  writeFileSync(join(application, "sbom.cdx.json"), `${bill}\n`);
  // pepr-start.js writes the module of `pepr deploy` here, beside its packages; see scripts/image/archive.ts for the owner.
  chmodSync(application, 0o775);
  writeSystem(root);
  return packages;
}

/**
 * The Deployments that `pepr deploy` makes start Pepr's own loader by its path. It runs the module in a child that never gets a
 * signal, so ours is found there.
 */
function startOursInsteadOfPepr(application: string): void {
  const loader = join(application, "node_modules/pepr/dist/controller.js");
  writeFileSync(loader, 'require("/app/pepr-start.js");\n');
}

function copyPackage(folder: string, application: string): void {
  const source = join(repository, folder);
  cpSync(source, join(application, folder), {
    recursive: true,
    // A nested package is in the list itself, if it is needed.
    filter: path => {
      const inside = path.slice(source.length);
      if (/\/node_modules(\/|$)/.test(inside)) return false;
      if (WHOLE.has(folder)) return !/\.(ts|map)$/.test(inside);
      return !LEFT_OUT.test(inside) && !LEFT_OUT_FOLDERS.test(inside);
    },
  });
}

function writeSystem(root: string): void {
  const node = realpathSync(process.execPath);
  const target = join(root, "usr/local/bin/node");
  mkdirSync(dirname(target), { recursive: true });
  cpSync(node, target);
  chmodSync(target, 0o755);
  for (const library of sharedLibraries([node])) copyLibrary(library, root);
  mkdirSync(join(root, "etc"), { recursive: true });
  const users = ["root:x:0:0::/:/bin/false", "nobody:x:65534:65534::/:/bin/false"];
  writeFileSync(join(root, "etc/passwd"), `${users.join("\n")}\n`);
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  mkdirSync(join(root, "tmp"), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
}

/** Under the path that the program names, whatever links lead there on this machine. */
function copyLibrary(path: string, root: string): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(realpathSync(path), target);
  // The loader has to be executable; the others need not, and are not hurt by it.
  chmodSync(target, 0o755);
}
