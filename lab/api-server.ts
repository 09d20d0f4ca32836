/**
 * A real API server without nodes: etcd and kube-apiserver on free loopback ports of the current network namespace, for
 * tests and for trying things. Needs no root. Its processes end with `stop()` and also when this process ends, whatever
 * ends it (the kernel's parent-death signal).
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Binary } from "./binaries";
import { ensureKubernetes } from "./binaries";
import {
  API_SERVER_NAMES,
  apiServerArguments,
  CONTROLLER_MANAGER,
  controllerManagerArguments,
  etcdArguments,
  writeControllerManagerKubeconfig,
} from "./control-plane";
import type { Credentials } from "./pki";
import { kubeconfig, Pki } from "./pki";
import type { Progress } from "./progress";
import { silentProgress } from "./progress";
import type { RunOptions, RunResult } from "./run";
import { LabError, poll, run } from "./run";

/** How an API server is started. */
export interface ApiServerOptions {
  /** A folder of its own for data, keys and logs; made if it is missing, left behind by `stop()`. */
  readonly stateDir: string;
  readonly progress?: Progress;
  /** Appended to kube-apiserver's command line: `--watch-cache=false`, `--etcd-compaction-interval=10s` … */
  readonly apiServerArgs?: readonly string[];
  /** Starts kube-controller-manager too (endpoints, garbage collection, namespaces, tokens). Default false. */
  readonly withControllerManager?: boolean;
  readonly controllerManagerArgs?: readonly string[];
}

interface Ports {
  readonly secure: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
}

const READY_TIMEOUT_MS = 60_000;
const PORT_ATTEMPTS = 3;

/** A running API server. */
export class ApiServer {
  readonly url: string;
  readonly kubeconfigPath: string;
  /** Where the commands are. */
  readonly binDir: string;
  /** Member of system:masters. */
  readonly adminCredentials: Credentials;
  readonly pki: Pki;
  readonly #options: ApiServerOptions;
  readonly #ports: Ports;
  readonly #children = new Map<Binary, ChildProcess>();

  private constructor(
    options: ApiServerOptions,
    parts: { binDir: string; pki: Pki; ports: Ports },
  ) {
    this.#options = options;
    this.#ports = parts.ports;
    this.binDir = parts.binDir;
    this.pki = parts.pki;
    this.url = `https://127.0.0.1:${parts.ports.secure}`;
    this.kubeconfigPath = join(options.stateDir, "admin.kubeconfig");
    this.adminCredentials = parts.pki.credentials("admin");
  }

