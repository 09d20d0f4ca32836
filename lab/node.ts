/** Boots one node: its files, then its processes. What it is made of: node-init.sh. */
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { LabCgroups } from "./cgroups";
import { PAUSE_IMAGE } from "./images";
import { namespacePath } from "./network";
import { nodeConfigFiles } from "./node-config";
import { CNI_DIRECTORIES } from "./packages";
import { REPOSITORY } from "./paths";
import { kubeconfig } from "./pki";
import type { Pki } from "./pki";
import { LabError, poll } from "./run";
import type { Host } from "./topology";
import { namespaceName } from "./topology";

/** What booting a node needs to know about its lab. */
export interface NodeContext {
  readonly lab: string;
  /** The lab's folder. */
  readonly directory: string;
  readonly hosts: readonly Host[];
  readonly binDir: string;
  readonly images: readonly string[];
  readonly proxyMode: "iptables" | "nftables";
  readonly apiUrl: string;
  readonly pki: Pki;
  readonly cgroups: LabCgroups;
}

/** f_type of overlayfs in statfs(2). */
const OVERLAY_MAGIC = 0x794c7630;

/** Makes the node's certificate and files; its folder keeps its disks over power cuts. */
export async function prepareNode(context: NodeContext, host: Host): Promise<void> {
  const directory = nodeDirectory(context, host);
  for (const name of ["mnt", "containerd", "kubelet", "config"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  const credentials = await context.pki.issue({
    name: host.name,
    organization: "system:nodes",
    commonName: `system:node:${host.name}`,
    alternativeNames: [host.name, host.ipv4, host.ipv6],
    usages: ["clientAuth", "serverAuth"],
  });
  const isOverlay = statfsSync(directory).type === OVERLAY_MAGIC;
  const files = {
    ...nodeConfigFiles({
      host,
      cgroupRoot: context.cgroups.rootOf(host.name),
      pauseImage: PAUSE_IMAGE,
      cniDirectory:
        CNI_DIRECTORIES.find(path => existsSync(join(path, "bridge"))) ?? "/usr/lib/cni",
      snapshotter: isOverlay ? "native" : "overlayfs",
      proxyMode: context.proxyMode,
      authorityPath: context.pki.path("ca.crt"),
      certificatePath: context.pki.path(`${host.name}.crt`),
      keyPath: context.pki.path(`${host.name}.key`),
      proxyKubeconfigPath: join(directory, "config", "kube-proxy.kubeconfig"),
    }),
    "kubelet.kubeconfig": kubeconfig(context.apiUrl, credentials),
    "kube-proxy.kubeconfig": kubeconfig(context.apiUrl, context.pki.credentials("kube-proxy")),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, "config", name), text, { mode: 0o600 });
  }
}

/** Starts the node's processes and resolves when its daemons run and its images are there; Ready comes later. */
export async function bootNode(
  context: NodeContext,
  host: Host,
  signal?: AbortSignal,
): Promise<void> {
  const directory = nodeDirectory(context, host);
  for (const name of ["booted", "init.pid"]) rmSync(join(directory, name), { force: true });
  const logDirectory = join(context.directory, "logs");
  const logPath = join(logDirectory, `${host.name}-init.log`);
  const log = openSync(logPath, "a");
  const lines = (values: readonly string[]) => values.join("\n");
  const child = spawn("bash", [join(REPOSITORY, "lab", "node-init.sh"), "enter"], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: {
      PATH: process.env["PATH"] ?? "",
      NODE: host.name,
      NODE_DIR: directory,
      NODE_IPS: `${host.ipv4},${host.ipv6}`,
      LOG_DIR: logDirectory,
      NETNS: namespacePath(namespaceName(context.lab, host.name)),
      BIN_DIR: context.binDir,
      IMAGES: lines(context.images),
      CGROUPS: lines(context.cgroups.create(host.name)),
      BINDS: lines(
        unique([context.directory, context.binDir, REPOSITORY, ...context.images.map(dirname)]),
      ),
      HOSTS: hostsFile(context.hosts),
    },
  });
  closeSync(log);
  child.on("error", () => undefined);
  child.unref();
  await poll(
    () => {
      signal?.throwIfAborted();
      if (child.exitCode !== null || child.signalCode !== null) throw notBooted(host, logPath);
      return existsSync(join(directory, "booted")) ? true : undefined;
    },
    { timeoutMs: 60_000, everyMs: 20, describe: () => notBooted(host, logPath).message },
  );
}

/** The number of a node's PID 1 as the machine sees it; undefined if the node has not been booted. */
export function initPid(labFolder: string, node: string): number | undefined {
  try {
    return Number(readFileSync(join(labFolder, node, "init.pid"), "utf8"));
  } catch {
    return undefined;
  }
}

/** The text of /etc/hosts: every host of the lab by name. */
export function hostsFile(hosts: readonly Host[]): string {
  const lines = hosts.flatMap(host => [`${host.ipv4} ${host.name}`, `${host.ipv6} ${host.name}`]);
  return ["127.0.0.1 localhost", "::1 localhost", ...lines, ""].join("\n");
}

function nodeDirectory(context: NodeContext, host: Host): string {
  return join(context.directory, host.name);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function notBooted(host: Host, logPath: string): LabError {
  const lines = existsSync(logPath) ? readFileSync(logPath, "utf8").trimEnd().split("\n") : [];
  return new LabError(
    "node-failed",
    `Node ${host.name} does not boot. The end of ${logPath}:\n${lines.slice(-5).join("\n")}`,
  );
}
