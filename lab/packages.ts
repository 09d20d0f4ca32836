/** The Debian packages whose commands the lab uses: looked for by command, installed or named when missing. */
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "./progress";
import { LabError, run } from "./run";

/** A package and what shows that it (or something as good) is there. */
interface Requirement {
  readonly package: string;
  readonly commands?: readonly string[];
  /** Alternative paths, one of which has to exist. */
  readonly anyFile?: readonly string[];
}

/** Where distributions put CNI plugins. */
export const CNI_DIRECTORIES = ["/usr/lib/cni", "/opt/cni/bin"] as const;

const REQUIREMENTS: readonly Requirement[] = [
  { package: "iproute2", commands: ["ip"] },
  { package: "util-linux", commands: ["nsenter", "unshare", "flock", "setpriv"] },
  { package: "iptables", commands: ["iptables", "ip6tables"] },
  { package: "conntrack", commands: ["conntrack"] },
  { package: "nftables", commands: ["nft"] },
  { package: "containerd", commands: ["containerd", "ctr", "containerd-shim-runc-v2"] },
  { package: "runc", commands: ["runc"] },
  {
    package: "containernetworking-plugins",
    anyFile: CNI_DIRECTORIES.map(directory => join(directory, "bridge")),
  },
  { package: "openssl", commands: ["openssl"] },
  { package: "curl", commands: ["curl"] },
  { package: "arping", commands: ["arping"] },
  { package: "ndisc6", commands: ["ndisc6"] },
  { package: "tcpdump", commands: ["tcpdump"] },
  { package: "gcc", commands: ["gcc"] },
  { package: "libc6-dev", anyFile: ["/usr/include/stdio.h"] },
];

const SYSTEM_PATH = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

/** The path of a command, looked for on PATH and in the system's folders; undefined if it is not there. */
export function findCommand(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  return [...path.split(":"), ...SYSTEM_PATH]
    .filter(folder => folder.startsWith("/"))
    .map(folder => join(folder, name))
    .find(isExecutable);
}

/** The packages whose commands are missing, in the order in which to name them. */
export function missingPackages(
  hasCommand: (name: string) => boolean = name => findCommand(name) !== undefined,
  hasFile: (path: string) => boolean = existsSync,
): string[] {
  return REQUIREMENTS.filter(
    each => !(each.commands ?? []).every(hasCommand) || !(each.anyFile?.some(hasFile) ?? true),
  ).map(each => each.package);
}

/** The line that tells a person what to install. */
export function describeMissing(packages: readonly string[]): string {
  const names = packages.join(" ");
  return `Missing Debian packages: ${names}. Install them with: apt-get install --no-install-recommends ${names}`;
}

/** Guarantees that the commands are there: installs what is missing if this is root on Debian, else says what it is. */
export async function ensurePackages(progress: Progress): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || findCommand("apt-get") === undefined) {
    throw new LabError("missing-packages", describeMissing(missing));
  }
  progress.note(`Installing Debian packages: ${missing.join(" ")}`);
  await installPackages(missing);
  const still = missingPackages();
  if (still.length > 0) throw new LabError("missing-packages", describeMissing(still));
}

/** Installs by apt-get, with a fresh list of packages if need be. Rejects with LabError. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, check: false };
  if ((await run(install, options)).status === 0) return;
  await run(["apt-get", "update"], options);
  const { status, stderr } = await run(install, options);
  if (status === 0) return;
  throw new LabError(
    "missing-packages",
    `${describeMissing(packages)} (apt-get: ${stderr.trim()})`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