  /** Starts everything and resolves when the API server is ready. */
  static async start(options: ApiServerOptions): Promise<ApiServer> {
    const binDir = await ensureKubernetes(options.progress ?? silentProgress, neededFor(options));
    mkdirSync(options.stateDir, { recursive: true });
    const pki = await makeCredentials(join(options.stateDir, "pki"));
    for (let attempt = 1; ; attempt += 1) {
      const ports = await findPorts();
      const server = new ApiServer(options, { binDir, pki, ports });
      try {
        await server.#startAll();
        return server;
      } catch (error) {
        await server.stop();
        if (!isPortTaken(error) || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  async #startAll(): Promise<void> {
    const text = kubeconfig(this.url, this.adminCredentials);
    writeFileSync(this.kubeconfigPath, text, { mode: 0o600 });
    this.#startEtcd();
    await this.restart();
    if (this.#options.withControllerManager === true) this.#startControllerManager();
  }

  /** Ends kube-apiserver as a crash would (SIGKILL); etcd and the data stay. */
  async kill(): Promise<void> {
    await this.#end("kube-apiserver");
  }

  /** Starts kube-apiserver on the same port and data if it does not run; resolves when it is ready. */
  async restart(): Promise<void> {
    if (!this.#runs("kube-apiserver")) {
      const args = apiServerArguments(this.pki, this.#ports.etcdClient, this.#ports.secure);
      const own = ["--bind-address=127.0.0.1", "--endpoint-reconciler-type=none"];
      this.#start("kube-apiserver", [...args, ...own, ...(this.#options.apiServerArgs ?? [])]);
    }
    await this.#untilReady();
  }

  /** Stops kube-apiserver in the middle of whatever it does (SIGSTOP): connections stay open and silent. */
  pause(): void {
    this.#children.get("kube-apiserver")?.kill("SIGSTOP");
  }

  /** Lets a paused kube-apiserver go on. */
  resume(): void {
    this.#children.get("kube-apiserver")?.kill("SIGCONT");
  }

  /** Ends all processes; calling it again does nothing. The folder stays. */
  async stop(): Promise<void> {
    await Promise.all([...this.#children.keys()].map(name => this.#end(name)));
  }

  /**
   * Forgets the history in etcd up to now: watches and lists from an older resourceVersion get 410 Gone, as far as the
   * API server's watch cache does not answer them itself.
   */
  async compact(): Promise<void> {
    const range = (await this.#etcd("kv/range", { key: "AA==", limit: "1" })) as {
      header: { revision: string };
    };
    await this.#etcd("kv/compaction", { revision: range.header.revision, physical: true });
  }

  /** Runs kubectl as administrator; rejects unless it ends with 0 (or `check: false`). */
  async kubectl(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const command = [join(this.binDir, "kubectl"), `--kubeconfig=${this.kubeconfigPath}`];
    return run([...command, ...argv], options);
  }

  async #etcd(path: string, body: unknown): Promise<unknown> {
    const url = `http://127.0.0.1:${this.#ports.etcdClient}/v3/${path}`;
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new LabError("etcd", `etcd: ${path}: ${await response.text()}`);
    return response.json();
  }

  #startEtcd(): void {
    const ports = { client: this.#ports.etcdClient, peer: this.#ports.etcdPeer };
    this.#start("etcd", etcdArguments(join(this.#options.stateDir, "etcd"), ports));
  }

  #startControllerManager(): void {
    writeControllerManagerKubeconfig(this.pki, this.url, this.#options.stateDir);
    const args = controllerManagerArguments(this.pki, this.#options.stateDir);
    const own = [
      "--secure-port=0",
      "--controllers=*",
      ...(this.#options.controllerManagerArgs ?? []),
    ];
    this.#start("kube-controller-manager", [...args, ...own]);
  }

  #start(name: Binary, args: readonly string[]): void {
    const log = openSync(this.logPath(name), "a");
    const command = ["--pdeathsig", "KILL", "--", join(this.binDir, name), ...args];
    const child = spawn("setpriv", command, { stdio: ["ignore", log, log] });
    closeSync(log);
    child.on("error", () => undefined);
    child.unref();
    this.#children.set(name, child);
  }

  /** The file with everything a process printed. */
  logPath(name: Binary): string {
    return join(this.#options.stateDir, `${name}.log`);
  }

  #runs(name: Binary): boolean {
    const child = this.#children.get(name);
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async #end(name: Binary): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined || !this.#runs(name)) return;
    const closed = new Promise<void>(resolve => child.once("exit", () => resolve()));
    child.ref();
    child.kill("SIGKILL");
    await closed;
  }

  async #untilReady(): Promise<void> {
    const { ca, certificate: cert, key } = this.adminCredentials;
    const ask = () =>
      new Promise<true | undefined>(resolve => {
        const asked = request(`${this.url}/readyz`, { ca, cert, key, timeout: 2_000 }, answer => {
          answer.resume();
          resolve(answer.statusCode === 200 ? true : undefined);
        });
        asked.on("timeout", () => asked.destroy());
        asked.on("error", () => resolve(undefined));
        asked.end();
      });
    const probe = () => {
      for (const name of ["etcd", "kube-apiserver"] as const) {
        if (!this.#runs(name)) throw new LabError("exited", this.#describe(name, "ended at start"));
      }
      return ask();
    };
    await poll(probe, {
      timeoutMs: READY_TIMEOUT_MS,
      describe: () =>
        this.#describe("kube-apiserver", `not ready after ${READY_TIMEOUT_MS / 1000} s`),
    });
  }

  #describe(name: Binary, what: string): string {
    const lines = readFileSync(this.logPath(name), "utf8").trimEnd().split("\n").slice(-5);
    return `${name}: ${what}. The end of ${this.logPath(name)}:\n${lines.join("\n")}`;
  }
}

/** Starts etcd and kube-apiserver on free loopback ports and resolves when the API answers. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  return ApiServer.start(options);
}

function neededFor(options: ApiServerOptions): Binary[] {
  const always: Binary[] = ["etcd", "kube-apiserver", "kubectl"];
  return options.withControllerManager === true ? [...always, "kube-controller-manager"] : always;
}

async function findPorts(): Promise<Ports> {
  const [secure = 0, etcdClient = 0, etcdPeer = 0] = await freePorts(3);
  return { secure, etcdClient, etcdPeer };
}

/** Between finding a free port and listening on it somebody else may take it. */
function isPortTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes("address already in use");
}

async function makeCredentials(directory: string): Promise<Pki> {
  const pki = await Pki.create(directory);
  await Promise.all([
    pki.issue({ name: "apiserver", alternativeNames: API_SERVER_NAMES, usages: ["serverAuth"] }),
    pki.issue({ name: "admin", organization: "system:masters", usages: ["clientAuth"] }),
    pki.issue(CONTROLLER_MANAGER),
  ]);
  return pki;
}

/** Ports of 127.0.0.1 that nobody listens on; all are held until all are found, so they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map(server => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}
