/**
 * A process with a BGP thread and nothing else, for tests in network namespaces: takes commands from its parent by IPC and passes
 * reports back. Bundled by `bgp-node.ts`; its argument is the bundled BGP thread.
 */
import { MessageChannel } from "node:worker_threads";
import type { BfdRequests } from "../../node/bgp-protocol";
import { BgpThread } from "../../node/bgp-thread-handle";
import type { BgpNodeMessage, BgpNodeOrder } from "./bgp-node";
import { block, runProgram, toEpochMs, type Tell } from "./node-program";

async function main(tell: Tell<BgpNodeMessage>): Promise<void> {
  const [, , bundlePath = ""] = process.argv;
  // The test stands in for the packet thread.
  const { port1: bfd, port2: bfdPort } = new MessageChannel();
  bfd.on("message", ({ requests }: BfdRequests) => tell({ type: "bfdRequests", requests }));
  const thread = await BgpThread.start({ bundlePath, bfdPort });
  thread.onReport(report => tell({ type: "report", report }));
  process.on("message", (order: BgpNodeOrder) => {
    if (order.type === "command") {
      const atMs = toEpochMs();
      thread.post(order.command);
      if (order.isTimed === true && order.command.type === "routes") {
        tell({ type: "posted", sequence: order.command.sequence ?? 0, atMs });
      }
    }
    if (order.type === "bfd") bfd.postMessage(order.message);
    if (order.type === "stall") block(order.busyMs);
    if (order.type === "memory") tell({ type: "memory", rssOctets: process.memoryUsage.rss() });
    if (order.type === "stop") void thread.stop().then(() => process.exit(0));
  });
}

runProgram(main);
