/**
 * Routing daemons from Debian as BGP peers in a network namespace: one settings object, turned into each daemon's own configuration,
 * and one way to read what it has learnt. Files live in a folder of their own; nothing of the system's configuration is used.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnInHost, type LabProcess } from "../host-process";
import { run } from "../run";

export type RouterFamily = "ipv4" | "ipv6";

/** A speaker as the router sees it. */
export interface RouterPeer {
  /** The speaker's address, or the interface it is on (FRR only). */
  readonly target: { readonly address: string } | { readonly interface: string };
  readonly as: number;
  readonly families: readonly RouterFamily[];
  readonly password?: string;
  /** IPv4 routes with IPv6 next hops (RFC 8950). */
  readonly extendedNextHop?: boolean;
  /** Keeps routes of a speaker that restarts, for at most this long. */
  readonly gracefulRestartSeconds?: number;
  readonly isMultihop?: boolean;
  /** Packets from farther away are dropped (RFC 5082). */
  readonly ttlSecurity?: boolean;
  readonly holdTimeSeconds?: number;
  readonly bfd?: { readonly intervalMs: number; readonly multiplier: number };
}

export interface RouterSettings {
  readonly as: number;
  /** An IPv4 address. */
  readonly routerId: string;
  /** Where it listens and answers from: an address for each family in use. */
  readonly addresses: readonly string[];
  readonly peers: readonly RouterPeer[];
  /** Puts what it learns into the kernel's table. */
  readonly installsRoutes?: boolean;
  /** Prefixes it announces. */
  readonly announces?: readonly string[];
}

/** A route as the router holds it; of several paths for a prefix there are several. */
export interface LearntRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly asPath: readonly number[];
  readonly localPreference?: number;
  readonly metric?: number;
  /** `a:b`, sorted. */
  readonly communities: readonly string[];
  /** `a:b:c`, sorted. */
  readonly largeCommunities: readonly string[];
}

/** A running daemon. */
export interface Router {
  readonly daemon: string;
  /** Everything it learnt by BGP. */
  routes(): Promise<readonly LearntRoute[]>;
  /** True while the session with the first peer is up, as the router sees it. */
  isEstablished(): Promise<boolean>;
  /** Asks the first peer for its routes again (RFC 2918); undefined for a daemon that cannot be told to. */
  readonly requestRefresh?: () => Promise<unknown>;
  /** Shuts the session with the first peer down with a text (RFC 9003); undefined for a daemon that cannot be told to. */
  readonly shutDown?: (text: string) => Promise<unknown>;
  /** Ends in order. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Signals its main process, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void;
  /** What it printed and logged. */
  readonly logPath: string;
}

export type StartRouter = (namespace: string, settings: RouterSettings) => Promise<Router>;

/** A folder and processes of one daemon in one namespace. */
export class RouterHome {
  readonly directory = mkdtempSync(join(tmpdir(), "herald-router-"));
  readonly #namespace: string;
  readonly #processes: LabProcess[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
    mkdirSync(this.directory, { recursive: true });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  get logPath(): string {
    return this.path("log");
  }

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

  /** Runs a command in the namespace; gives what it printed, also when it failed. */
  async ask(...argv: readonly string[]): Promise<string> {
    const command = ["ip", "netns", "exec", this.#namespace, ...argv];
    const { stdout } = await run(command, { check: false, timeoutMs: 20_000 });
    return stdout;
  }

  signal(name: NodeJS.Signals): void {
    this.#processes.at(-1)?.kill(name);
  }

  /** Ends the processes, the last started first, and removes the folder. */
  async end(how: "stop" | "kill"): Promise<void> {
    for (const process of [...this.#processes].reverse()) {
      // One that is stopped (SIGSTOP) does not hear SIGTERM.
      process.kill("SIGCONT");
      if (how === "kill") process.kill("SIGKILL");
      await process.stop();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** JSON that a daemon printed; undefined when it printed none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isIpv6(text: string): boolean {
  return text.includes(":");
}

/** The member of an object, or undefined for anything else. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
