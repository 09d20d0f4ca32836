/**
 * Herald in a lab: its production bundles as plain processes, each with the account that its Pod would have. Controller and
 * admission run beside the API server, a speaker on the network of each node.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiUrl } from "./cluster-parts";
import type { LabProcess } from "./host-process";
import { install, type Kubectl } from "./install";
import type { Lab } from "./lab";
import { REPOSITORY } from "./paths";
import { poll, settleAll } from "./run";

export type PartName = "admission" | "controller" | "speaker";

/** Ports of `/healthz` and `/readyz`; all parts of a host share its network. */
const PROBE_PORTS = { admission: 17_473, controller: 17_472, speaker: 17_472 } as const;
const METRICS_PORTS = { admission: 9122, controller: 9120, speaker: 9120 } as const;
export const HERALD_NAMESPACE = "metallb-system";
const READY_TIMEOUT_MS = 30_000;

export class HeraldInLab {
  /** By node. */
  readonly speakers = new Map<string, LabProcess>();
  controller: LabProcess | undefined;
  admission: LabProcess | undefined;

  private constructor(private readonly lab: Lab) {}

  /** Installs Herald's resources and starts every part; resolves when all of them are ready. */
  static async start(lab: Lab): Promise<HeraldInLab> {
    const kubectl: Kubectl = (argv, options = {}) =>
      lab.exec("cp", [join(lab.binDir, "kubectl"), ...argv], options);
    await install({ kubectl });
    const herald = new HeraldInLab(lab);
    await settleAll(
      (["admission", "controller", "speaker"] as const).map(part => herald.#account(part)),
    );
    herald.startAdmission();
    herald.startController();
    for (const node of lab.nodes) herald.startSpeaker(node);
    await herald.whenReady();
    return herald;
  }

  startAdmission(): LabProcess {
    return (this.admission = this.#start("admission", "cp", ["--webhook-port=3000"]));
  }

  startController(): LabProcess {
    return (this.controller = this.#start("controller", "cp", []));
  }

  startSpeaker(node: string): LabProcess {
    const speaker = this.#start("speaker", node, [`--node-name=${node}`]);
    this.speakers.set(node, speaker);
    return speaker;
  }

  /** Resolves when every part that runs says that it is ready. */
  async whenReady(): Promise<void> {
    const nodes = [...this.speakers.keys()];
    await settleAll([
      this.#ready("admission", "cp"),
      this.#ready("controller", "cp"),
      ...nodes.map(node => this.#ready("speaker", node)),
    ]);
  }

  /** Ends every part with SIGTERM and waits for it. */
  async stop(): Promise<void> {
    const parts = [this.controller, this.admission, ...this.speakers.values()];
    await settleAll(parts.filter(part => part !== undefined).map(part => part.stop()));
  }

  /** A kubeconfig with a token of the part's own account: what its roles do not grant fails here too. */
  async #account(part: PartName): Promise<void> {
    const { stdout: token } = await this.lab.kubectl([
      ...["create", "token", part, `--namespace=${HERALD_NAMESPACE}`, "--duration=24h"],
    ]);
    const kubeconfig = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "lab", cluster: this.#cluster() }],
      users: [{ name: part, user: { token: token.trim() } }],
      contexts: [{ name: "lab", context: { cluster: "lab", user: part } }],
      "current-context": "lab",
    };
    const text = JSON.stringify(kubeconfig);
    writeFileSync(this.#kubeconfig(part), text, { mode: 0o600 });
  }

  #cluster(): object {
    const authority = readFileSync(this.lab.pki.path("ca.crt")).toString("base64");
    return { server: apiUrl(this.lab.host("cp")), "certificate-authority-data": authority };
  }

  #kubeconfig(part: PartName): string {
    return join(this.lab.directory, `${part}.kubeconfig`);
  }

  #start(part: PartName, host: string, flags: readonly string[]): LabProcess {
    const program = join(REPOSITORY, "dist", `${part}.js`);
    const ports = [`--port=${METRICS_PORTS[part]}`, `--health-probe-port=${PROBE_PORTS[part]}`];
    const env = { KUBECONFIG: this.#kubeconfig(part), METALLB_NAMESPACE: HERALD_NAMESPACE };
    const argv = [process.execPath, program, ...ports, ...flags];
    return this.lab.spawn(host, argv, { env, log: logName(part, host) });
  }

  async #ready(part: PartName, host: string): Promise<void> {
    const url = `http://127.0.0.1:${PROBE_PORTS[part]}/readyz`;
    const curl = ["curl", "-s", "-m", "1", "-w", "\n%{http_code}", url];
    let answer = "";
    const isReady = async (): Promise<true | undefined> => {
      answer = (await this.lab.exec(host, curl, { check: false })).stdout.trim();
      return answer.endsWith("200") ? true : undefined;
    };
    await poll(isReady, {
      timeoutMs: READY_TIMEOUT_MS,
      everyMs: 100,
      describe: () =>
        `The ${part} on ${host} is not ready (${answer.replace("\n", ", ")}). See ${this.lab.logPath(logName(part, host))}.`,
    });
  }
}

function logName(part: PartName, host: string): string {
  return part === "speaker" ? `${host}-speaker` : part;
}
