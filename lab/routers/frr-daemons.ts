/**
 * FRR in a network namespace: zebra and the daemons that are asked for, with sockets and files of their own and a configuration of
 * one's own; `frr.ts` makes a BGP peer of them.
 */
import type { LabProcess } from "../host-process";
import { run } from "../run";
import { RouterHome, type DaemonOptions } from "./home";

export type FrrDaemon = "bgpd" | "bfdd";

export interface FrrOptions extends DaemonOptions {
  /** Beside zebra, in the order of their start. */
  readonly daemons: readonly FrrDaemon[];
}

/** Where Debian puts the daemons; not on PATH. */
const PROGRAMS = "/usr/lib/frr";

export class FrrDaemons {
  readonly home: RouterHome;
  readonly #processes = new Map<string, LabProcess>();

  private constructor(home: RouterHome) {
    this.home = home;
  }

  /**
   * Resolves when all daemons answer; rejects with what they said when they do not start. Each reads the configuration at its start, in
   * one go, and leaves out the lines of the others.
   */
  static async start({ namespace, config, daemons }: FrrOptions): Promise<FrrDaemons> {
    const home = new RouterHome(namespace);
    home.write("frr.conf", config);
    // The daemons give up root for the user that Debian makes for them.
    await run(["chown", "-R", "frr:frr", home.directory]);
    const frr = new FrrDaemons(home);
    // bgpd that finds no zebra asks again only seconds later, and knows no interface until then.
    for (const daemon of ["zebra", ...daemons]) await frr.#start(daemon);
    return frr;
  }

  /** The number of the daemon's process. */
  pidOf(daemon: FrrDaemon | "zebra"): number {
    return this.#processOf(daemon).pid;
  }

  /** What `vtysh` prints for the command; of one daemon alone if it is named, for a stopped one never answers. */
  async show(command: string, daemon?: FrrDaemon): Promise<string> {
    const only = daemon === undefined ? [] : ["-d", daemon];
    return this.home.command(...this.#vtysh(...only, "-c", command));
  }

  /** What `vtysh` prints for the commands, one after the other, also when one is refused. */
  async ask(...commands: readonly string[]): Promise<string> {
    return this.home.ask(...this.#vtysh(...commands.flatMap(each => ["-c", each])));
  }

  /** Enters the lines of a configuration on top of the one there is; rejects when no daemon knows one of them. */
  async configure(config: string): Promise<void> {
    await this.home.command(...this.#vtysh("-f", this.home.write("lines.conf", config)));
  }

  /** For instance SIGKILL, SIGSTOP, SIGCONT. */
  signal(daemon: FrrDaemon, name: NodeJS.Signals): void {
    this.#processOf(daemon).kill(name);
  }

  /** Ends all daemons, by SIGKILL those that hang, and removes their files. */
  async stop(): Promise<void> {
    await this.home.end("stop");
  }

  async #start(daemon: string): Promise<void> {
    const argv = [`${PROGRAMS}/${daemon}`, ...argumentsOf(daemon, this.home)];
    this.#processes.set(daemon, this.home.spawn(argv));
    const ask = this.#vtysh("-d", daemon, "-c", "show version");
    await this.home.whenUp(`FRR's ${daemon}`, async () =>
      (await this.home.ask(...ask)).includes("FRRouting"),
    );
  }

  #processOf(daemon: string): LabProcess {
    const process = this.#processes.get(daemon);
    if (process === undefined) throw new Error(`${daemon} was not started`);
    return process;
  }

  #vtysh(...more: readonly string[]): readonly string[] {
    return ["vtysh", "--vty_socket", this.home.directory, ...more];
  }
}

function argumentsOf(daemon: string, home: RouterHome): readonly string[] {
  const files = ["-f", home.path("frr.conf"), "-i", home.path(`${daemon}.pid`), "--log", "stdout"];
  // Port 0: no terminal over TCP.
  const sockets = ["-z", home.path("zebra"), "--vty_socket", home.directory, "-P", "0"];
  const bfd = daemon === "bfdd" ? ["--bfdctl", home.path("bfdctl")] : [];
  return [...files, ...sockets, ...bfd];
}
