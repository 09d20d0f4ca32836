/** What the client of a lab sees of ARP for one address: tcpdump's lines as they come. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Lab } from "./lab";
import { LabError } from "./run";

export interface ArpFrame {
  /** When the kernel saw it, ms since the epoch. */
  readonly atMs: number;
  /** tcpdump's line without the time. */
  readonly text: string;
  /** The MAC address that claims the watched address, in a reply or a gratuitous request. */
  readonly isReplyOf: string | undefined;
}

export class ArpWatch {
  readonly #frames: ArpFrame[] = [];
  readonly #listeners = new Set<(frame: ArpFrame) => void>();

  private constructor(
    private readonly tcpdump: ChildProcess,
    private readonly address: string,
  ) {}

  /** Resolves when tcpdump listens on the client's interface. */
  static async start(lab: Lab, address: string): Promise<ArpWatch> {
    const filter = `arp and (arp dst host ${address} or arp src host ${address})`;
    const [program = "", ...argv] = lab.commandIn("client", [
      ...["tcpdump", "-i", "eth0", "-n", "-tt", "-l", "--immediate-mode", filter],
    ]);
    const tcpdump = spawn(program, argv, { stdio: ["ignore", "pipe", "pipe"] });
    const watch = new ArpWatch(tcpdump, address);
    createInterface({ input: tcpdump.stdout }).on("line", line => watch.#take(line));
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: tcpdump.stderr }).on("line", line => {
        if (line.includes("listening on")) resolve();
      });
      tcpdump.once("error", reject);
      tcpdump.once("exit", () => reject(new LabError("tcpdump", "tcpdump ended.")));
    });
    return watch;
  }

  /** The next frame from now on that is wanted; rejects after the limit. */
  async next(isWanted: (frame: ArpFrame) => boolean, limitMs: number): Promise<ArpFrame> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new LabError("timeout", `No such ARP frame for ${this.address} in ${limitMs} ms.`));
      }, limitMs);
      const listener = (frame: ArpFrame): void => {
        if (!isWanted(frame)) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(frame);
      };
      this.#listeners.add(listener);
    });
  }

  /** Ends tcpdump and returns everything it saw. */
  async stop(): Promise<readonly ArpFrame[]> {
    const ended = new Promise(resolve => this.tcpdump.once("close", resolve));
    this.tcpdump.kill("SIGTERM");
    await ended;
    return this.#frames;
  }

  #take(line: string): void {
    const match = /^(\d+\.\d+) (.*)$/.exec(line);
    if (match === null) return;
    const [, seconds = "", text = ""] = match;
    const reply = /Reply (\S+) is-at ([0-9a-f:]{17})/.exec(text);
    const isReplyOf = reply?.[1] === this.address ? reply[2] : undefined;
    const frame = { atMs: Number(seconds) * 1000, text, isReplyOf };
    this.#frames.push(frame);
    for (const listener of [...this.#listeners]) listener(frame);
  }
}
