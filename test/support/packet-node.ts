/** Nodes with a packet thread in network namespaces, each a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { PacketCommand, PacketReport } from "../../node/packet-protocol";
import { eventually, type Host } from "./netns";

export type PacketNodeOrder =
  | { readonly type: "command"; readonly command: PacketCommand }
  | { readonly type: "stall"; readonly busyMs: number; readonly periodMs: number }
  | { readonly type: "stop"; readonly isRestart?: boolean };

export type PacketNodeMessage =
  | { readonly type: "ready" }
  | { readonly type: "cannotStart"; readonly error: string }
  | { readonly type: "report"; readonly atMs: number; readonly report: PacketReport };

const ROOT = join(__dirname, "..", "..");

/** The bundles of the packet thread and of the programs that tests run beside it. */
export interface PacketBundles {
  readonly thread: string;
  readonly program: string;
  readonly arpClient: string;
  readonly frameSender: string;
  remove(): void;
}

/** Bundles into a directory of this process below node_modules, from where koffi can be resolved. */
export async function bundlePacketPrograms(): Promise<PacketBundles> {
  const outdir = join(ROOT, "node_modules", ".cache", "herald", `packet-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: {
      "packet-thread": join(ROOT, "node/packet-thread.ts"),
      program: join(ROOT, "test/support/packet-node-program.ts"),
      "arp-client": join(ROOT, "test/support/arp-client-program.ts"),
      "frame-sender": join(ROOT, "test/support/frame-sender-program.ts"),
    },
    outdir,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
  return {
    thread: join(outdir, "packet-thread.js"),
    program: join(outdir, "program.js"),
    arpClient: join(outdir, "arp-client.js"),
    frameSender: join(outdir, "frame-sender.js"),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}

export class PacketNode {
  readonly host: Host;
  readonly nodeName: string;
  readonly reports: PacketReport[] = [];
  readonly #child: ChildProcess;
  #isReady = false;
  #startError: string | undefined;

  private constructor(host: Host, nodeName: string, child: ChildProcess) {
    this.host = host;
    this.nodeName = nodeName;
    this.#child = child;
    child.on("message", (message: PacketNodeMessage) => {
      if (message.type === "ready") this.#isReady = true;
      else if (message.type === "cannotStart") this.#startError = message.error;
      else this.reports.push(message.report);
    });
  }

  /** Starts the process in the host's namespace; `wrapper` goes before node, for instance to drop capabilities. */
  static async start(
    host: Host,
    bundles: PacketBundles,
    wrapper: readonly string[] = [],
  ): Promise<PacketNode> {
    const program = [process.execPath, bundles.program, bundles.thread, host.name];
    const argv = ["netns", "exec", host.namespace, ...wrapper, ...program];
    const child = spawn("ip", argv, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    const node = new PacketNode(host, host.name, child);
    try {
      await eventually(`${host.name} started`, 10_000, () => {
        if (node.#startError !== undefined) throw new Error(node.#startError);
        return node.#isReady;
      });
    } catch (error) {
      await node.kill();
      throw error;
    }
    return node;
  }

  post(command: PacketCommand): void {
    this.#order({ type: "command", command });
  }

  stall(busyMs: number, periodMs: number): void {
    this.#order({ type: "stall", busyMs, periodMs });
  }

  /** The latest report of the type. */
  last<Type extends PacketReport["type"]>(
    type: Type,
  ): Extract<PacketReport, { type: Type }> | undefined {
    return this.reports.findLast(
      (report): report is Extract<PacketReport, { type: Type }> => report.type === type,
    );
  }

  /** The latest report about the address. */
  ownership(address: string): Extract<PacketReport, { type: "ownership" }> | undefined {
    return this.reports.findLast(
      (report): report is Extract<PacketReport, { type: "ownership" }> =>
        report.type === "ownership" && report.address === address,
    );
  }

  isOwner(address: string): boolean {
    return this.ownership(address)?.isOwner === true;
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill("SIGKILL"));
  }

  /** Stops in order, for good or to come back; resolves when the process is gone. */
  async stop(isRestart = false): Promise<void> {
    await this.#end(() => this.#order({ type: "stop", isRestart }));
  }

  /** Sends the process a signal, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  #order(order: PacketNodeOrder): void {
    this.#child.send(order);
  }

  async #end(begin: () => void): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    begin();
    await exited;
  }
}
