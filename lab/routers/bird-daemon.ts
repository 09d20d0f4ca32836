/** BIRD 2 in a network namespace, with a configuration of one's own; `bird.ts` makes a BGP peer of it. */
import type { LabProcess } from "../host-process";
import { RouterHome, type DaemonOptions } from "./home";

export class BirdDaemon {
  readonly home: RouterHome;
  readonly #process: LabProcess;

  private constructor(home: RouterHome, process: LabProcess) {
    this.home = home;
    this.#process = process;
  }

  /** Resolves when it answers on its control socket; rejects with what it said when it does not start. */
  static async start({ namespace, config }: DaemonOptions): Promise<BirdDaemon> {
    const home = new RouterHome(namespace);
    const path = home.write("bird.conf", `log "${home.logPath}" all; ${config}`);
    const files = ["-c", path, "-s", socketOf(home), "-P", home.path("pid")];
    const bird = new BirdDaemon(home, home.spawn(["/usr/sbin/bird", "-f", ...files]));
    await home.whenUp("BIRD", async () =>
      (await bird.ask("show", "status")).includes("up and running"),
    );
    return bird;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What `birdc` prints for the command, for instance `disable`; rejects when it refuses. */
  async command(...words: readonly string[]): Promise<string> {
    return this.home.command("birdc", "-s", socketOf(this.home), ...words);
  }

  /** What `birdc` prints for the command, also when it refuses; nothing when BIRD does not answer. */
  async ask(...words: readonly string[]): Promise<string> {
    return this.home.ask("birdc", "-s", socketOf(this.home), ...words);
  }

  /** For instance SIGKILL, SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ends it, by SIGKILL if it hangs, and removes its files. */
  async stop(): Promise<void> {
    await this.home.end("stop");
  }
}

function socketOf(home: RouterHome): string {
  return home.path("bird.ctl");
}
