/**
 * The unmodified commands of Kubernetes and etcd: found, or built from lab/go.mod once and kept in the cache.
 * Order: `KUBEBUILDER_ASSETS`, a folder on PATH, the cache, a build. A folder counts only if it holds every needed
 * command of the minor version in go.mod: a stray kubectl of another version must not be picked up.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir, rename, statfs } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./file-lock";
import { cacheDirectory, REPOSITORY } from "./paths";
import type { Progress } from "./progress";
import { during } from "./progress";
import { LabError, run } from "./run";

/** The commands, in the order in which they are built: the biggest early, sharing what the earlier ones compiled. */
const BUILDS = [
  { name: "etcd", module: "go.etcd.io/etcd/server/v3", usualSeconds: 37 },
  { name: "kube-apiserver", module: "k8s.io/kubernetes/cmd/kube-apiserver", usualSeconds: 161 },
  {
    name: "kube-controller-manager",
    module: "k8s.io/kubernetes/cmd/kube-controller-manager",
    usualSeconds: 51,
  },
  { name: "kubectl", module: "k8s.io/kubernetes/cmd/kubectl", usualSeconds: 19 },
  { name: "kubelet", module: "k8s.io/kubernetes/cmd/kubelet", usualSeconds: 15 },
  { name: "kube-proxy", module: "k8s.io/kubernetes/cmd/kube-proxy", usualSeconds: 6 },
  { name: "kube-scheduler", module: "k8s.io/kubernetes/cmd/kube-scheduler", usualSeconds: 4 },
] as const;

/** The name of one command. */
export type Binary = (typeof BUILDS)[number]["name"];

/** Every command a lab with nodes needs. */
export const ALL_BINARIES: readonly Binary[] = BUILDS.map(build => build.name);

type Environment = Readonly<Record<string, string | undefined>>;

const LAB = join(REPOSITORY, "lab");
/** Go's caches take about 10 GB for this build, the commands half a gigabyte. */
const NEEDED_DISK_BYTES = 12e9;

/** The version of Kubernetes that a go.mod requires, such as "v1.34.4"; undefined if it requires none. */
export function kubernetesVersion(goMod: string): string | undefined {
  return /^\s*(?:require\s+)?k8s\.io\/kubernetes\s+(v\d+\.\d+\.\d+)(?:\s|$)/m.exec(goMod)?.[1];
}

/** The linker's flags that give the commands their version, as Kubernetes' own build does. */
export function linkerFlags(version: string): string {
  const [major = "", minor = ""] = version.slice(1).split(".");
  const base = "k8s.io/component-base/version";
  return [
    "-s -w",
    `-X ${base}.gitVersion=${version}`,
    `-X ${base}.gitMajor=${major}`,
    `-X ${base}.gitMinor=${minor}`,
    `-X k8s.io/client-go/pkg/version.gitVersion=${version}`,
  ].join(" ");
}

/** True if the text that a command prints about its version is of the same minor version as `version`. */
export function isSameMinor(printed: string, version: string): boolean {
  const minor = version.split(".").slice(0, 2).join(".");
  const found = /v\d+\.\d+(?=[.\s+-]|$)/.exec(printed)?.[0];
  return found === minor;
}

