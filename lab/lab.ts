/**
 * A lab: a control plane, nodes, a client, a gateway and two routers, each a network namespace on one bridge, running
 * unmodified Kubernetes. Built by `Lab.up`, found again by `Lab.open`, gone without a trace after `down`.
 */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabCgroups } from "./cgroups";
import type { Part } from "./cluster-parts";
import { apiUrl, certificateRequests, partArguments } from "./cluster-parts";
import { withLock } from "./file-lock";
import { writeControllerManagerKubeconfig } from "./control-plane";
import type { Guard } from "./guard";
import { startGuard } from "./guard";
import type { LabProcess } from "./host-process";
import { spawnInHost } from "./host-process";
import { buildHost, buildNetwork, namespacePath, setCable } from "./network";
import type { NodeContext } from "./node";
import { bootNode, initPid, prepareNode } from "./node";
import { Pki, kubeconfig } from "./pki";
import { prepareMachine } from "./prepare";
import { identify, isAlive, killAll } from "./processes";
import type { Progress } from "./progress";
import { during, silentProgress } from "./progress";
import { controlPlaneReady, nodesReady } from "./readiness";
import type { LabRecord } from "./registry";
import { bootId, labDirectory, lockPath, readRecord, writeRecord } from "./registry";
import type { RunOptions, RunResult } from "./run";
import { LabError, run, settleAll } from "./run";
import { labNamespaces, processesIn, programOf, removeLab, removeNode } from "./teardown";
import type { Host } from "./topology";
import { checkLabName, hostsOf, namespaceName } from "./topology";

/** What lab to build. */
export interface LabOptions {
  readonly name: string;
  /** 1 to 9, default 3. */
  readonly nodes?: number;
  readonly proxyMode?: "iptables" | "nftables";
  /** Appended to kube-apiserver's command line. */
  readonly apiServerArgs?: readonly string[];
  /**
   * "process" (default): the lab is taken down when this process ends, whatever ends it. "kept": it stays until
   * `down`, unless this process dies before it is up.
   */
  readonly lifetime?: "process" | "kept";
  readonly progress?: Progress;
  /** Ends the building and cleans up. */
  readonly signal?: AbortSignal;
}

/** How a command is run in a host. */
export interface HostRunOptions extends RunOptions {
  /** Nodes only: in all of the node's namespaces, with its own files and processes, not just on its network. */
  readonly inside?: boolean;
}

/** How a process is started in a host. */
export interface HostSpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Name of the log below the lab's logs (without ".log"), or an absolute path. Default: host and command. */
  readonly log?: string;
}

/** A running lab. */
export class Lab {
  readonly name: string;
  readonly hosts: readonly Host[];
  /** The lab's folder: disks of the nodes, logs, keys; removed by `down`. */
  readonly directory: string;
  readonly binDir: string;
  /** Credentials of an administrator; the URL in it is reachable from every host of the lab, not from the machine. */
  readonly kubeconfig: string;
  readonly pki: Pki;
  readonly #record: LabRecord;
  readonly #cgroups: LabCgroups;
  #guard: Guard | undefined;

  private constructor(record: LabRecord, guard?: Guard) {
    this.#record = record;
    this.#guard = guard;
    this.#cgroups = new LabCgroups(record.name);
    this.name = record.name;
    this.hosts = hostsOf(record.nodes);
    this.directory = labDirectory(record.name);
    this.binDir = record.binDir;
    this.kubeconfig = join(this.directory, "admin.kubeconfig");
    this.pki = Pki.open(join(this.directory, "pki"));
  }

