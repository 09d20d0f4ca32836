/** An API server without nodes for one run: pools, Services, a watcher that takes times, and a controller as a process. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { pino } from "pino";
import { ApiClient } from "../../capabilities/cluster/api-client";
import { isNotFound } from "../../capabilities/cluster/api-error";
import { loadClusterAccess } from "../../capabilities/cluster/cluster-access";
import { Informer } from "../../capabilities/cluster/informer";
import { startApiServer, type ApiServer } from "../../lab/api-server";
import { REPOSITORY } from "../../lab/paths";
import { poll } from "../../lab/run";

const NAMESPACE = "metallb-system";
const CLIENTS = 16;
const POOLS = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/ipaddresspools`;

/** A Service as the watcher keeps it. */
export interface Seen {
  readonly address: string | undefined;
  readonly resourceVersion: string;
}

export interface StoredService {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { ip?: string }[] } };
}

/** How a controller's process is started. */
export interface Contender {
  readonly name: string;
  readonly argv: (kubeconfig: string) => readonly string[];
  readonly env: (kubeconfig: string) => Readonly<Record<string, string>>;
}

export class BenchWorld {
  readonly client: ApiClient;
  readonly folder: string;
  readonly server: ApiServer;
  /** When a Service was first seen with an address, ms. */
  readonly visibleAtMs = new Map<string, number>();
  /** Changes of Services after their creation. */
  changes = 0;
  /** Services whose address was another one before. */
  readonly moved = new Set<string>();
  /** Changes of the Services that are watched over. */
  watchedChanges = 0;
  #watched: ReadonlySet<string> = new Set();
  readonly #firstAddress = new Map<string, string>();
  readonly #informer: Informer<Seen>;
  readonly #processes = new Set<ChildProcess>();

  private constructor(folder: string, server: ApiServer) {
    this.folder = folder;
    this.server = server;
    const access = loadClusterAccess({ kubeconfig: server.kubeconfigPath, env: {} });
    this.client = new ApiClient(access, { maxSockets: CLIENTS });
    this.#informer = new Informer<Seen>({
      client: this.client,
      path: servicePath(""),
      store: object => toSeen(object as unknown as StoredService),
      onChange: (key, now, before) => this.#note(key, now, before),
      log: pino({ level: "silent" }),
    });
  }

  static async start(): Promise<BenchWorld> {
    const folder = mkdtempSync(join(tmpdir(), "herald-bench-"));
    const server = await startApiServer({ stateDir: folder });
    const world = new BenchWorld(folder, server);
    await server.kubectl(["apply", "--server-side", "-f", join(REPOSITORY, "crds")]);
    for (const name of [NAMESPACE, "ns1"]) {
      await world.client.post("/api/v1/namespaces", { metadata: { name } });
    }
    await world.#makePod();
    world.#informer.start();
    await world.#informer.whenSynced();
    return world;
  }

  async end(): Promise<void> {
    for (const child of this.#processes) await endProcess(child, "SIGKILL");
    this.#informer.stop();
    this.client.close();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** MetalLB's controller wants to see its own Pod. */
  async #makePod(): Promise<void> {
    const path = `/api/v1/namespaces/${NAMESPACE}`;
    await this.client.post(`${path}/serviceaccounts`, { metadata: { name: "default" } });
    await this.client.post(`${path}/pods`, {
      metadata: { name: "controller", namespace: NAMESPACE, labels: { app: "metallb" } },
      spec: { containers: [{ name: "controller", image: "none" }] },
    });
  }

  async makePool(name: string, addresses: string): Promise<void> {
    await this.client.post(POOLS, {
      apiVersion: "metallb.io/v1beta1",
      kind: "IPAddressPool",
      metadata: { name, namespace: NAMESPACE },
      spec: { addresses: [addresses] },
    });
  }

  /** Starts the controller; its output goes to a file of the folder. */
  run(contender: Contender): ChildProcess {
    const { kubeconfigPath } = this.server;
    const [command = "", ...argv] = contender.argv(kubeconfigPath);
    const log = openSync(join(this.folder, "controller.log"), "a");
    const child = spawn(command, argv, {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...contender.env(kubeconfigPath) },
    });
    this.#processes.add(child);
    return child;
  }

  async kill(child: ChildProcess): Promise<void> {
    this.#processes.delete(child);
    await endProcess(child, "SIGKILL");
  }

  /** Creates the Service and returns when its creation was begun, ms. */
  async create(name: string): Promise<number> {
    const begunMs = performance.now();
    await this.client.post(servicePath(""), toService(name));
    return begunMs;
  }

  /** Creates a Service of a class that no controller handles, and gives it the address. */
  async createWithAddress(name: string, ip: string): Promise<void> {
    const loadBalancerClass = "herald.bench/nobody";
    const { spec, ...rest } = toService(name);
    const created = await this.client.post<object>(servicePath(""), {
      ...rest,
      spec: { ...spec, loadBalancerClass },
    });
    const status = { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } };
    await this.client.put(`${servicePath(name)}/status`, { ...created, status });
  }

  /** Creates many by 16 clients; returns when the last creation was answered, ms. */
  async createMany(names: readonly string[]): Promise<number> {
    await inParallel(names, name => this.create(name));
    return performance.now();
  }

  async deleteMany(names: readonly string[]): Promise<void> {
    await inParallel(names, async name => {
      await this.client.delete(servicePath(name)).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    });
  }

  /** Writes each status once, as a controller would, and nothing else; returns writes per second. */
  async writeStatuses(names: readonly string[]): Promise<number> {
    const begunMs = performance.now();
    let next = 0;
    await inParallel(names, async name => {
      const at = next++;
      const ip = `10.0.${at >> 8}.${at & 255}`;
      const { resourceVersion } = this.seen(name) ?? { resourceVersion: "" };
      const annotations = { "metallb.io/ip-allocated-from-pool": "p" };
      await this.client.put(`${servicePath(name)}/status`, {
        ...toService(name),
        metadata: { name, namespace: "ns1", resourceVersion, annotations },
        status: { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } },
      });
    });
    return (names.length * 1_000) / (performance.now() - begunMs);
  }

  /** From now on changes of these Services are counted. */
  watchOver(names: readonly string[]): void {
    this.#watched = new Set(names);
    this.watchedChanges = 0;
  }

  seen(name: string): Seen | undefined {
    return this.#informer.get(`ns1/${name}`);
  }

  /** Resolves once these Services were seen with an address; returns when the last one was, ms. */
  async untilVisible(names: readonly string[], timeoutMs: number): Promise<number> {
    await poll(
      () => {
        const isDone = names.every(name => this.visibleAtMs.has(name));
        return Promise.resolve(isDone ? true : undefined);
      },
      { timeoutMs, describe: () => `${this.missing(names)} of ${names.length} have no address.` },
    );
    return Math.max(...names.map(name => this.visibleAtMs.get(name) ?? 0));
  }

  missing(names: readonly string[]): number {
    return names.filter(name => !this.visibleAtMs.has(name)).length;
  }

  #note(key: string, now: Seen | undefined, before: Seen | undefined): void {
    const name = key.slice("ns1/".length);
    if (now === undefined) {
      if (this.#watched.has(name)) this.watchedChanges += 1;
      return;
    }
    if (before !== undefined) this.changes += 1;
    if (this.#watched.has(name)) this.watchedChanges += 1;
    if (now.address === undefined) return;
    if (!this.visibleAtMs.has(name)) this.visibleAtMs.set(name, performance.now());
    const first = this.#firstAddress.get(name);
    if (first === undefined) this.#firstAddress.set(name, now.address);
    else if (first !== now.address) this.moved.add(name);
  }
}

