/** One of Herald's parts as a plain process, as `npm run admission` starts it. */
import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiServer } from "../../../lab/api-server";
import { poll } from "../../../lab/run";
import { REPOSITORY } from "../../../lab/paths";

export class Part {
  readonly #child: ChildProcess;
  readonly #exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #output = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise(resolve => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
  }

  /** Starts dist/<name>.js with a clean environment: what it needs is in the flags and `env`. */
  static start(
    name: "admission" | "controller",
    flags: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Part {
    const program = join(REPOSITORY, `dist/${name}.js`);
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const path = process.env["PATH"] ?? "";
    return new Part(
      spawn(process.execPath, [program, ...flags], {
        env: { PATH: path, ...env },
        stdio: [...stdio],
      }),
    );
  }

  /** Everything it has printed. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves once `/readyz` answers 200; rejects with the output when the process ends or takes longer. */
  async untilReady(healthProbePort: number, timeoutMs = 30_000): Promise<void> {
    await this.until(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${healthProbePort}/readyz`).catch(() => null);
        return answer?.ok === true;
      },
      { what: "ready", timeoutMs },
    );
  }

  async until(
    holds: () => boolean | Promise<boolean>,
    { what, timeoutMs = 30_000 }: { readonly what: string; readonly timeoutMs?: number },
  ): Promise<void> {
    const describe = () => `not ${what}:\n${this.#output}`;
    const probe = async () => {
      if (!this.isRunning) throw new Error(`ended before ${what}:\n${this.#output}`);
      return (await holds()) || undefined;
    };
    await poll(probe, { timeoutMs, describe });
  }

  /** Sends the signal and resolves with how it ended and how long that took. */
  async end(
    signal: NodeJS.Signals = "SIGTERM",
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null; tookMs: number }> {
    const startedMs = performance.now();
    if (this.isRunning) this.#child.kill(signal);
    const outcome = await this.#exited;
    return { ...outcome, tookMs: performance.now() - startedMs };
  }
}

/** Writes a kubeconfig of a ServiceAccount in metallb-system and returns its path: the rights of the Pod, not the administrator's. */
export async function accountKubeconfig(
  server: ApiServer,
  account: string,
  folder: string,
): Promise<string> {
  const { stdout } = await server.kubectl(["create", "token", account, "-n", "metallb-system"]);
  const ca = Buffer.from(server.adminCredentials.ca).toString("base64");
  const path = join(folder, `${account}.kubeconfig`);
  const cluster = { server: server.url, "certificate-authority-data": ca };
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster }],
    users: [{ name: account, user: { token: stdout.trim() } }],
    contexts: [{ name: "test", context: { cluster: "test", user: account } }],
    "current-context": "test",
  });
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
