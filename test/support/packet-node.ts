/** Nodes with a packet thread in network namespaces, each a process of its own. */
import type { PacketCommand, PacketReport } from "../../node/packet-protocol";
import { bundlePrograms, type Bundles } from "./bundles";
import type { Host } from "./netns";
import { NodeProcess, type NodeProcessOptions } from "./node-process";

export type PacketNodeOrder =
  | { readonly type: "command"; readonly command: PacketCommand }
  | { readonly type: "stall"; readonly busyMs: number; readonly periodMs: number }
  | { readonly type: "stop"; readonly isRestart?: boolean };

export interface PacketNodeMessage {
  readonly type: "report";
  readonly atMs: number;
  readonly report: PacketReport;
}

/** The bundles of the packet thread and of the programs that tests run beside it. */
export type PacketBundles = Bundles<"thread" | "program" | "arpClient" | "frameSender">;

export async function bundlePacketPrograms(): Promise<PacketBundles> {
  return bundlePrograms("packet", {
    thread: "node/packet-thread.ts",
    program: "test/support/packet-node-program.ts",
    arpClient: "test/support/arp-client-program.ts",
    frameSender: "test/support/frame-sender-program.ts",
  });
}

export class PacketNode {
  readonly host: Host;
  readonly nodeName: string;
  readonly reports: PacketReport[] = [];
  readonly #process: NodeProcess<PacketNodeOrder, PacketNodeMessage>;

  private constructor(host: Host, options: NodeProcessOptions) {
    this.host = host;
    this.nodeName = host.name;
    this.#process = new NodeProcess(options);
  }

  /** Starts the process in the host's namespace; `wrapper` goes before node, for instance to drop capabilities. */
  static async start(
    host: Host,
    bundles: PacketBundles,
    wrapper: readonly string[] = [],
  ): Promise<PacketNode> {
    const program = [bundles.program, bundles.thread, host.name];
    const node = new PacketNode(host, { namespace: host.namespace, program, wrapper });
    await node.#process.start(host.name, ({ report }) => node.reports.push(report));
    return node;
  }

  post(command: PacketCommand): void {
    this.#process.order({ type: "command", command });
  }

  stall(busyMs: number, periodMs: number): void {
    this.#process.order({ type: "stall", busyMs, periodMs });
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
    await this.#process.kill();
  }

  /** Stops in order, for good or to come back; resolves when the process is gone. */
  async stop(isRestart = false): Promise<void> {
    await this.#process.stop({ type: "stop", isRestart });
  }

  /** Sends the process a signal, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#process.signal(name);
  }
}
