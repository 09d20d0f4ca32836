/** BIRD 2 in a network namespace. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnInHost, type LabProcess } from "../host-process";
import { poll, run } from "../run";

export interface DaemonOptions {
  /** As in `ip netns`. */
  readonly namespace: string;
  /** In the router's own language. */
  readonly config: string;
}

export class BirdDaemon {
  readonly #directory: string;
  readonly #process: LabProcess;

  private constructor(directory: string, process: LabProcess) {
    this.#directory = directory;
    this.#process = process;
  }

  /** Resolves when it answers on its control socket; rejects with what it said when it does not start. */
  static async start({ namespace, config }: DaemonOptions): Promise<BirdDaemon> {
    const directory = mkdtempSync(join(tmpdir(), "herald-bird-"));
    const configPath = join(directory, "bird.conf");
    writeFileSync(configPath, config);
    const files = [
      "-c",
      configPath,
      "-s",
      join(directory, "bird.ctl"),
      "-P",
      join(directory, "pid"),
    ];
    const logPath = join(directory, "log");
    const process = spawnInHost({
      host: namespace,
      namespacePath: `/run/netns/${namespace}`,
      argv: ["/usr/sbin/bird", "-f", ...files],
      logPath,
      cgroupFiles: [],
    });
    const router = new BirdDaemon(directory, process);
    await poll(async () => ((await router.#tryControl(["show", "status"])) ? true : undefined), {
      timeoutMs: 10_000,
      everyMs: 50,
      describe: () => `BIRD does not answer: ${readFileSync(logPath, "utf8").slice(-2_000)}`,
    });
    return router;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What `birdc` prints for the command. */
  async control(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(["birdc", "-r", "-s", this.#socket, ...words]);
    return stdout;
  }

  /** Takes another configuration; sessions that it does not touch go on. */
  async configure(config: string): Promise<void> {
    writeFileSync(join(this.#directory, "bird.conf"), config);
    await run(["birdc", "-s", this.#socket, "configure"]);
  }

  /** Changes something by `birdc`, for instance `disable`. */
  async command(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(["birdc", "-s", this.#socket, ...words]);
    return stdout;
  }

  /** For instance SIGKILL, SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ends it, by SIGKILL if it is stopped or hangs, and removes its files. */
  async stop(): Promise<void> {
    this.#process.kill("SIGCONT");
    await this.#process.stop(2_000);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #socket(): string {
    return join(this.#directory, "bird.ctl");
  }

  async #tryControl(words: readonly string[]): Promise<boolean> {
    const { status } = await run(["birdc", "-r", "-s", this.#socket, ...words], { check: false });
    return status === 0;
  }
}
