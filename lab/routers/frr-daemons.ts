/** FRR in a network namespace: zebra and the daemons that are asked for, with sockets and files of their own. */
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnInHost, type LabProcess } from "../host-process";
import { poll, run } from "../run";
import type { DaemonOptions } from "./bird-daemon";

export type FrrDaemon = "bgpd" | "bfdd" | "staticd";

export interface FrrOptions extends DaemonOptions {
  /** Beside zebra. */
  readonly daemons: readonly FrrDaemon[];
}

const PROGRAMS = "/usr/lib/frr";

export class FrrDaemons {
  readonly #directory: string;
  readonly #processes: ReadonlyMap<string, LabProcess>;

  private constructor(directory: string, processes: ReadonlyMap<string, LabProcess>) {
    this.#directory = directory;
    this.#processes = processes;
  }

  /** Resolves when all daemons answer and have the configuration; rejects with what they said when they do not start. */
  static async start({ namespace, config, daemons }: FrrOptions): Promise<FrrDaemons> {
    const directory = mkdtempSync(join(tmpdir(), "herald-frr-"));
    // The daemons give up root for a user of their own.
    const { uid, gid } = await frrUser();
    chownSync(directory, uid, gid);
    const start = (daemon: string): LabProcess => {
      writeFileSync(join(directory, `${daemon}.conf`), "");
      return spawnInHost({
        host: namespace,
        namespacePath: `/run/netns/${namespace}`,
        argv: [join(PROGRAMS, daemon), ...argumentsOf(daemon, directory)],
        logPath: join(directory, `${daemon}.log`),
        cgroupFiles: [],
      });
    };
    const processes = new Map<string, LabProcess>([["zebra", start("zebra")]]);
    const router = new FrrDaemons(directory, processes);
    try {
      await router.#whenAnswering("zebra");
      for (const daemon of daemons) {
        processes.set(daemon, start(daemon));
        await router.#whenAnswering(daemon);
      }
      await router.configure(config);
    } catch (error) {
      await router.stop();
      throw error;
    }
    return router;
  }

  /** The number of the daemon's process. */
  pidOf(daemon: FrrDaemon | "zebra"): number {
    return this.#processOf(daemon).pid;
  }

  /** What `vtysh` prints for the command; of one daemon alone if it is named, for a stopped one never answers. */
  async show(command: string, daemon?: FrrDaemon): Promise<string> {
    const only = daemon === undefined ? [] : ["-d", daemon];
    const vtysh = ["vtysh", "--vty_socket", this.#directory, ...only];
    const { stdout } = await run([...vtysh, "-c", command]);
    return stdout;
  }

  /** Enters the lines of a configuration on top of the one there is. */
  async configure(config: string): Promise<void> {
    const path = join(this.#directory, "lines.conf");
    writeFileSync(path, config);
    await run(["vtysh", "--vty_socket", this.#directory, "-f", path]);
  }

  /** For instance SIGKILL, SIGSTOP, SIGCONT. */
  signal(daemon: FrrDaemon, name: NodeJS.Signals): void {
    this.#processOf(daemon).kill(name);
  }

  /** Ends all daemons, by SIGKILL those that are stopped or hang, and removes their files. */
  async stop(): Promise<void> {
    for (const process of this.#processes.values()) process.kill("SIGCONT");
    await Promise.all([...this.#processes.values()].map(async process => process.stop(2_000)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #processOf(daemon: string): LabProcess {
    const process = this.#processes.get(daemon);
    if (process === undefined) throw new Error(`${daemon} was not started`);
    return process;
  }

  async #whenAnswering(daemon: string): Promise<void> {
    const vtysh = ["vtysh", "--vty_socket", this.#directory, "-d", daemon, "-c", "show version"];
    await poll(async () => ((await run(vtysh, { check: false })).status === 0 ? true : undefined), {
      timeoutMs: 10_000,
      everyMs: 50,
      describe: () => `FRR's ${daemon} does not answer: ${this.#logOf(daemon)}`,
    });
  }

  #logOf(daemon: string): string {
    return readFileSync(join(this.#directory, `${daemon}.log`), "utf8").slice(-2_000);
  }
}

function argumentsOf(daemon: string, directory: string): readonly string[] {
  const file = (name: string): string => join(directory, name);
  const common = ["-f", file(`${daemon}.conf`), "-i", file(`${daemon}.pid`)];
  const sockets = [
    "-z",
    file("zserv.api"),
    "--vty_socket",
    directory,
    "-A",
    "127.0.0.1",
    "-P",
    "0",
  ];
  return [...common, ...sockets, ...(daemon === "bfdd" ? ["--bfdctl", file("bfdd.sock")] : [])];
}

async function frrUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const number = async (flag: string): Promise<number> =>
    Number((await run(["id", flag, "frr"])).stdout.trim());
  return { uid: await number("-u"), gid: await number("-g") };
}