  /**
   * Builds a lab and resolves when all nodes are Ready. What a crashed one of that name left is removed first; a
   * running one rejects with code `already-runs`. If building fails, everything is taken down before it rejects.
   */
  static async up(options: LabOptions): Promise<Lab> {
    const progress = options.progress ?? silentProgress;
    const name = checkLabName(options.name);
    const hosts = hostsOf(options.nodes ?? 3);
    const { binDir, images } = await prepareMachine(progress, options.signal);
    const onWait = () =>
      progress.note(`Waiting for another process that is working on lab ${name}.`);
    return withLock(
      lockPath(name),
      async () => {
        await clearTheWay(name, hosts, progress);
        const guard = startGuard(name);
        const record: LabRecord = {
          name,
          nodes: options.nodes ?? 3,
          proxyMode: options.proxyMode ?? "iptables",
          bootId: bootId(),
          binDir,
          images,
          apiServerArgs: options.apiServerArgs ?? [],
          owner: identify(process.pid),
          guard: guard.id,
          isComplete: false,
        };
        writeRecord(record);
        try {
          const lab = new Lab(record, guard);
          await lab.#build(progress, options.signal);
          writeRecord({ ...record, isComplete: true });
          if (options.lifetime === "kept") await lab.keep();
          return lab;
        } catch (error) {
          await removeLab(record);
          throw error;
        }
      },
      onWait,
    );
  }

  /** The lab of that name, built by this or another process; rejects with code `no-lab` if none runs. */
  static open(name: string): Lab {
    const record = readRecord(checkLabName(name));
    if (record !== undefined && isRunning(record)) return new Lab(record);
    throw new LabError(
      "no-lab",
      `No lab ${name} runs. Build one with: npm run lab -- up --name ${name}`,
    );
  }

  /** True if the lab of that name was built completely and still runs. */
  static isRunning(name: string): boolean {
    const record = readRecord(checkLabName(name));
    return record !== undefined && isRunning(record);
  }

  /** Takes down the lab of that name in whatever state it is; false if there is none. */
  static async remove(name: string): Promise<boolean> {
    checkLabName(name);
    return withLock(lockPath(name), async () => {
      const record = readRecord(name);
      if (record === undefined) return false;
      await removeLab(record);
      return true;
    });
  }

  /** Takes everything down: processes, namespaces, cgroups, files. Calling it again does nothing. */
  async down(): Promise<void> {
    await Lab.remove(this.name);
  }