/** Herald's controller, bundled into one file without Pepr around it, and MetalLB's. */
export async function contenders(
  folder: string,
  peer: string,
): Promise<{ readonly herald: Contender; readonly metallb: Contender }> {
  const bundle = join(folder, "controller.js");
  await build({
    entryPoints: [join(REPOSITORY, "bench", "allocation", "herald.ts")],
    bundle: true,
    platform: "node",
    outfile: bundle,
    logLevel: "error",
  });
  const common = { METALLB_NAMESPACE: NAMESPACE, METALLB_POD_NAME: "controller" };
  return {
    herald: {
      name: "Herald",
      argv: () => [process.execPath, bundle],
      env: kubeconfig => ({
        ...common,
        KUBECONFIG: kubeconfig,
        METALLB_METRICS_PORT: "0",
        METALLB_HEALTH_PROBE_PORT: "0",
        METALLB_LOG_LEVEL: "warn",
      }),
    },
    metallb: {
      name: "MetalLB",
      argv: kubeconfig => [
        join(peer, "controller"),
        `--kubeconfig=${kubeconfig}`,
        "--webhook-mode=disabled",
        "--port=0",
        "--log-level=error",
      ],
      env: () => common,
    },
  };
}

/** Resident memory of a process, octets. */
export function residentOctets(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8");
  return Number(/VmRSS:\s+([0-9]+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

/** Threads of a process, as a check that it lives. */
export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && readdirSync(`/proc/${child.pid ?? 0}/task`).length > 0;
}

export function namesOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** Runs the work for every element, 16 at a time. */
export async function inParallel<Element>(
  elements: readonly Element[],
  work: (element: Element) => Promise<unknown>,
): Promise<void> {
  const rest = elements.values();
  const worker = async (): Promise<void> => {
    for (const element of rest) await work(element);
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
}

export function servicePath(name: string): string {
  return `/api/v1/namespaces/ns1/services${name === "" ? "" : `/${name}`}`;
}

export function toService(name: string) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      type: "LoadBalancer",
      allocateLoadBalancerNodePorts: false,
      selector: { app: name },
      ports: [{ port: 80, protocol: "TCP" }],
    },
  };
}

function toSeen({ metadata, status }: StoredService): Seen {
  const address = status?.loadBalancer?.ingress?.[0]?.ip;
  return { address, resourceVersion: metadata.resourceVersion };
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}
