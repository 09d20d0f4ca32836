/**
 * A process with a packet thread and nothing else, for tests in network namespaces: takes commands from its parent by IPC and
 * passes reports back. Bundled by `packet-node.ts`; its first argument is the bundled packet thread, its second the node name.
 */
import { PacketThread } from "../../node/packet-thread-handle";
import { runProgram, stall, type Tell } from "./node-program";
import type { PacketNodeMessage, PacketNodeOrder } from "./packet-node";

async function main(tell: Tell<PacketNodeMessage>): Promise<void> {
  const [, , bundlePath = "", nodeName = ""] = process.argv;
  const thread = await PacketThread.start({ bundlePath, nodeName });
  thread.onReport(report => tell({ type: "report", atMs: performance.now(), report }));
  process.on("message", (order: PacketNodeOrder) => {
    if (order.type === "command") thread.post(order.command);
    if (order.type === "stall") stall(order.busyMs, order.periodMs);
    if (order.type === "stop") void thread.stop(order.isRestart).then(() => process.exit(0));
  });
}

runProgram(main);