  /** Lets the lab live on when this process ends. */
  async keep(): Promise<void> {
    await this.#guard?.dismiss();
    this.#guard = undefined;
    writeRecord({ ...this.#record, isComplete: true, guard: undefined, owner: undefined });
  }

  /** The names of the nodes, in order. */
  get nodes(): readonly string[] {
    return this.hosts.filter(host => host.role === "node").map(host => host.name);
  }

  /** The host of that name; throws LabError if the lab has none. */
  host(name: string): Host {
    const found = this.hosts.find(host => host.name === name);
    if (found !== undefined) return found;
    const names = this.hosts.map(host => host.name).join(", ");
    throw new LabError("no-host", `Lab ${this.name} has no host ${name}; it has ${names}.`);
  }

  /** The name of a host's network namespace, as `ip netns` shows it; "lan" is the switch. */
  netns(host: string): string {
    return namespaceName(this.name, host === "lan" ? host : this.host(host).name);
  }

  /** The environment of commands in the lab: KUBECONFIG, and Kubernetes' commands first on PATH. */
  get environment(): Readonly<Record<string, string>> {
    return {
      KUBECONFIG: this.kubeconfig,
      PATH: `${this.binDir}:${process.env["PATH"] ?? ""}`,
      HERALD_LAB: this.name,
    };
  }

  /** The command line that runs `argv` in a host: on its network, or in all of a node's namespaces. */
  commandIn(host: string, argv: readonly string[], inside = false): readonly string[] {
    if (!inside) return ["nsenter", `--net=${namespacePath(this.netns(host))}`, "--", ...argv];
    if (this.host(host).role !== "node") {
      throw new LabError(
        "not-a-node",
        `${host} is no node: only nodes have files and processes of their own.`,
      );
    }
    const pid = this.#initPid(host);
    if (pid === undefined) throw new LabError("powered-off", `Node ${host} is powered off.`);
    return ["nsenter", "--target", String(pid), "--all", "--", ...argv];
  }

  /** Runs a command in a host to its end. Rejects with CommandError on another status than 0, unless `check` is false. */
  async exec(
    host: string,
    argv: readonly string[],
    options: HostRunOptions = {},
  ): Promise<RunResult> {
    const env = { ...this.environment, ...options.env };
    return run(this.commandIn(host, argv, options.inside), { ...options, env });
  }

  /** Runs a command in all namespaces of a node: its own files, processes, mounts. */
  async execNode(node: string, argv: readonly string[], options: RunOptions = {}) {
    return this.exec(node, argv, { ...options, inside: true });
  }

  /** Starts a process on a host's network (on a node: in the node's cgroup too); it ends with the host. */
  spawn(host: string, argv: readonly string[], options: HostSpawnOptions = {}): LabProcess {
    const fallback = `${host}-${(argv[0] ?? "").split("/").at(-1) ?? ""}`;
    const log = options.log ?? fallback;
    return spawnInHost({
      host,
      namespacePath: namespacePath(this.netns(host)),
      argv,
      logPath: log.startsWith("/") ? log : this.logPath(log),
      cgroupFiles: this.host(host).role === "node" ? this.#cgroups.entrances(host) : [],
      env: { ...this.environment, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  }

  /** Runs kubectl as administrator. Rejects with CommandError if it fails, unless `check` is false. */
  async kubectl(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.exec("cp", [join(this.binDir, "kubectl"), ...argv], options);
  }

  /** Applies manifests: YAML text, or objects. */
  async apply(manifest: string | readonly object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: manifest };
    const input = typeof manifest === "string" ? manifest : JSON.stringify(list);
    await this.kubectl(["apply", "-f", "-"], { input });
  }

  /** Gives every powered node an image from a docker-archive, such as `writeImage` makes. */
  async importImage(archive: string): Promise<void> {
    const powered = this.nodes.filter(node => this.isPowered(node));
    await settleAll(
      powered.map(node => {
        const command = ["ctr", "--namespace", "k8s.io", "images", "import", "-"];
        // The machine's shell opens the file, which the node may not see.
        const shell = ["sh", "-c", 'exec "$@" <"$0"', archive];
        return run([...shell, ...this.commandIn(node, command, true)]);
      }),
    );
  }

  /** Cuts the power of a node: network, processes and memory are gone at once, its disk stays. */
  async powerOff(node: string): Promise<void> {
    this.#checkNode(node);
    await removeNode(this.name, node);
  }

  /** Boots a node that is powered off, with its old disk; resolves when its daemons run, before it is Ready. */
  async powerOn(node: string): Promise<void> {
    const host = this.#checkNode(node);
    if (this.isPowered(node)) return;
    await removeNode(this.name, node);
    await buildHost(this.name, host, this.hosts);
    await bootNode(this.#nodeContext(), host);
  }

  /** True while the node's PID 1 lives. */
  isPowered(node: string): boolean {
    return this.#initPid(node) !== undefined;
  }

  /** Unplugs a host's cable. */
  async cutCable(host: string): Promise<void> {
    await setCable(this.name, this.host(host).name, "down");
  }

  /** Plugs a host's cable in again. */
  async plugCable(host: string): Promise<void> {
    await setCable(this.name, this.host(host).name, "up");
  }

  /** Stops everything on a node without ending it, as a hung machine would; its kernel goes on answering. */
  async freeze(node: string): Promise<void> {
    await this.#cgroups.setFrozen(this.#checkNode(node).name, true);
  }

  /** Lets a frozen node go on. */
  async thaw(node: string): Promise<void> {
    await this.#cgroups.setFrozen(this.#checkNode(node).name, false);
  }

  /** Ends a part of the control plane as a crash would (SIGKILL). */
  async killPart(part: Part): Promise<void> {
    await killAll(processesIn([this.netns("cp")]).filter(id => programOf(id.pid) === part));
  }

  /** Starts a part of the control plane on its old data; resolves at once. */
  startPart(part: Part): void {
    const argv = [
      join(this.binDir, part),
      ...partArguments(part, {
        pki: this.pki,
        directory: this.directory,
        kubeconfigPath: this.kubeconfig,
        controlPlane: this.host("cp"),
        apiServerArgs: this.#record.apiServerArgs,
      }),
    ];
    this.spawn("cp", argv, { log: part });
  }

  /** Resolves when the API server answers and every node that is powered is Ready and without taints. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    const powered = this.nodes.filter(node => this.isPowered(node));
    await controlPlaneReady(this, signal);
    await nodesReady(this, powered, signal);
  }

  /** The file into which a part prints: `kube-apiserver`, `n1-kubelet` … */
  logPath(part: string): string {
    return join(this.directory, "logs", `${part}.log`);
  }

  async #build(progress: Progress, signal?: AbortSignal): Promise<void> {
    const step = async (what: string, usualSeconds: number, work: () => Promise<void>) => {
      signal?.throwIfAborted();
      steps += 1;
      await during(progress, { number: steps, of: 3, what, usualSeconds }, work);
    };
    let steps = 0;
    await step(`lab ${this.name}: network and keys`, 1, async () => {
      mkdirSync(join(this.directory, "logs"), { recursive: true });
      await settleAll([buildNetwork(this.name, this.hosts), this.#makeKeys()]);
    });
    await step("control plane and nodes", 4, async () => {
      this.startPart("etcd");
      this.startPart("kube-apiserver");
      const context = this.#nodeContext();
      const nodes = this.hosts.filter(host => host.role === "node");
      const control = async () => {
        await controlPlaneReady(this, signal);
        this.startPart("kube-controller-manager");
        this.startPart("kube-scheduler");
      };
      await settleAll([control(), ...nodes.map(host => bootNode(context, host, signal))]);
    });
    await step("nodes become Ready", 2, () => nodesReady(this, this.nodes, signal));
  }

  async #makeKeys(): Promise<void> {
    const pki = await Pki.create(this.pki.directory);
    const controlPlane = this.host("cp");
    await Promise.all(certificateRequests(controlPlane).map(request => pki.issue(request)));
    const text = kubeconfig(apiUrl(controlPlane), pki.credentials("admin"));
    writeFileSync(this.kubeconfig, text, { mode: 0o600 });
    writeControllerManagerKubeconfig(pki, apiUrl(controlPlane), this.directory);
    const context = this.#nodeContext();
    const nodes = this.hosts.filter(host => host.role === "node");
    await Promise.all(nodes.map(host => prepareNode(context, host)));
  }

  #nodeContext(): NodeContext {
    return {
      lab: this.name,
      directory: this.directory,
      hosts: this.hosts,
      binDir: this.binDir,
      images: this.#record.images,
      proxyMode: this.#record.proxyMode,
      apiUrl: apiUrl(this.host("cp")),
      pki: this.pki,
      cgroups: this.#cgroups,
    };
  }

  #checkNode(name: string): Host {
    const host = this.host(name);
    if (host.role !== "node") throw new LabError("not-a-node", `${name} is no node.`);
    return host;
  }

  /** PID 1 of the node, only if it really is the one on the node's network. */
  #initPid(node: string): number | undefined {
    const pid = initPid(this.directory, node);
    const isThere = processesIn([this.netns(node)]).some(id => id.pid === pid);
    return isThere ? pid : undefined;
  }
}

/** Removes a leftover of that name; rejects if a lab of that name runs or if a namespace is somebody else's. */
async function clearTheWay(name: string, hosts: readonly Host[], progress: Progress) {
  const record = readRecord(name);
  if (record !== undefined && isRunning(record)) {
    const text = `Lab ${name} already runs (${record.nodes} nodes). Take it down with: npm run lab -- down --name ${name}`;
    throw new LabError("already-runs", text);
  }
  if (record !== undefined) {
    progress.note(`Removing what an earlier lab ${name} left behind.`);
    await removeLab(record);
  }
  const taken = ["lan", ...hosts.map(host => host.name)]
    .map(host => namespaceName(name, host))
    .filter(namespace => existsSync(namespacePath(namespace)));
  if (taken.length === 0) return;
  throw new LabError(
    "namespace-taken",
    `Network namespaces ${taken.join(", ")} exist and belong to no lab known here: choose another name, or remove them with "ip netns del".`,
  );
}

function isRunning(record: LabRecord): boolean {
  if (record.bootId !== bootId() || !record.isComplete) return false;
  if (record.owner !== undefined && !isAlive(record.owner)) return false;
  const [lan = ""] = labNamespaces(record);
  const controlPlane = namespaceName(record.name, "cp");
  const isThere = [lan, controlPlane].every(name =>
    statSync(namespacePath(name), { throwIfNoEntry: false }),
  );
  return isThere && processesIn([controlPlane]).some(id => programOf(id.pid) === "etcd");
}