/** Where to look, and how to stop. */
export interface BinariesOptions {
  /** Default: the environment of this process. */
  readonly env?: Environment;
  /** Ends a build; it goes on from there next time. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Guarantees that the needed commands exist and returns their folder. Builds them if they are nowhere (about 5 minutes
 * on 2 cores, then cached); two processes do not build twice, an interrupted build goes on where it was.
 */
export async function ensureKubernetes(
  progress: Progress,
  needed: readonly Binary[] = ALL_BINARIES,
  options: BinariesOptions = {},
): Promise<string> {
  const env = options.env ?? process.env;
  const version = requiredVersion();
  const provided = await findProvided(version, needed, env);
  if (provided !== undefined) {
    progress.note(`Using Kubernetes from ${provided.folder} (${provided.source}).`);
    return provided.folder;
  }
  const cache = cacheDirectory(env);
  const goVersion = await readGoVersion();
  if (goVersion === undefined) return cachedWithoutGo(cache, version, needed);
  const folder = join(cache, `kubernetes-${version}-${goVersion}`);
  if (hasAll(folder, needed)) return folder;
  await withLock(
    `${folder}.lock`,
    async () => {
      if (!hasAll(folder, ALL_BINARIES))
        await buildAll(folder, version, { progress, signal: options.signal });
    },
    () => progress.note("Waiting for another process that is building Kubernetes."),
  );
  return folder;
}

/** The version of Kubernetes the lab runs, from lab/go.mod. */
export function requiredVersion(): string {
  const version = kubernetesVersion(readFileSync(join(LAB, "go.mod"), "utf8"));
  if (version === undefined) throw new Error("lab/go.mod requires no k8s.io/kubernetes");
  return version;
}

async function findProvided(version: string, needed: readonly Binary[], env: Environment) {
  const assets = env["KUBEBUILDER_ASSETS"];
  const candidates = [
    ...(assets ? [{ folder: assets, source: "KUBEBUILDER_ASSETS" }] : []),
    ...(env["PATH"] ?? "")
      .split(":")
      .filter(folder => folder.startsWith("/"))
      .map(folder => ({ folder, source: "PATH" })),
  ];
  for (const candidate of candidates) {
    if (!hasAll(candidate.folder, needed)) continue;
    if (await isRightVersion(candidate.folder, version, needed)) return candidate;
  }
  return undefined;
}

async function isRightVersion(folder: string, version: string, needed: readonly Binary[]) {
  const answers = await Promise.all(
    needed
      // etcd's version has nothing to do with Kubernetes': any release that is there will do.
      .filter(name => name !== "etcd")
      .map(async name => {
        const argument = name === "kubectl" ? ["version", "--client"] : ["--version"];
        const { stdout } = await run([join(folder, name), ...argument], { check: false });
        return isSameMinor(stdout, version);
      }),
  );
  return answers.every(Boolean);
}

function hasAll(folder: string, names: readonly Binary[]): boolean {
  return names.every(name => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function readGoVersion(): Promise<string | undefined> {
  try {
    return (await run(["go", "env", "GOVERSION"], { cwd: LAB })).stdout.trim();
  } catch {
    return undefined;
  }
}

function cachedWithoutGo(cache: string, version: string, needed: readonly Binary[]): string {
  const folders = existsSync(cache) ? readdirSync(cache) : [];
  const found = folders
    .filter(name => name.startsWith(`kubernetes-${version}-go`))
    .map(name => join(cache, name))
    .find(folder => hasAll(folder, needed));
  if (found !== undefined) return found;
  throw new LabError(
    "no-go",
    `Kubernetes ${version} is not there and cannot be built without Go: install Go (https://go.dev/dl/, 1.24 or later), ` +
      `or set KUBEBUILDER_ASSETS to a folder with ${needed.join(", ")} of that minor version.`,
  );
}

interface Builder {
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

async function buildAll(folder: string, version: string, builder: Builder): Promise<void> {
  const { progress, signal } = builder;
  const partial = `${folder}.partial`;
  await mkdir(partial, { recursive: true });
  for (const name of readdirSync(partial)) {
    if (name.endsWith(".tmp")) rmSync(join(partial, name));
  }
  const missing = BUILDS.filter(build => !existsSync(join(partial, build.name)));
  if (missing.some(build => build.name === "kube-apiserver")) await checkDisk(folder, progress);
  for (const [index, build] of BUILDS.entries()) {
    if (!missing.includes(build)) continue;
    const step = {
      number: index + 1,
      of: BUILDS.length,
      what: `building ${build.name}`,
      usualSeconds: build.usualSeconds,
    };
    await during(progress, step, () => {
      const target = join(partial, build.name);
      return buildOne(target, ["-ldflags", linkerFlags(version), build.module], signal);
    });
  }
  await rename(partial, folder);
}

async function buildOne(
  target: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`;
  const withParent = ["setpriv", "--pdeathsig", "TERM", "--"];
  const build = [
    ...withParent,
    "go",
    "build",
    "-trimpath",
    "-mod=readonly",
    "-o",
    temporary,
    ...args,
  ];
  await run(build, { cwd: LAB, env: { CGO_ENABLED: "0" }, signal });
  await rename(temporary, target);
}

async function checkDisk(folder: string, progress: Progress): Promise<void> {
  const goCaches = (await run(["go", "env", "GOCACHE", "GOMODCACHE"], { cwd: LAB })).stdout;
  const needed = Number(process.env["HERALD_LAB_DISK_BYTES"] ?? NEEDED_DISK_BYTES);
  for (const path of [folder, ...goCaches.trim().split("\n")]) {
    const { bavail, bsize } = await statfs(existing(path));
    const free = bavail * bsize;
    const sizes = `${gigabytes(free)} free, about ${gigabytes(needed)} needed by Go's caches and the commands`;
    if (free < needed) {
      throw new LabError(
        "disk-full",
        `Too little room to build Kubernetes below ${path}: ${sizes}. If Go's caches are filled already, set HERALD_LAB_DISK_BYTES=1e9.`,
      );
    }
    if (path === folder) progress.note(`Building Kubernetes ${version(folder)}: ${sizes}.`);
  }
}

function version(folder: string): string {
  return /kubernetes-(v[\d.]+)/.exec(folder)?.[1] ?? "";
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function existing(path: string): string {
  return existsSync(path) || path === "/" ? path : existing(join(path, ".."));
}
