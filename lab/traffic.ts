/** Traffic from the client of a lab to one address, while something happens to the nodes. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { Lab } from "./lab";
import { REPOSITORY } from "./paths";
import { LabError } from "./run";

export interface TrafficResult {
  /** New connections, one after the other. */
  readonly requests: number;
  /** Of these: refused, or not set up within 0.9 s. */
  readonly failed: number;
  /** Set up, and then reset or left without an answer: what was open when the address moved. */
  readonly cut: number;
  readonly worstMs: number;
  /** Connections that were kept open all the time, and those of them that broke. */
  readonly kept: number;
  readonly broken: number;
  /** The first problems: when, and what went wrong. */
  readonly failures: readonly string[];
}

export class Traffic {
  private constructor(
    private readonly client: ChildProcess,
    private readonly result: Promise<string>,
  ) {}

  /** Resolves when requests flow. */
  static async start(lab: Lab, address: string, leastRequests: number): Promise<Traffic> {
    const program = join(REPOSITORY, "lab", "traffic-client.ts");
    const argv = [process.execPath, "--import", "tsx", program, address, String(leastRequests)];
    const [command = "", ...rest] = lab.commandIn("client", argv);
    const client = spawn(command, rest, { cwd: REPOSITORY, stdio: ["pipe", "pipe", "pipe"] });
    const result = new Promise<string>((resolve, reject) => {
      let printed = "";
      client.stdout.on("data", (data: Buffer) => (printed += data.toString()));
      client.once("error", reject);
      client.once("close", () => resolve(printed));
    });
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: client.stderr }).on("line", line => {
        if (line === "started") resolve();
      });
      client.once("exit", () => reject(new LabError("traffic", "The traffic client ended.")));
    });
    return new Traffic(client, result);
  }

  /** Lets it make the least number of requests and returns what became of all of them. */
  async finish(): Promise<TrafficResult> {
    this.client.stdin?.end();
    const printed = await this.result;
    if (printed === "") throw new LabError("traffic", "The traffic client said nothing.");
    return JSON.parse(printed) as TrafficResult;
  }
}
