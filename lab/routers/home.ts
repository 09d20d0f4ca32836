/**
 * What every daemon of a router needs: a folder of its own for configuration, sockets and log, processes in one network namespace,
 * and their end. Nothing of the system's configuration is used. The daemons' own files say what to start and how to ask it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnInHost, type LabProcess } from "../host-process";
import { poll, run } from "../run";
import type { Router } from "./router";

/** What to start a daemon with. */
export interface DaemonOptions {
  /** As in `ip netns`. */
  readonly namespace: string;
  /** In the router's own language. */
  readonly config: string;
}

/** A folder and processes of one router in one namespace. */
export class RouterHome {
  readonly directory = mkdtempSync(join(tmpdir(), "herald-router-"));
  /** What its processes print and log. */
  readonly logPath = this.path("log");
  readonly #namespace: string;
  readonly #processes: LabProcess[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string, mode = 0o644): string {
    writeFileSync(this.path(name), text, { mode });
    return this.path(name);
  }

  spawn(argv: readonly string[], env: Readonly<Record<string, string>> = {}): LabProcess {
    const process = spawnInHost({
      host: this.#namespace,
      namespacePath: `/run/netns/${this.#namespace}`,
      argv,
      logPath: this.logPath,
      cgroupFiles: [],
      env,
    });
    this.#processes.push(process);
    return process;
  }

  /** Resolves once `isUp` holds; when it does not in time, ends everything and rejects with what was printed last. */
  async whenUp(what: string, isUp: () => Promise<boolean>): Promise<void> {
    try {
      await poll(async () => ((await isUp()) ? true : undefined), {
        timeoutMs: 15_000,
        describe: () => `${what} is not up: ${readFileSync(this.logPath, "utf8").slice(-2_000)}`,
      });
    } catch (error) {
      await this.end("stop");
      throw error;
    }
  }

  /** Runs a command in the namespace; gives what it printed, rejects with CommandError when it failed. */
  async command(...argv: readonly string[]): Promise<string> {
    return this.#run(argv, true);
  }

  /** Like `command`, but gives what it printed also when it failed. */
  async ask(...argv: readonly string[]): Promise<string> {
    return this.#run(argv, false);
  }

  /** Ends the processes, the last started first, those that hang by SIGKILL, and removes the folder. */
  async end(how: "stop" | "kill"): Promise<void> {
    for (const process of [...this.#processes].reverse()) {
      // One that is stopped (SIGSTOP) does not hear SIGTERM.
      process.kill("SIGCONT");
      if (how === "kill") process.kill("SIGKILL");
      await process.stop();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What a Router does to its processes. Its main one is the last started. */
  controls(): Pick<Router, "stop" | "kill" | "signal" | "logPath"> {
    return {
      stop: () => this.end("stop"),
      kill: () => this.end("kill"),
      signal: name => this.#processes.at(-1)?.kill(name),
      logPath: this.logPath,
    };
  }

  async #run(argv: readonly string[], check: boolean): Promise<string> {
    const command = ["ip", "netns", "exec", this.#namespace, ...argv];
    // A daemon that is stopped never answers.
    const { stdout } = await run(command, { check, timeoutMs: 20_000 });
    return stdout;
  }
}
