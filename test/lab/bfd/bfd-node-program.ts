/**
 * A process with a packet thread whose BFD is driven by the parent, in place of the BGP thread: requests come by IPC and go through
 * the port of the two threads, what the packet thread says on it is passed back with the time of its arrival. First argument: the
 * bundled packet thread.
 */
import { MessageChannel } from "node:worker_threads";
import type { BfdStateMessage } from "../../../node/bgp-protocol";
import { PacketThread } from "../../../node/packet-thread-handle";
import { runProgram, stall, toEpochMs, type Tell } from "../../support/node-program";
import type { BfdNodeMessage, BfdNodeOrder } from "./bfd-node";

async function main(tell: Tell<BfdNodeMessage>): Promise<void> {
  const [, , bundlePath = ""] = process.argv;
  const thread = await PacketThread.start({ bundlePath, nodeName: "bfd" });
  const { port1, port2 } = new MessageChannel();
  thread.connectBgp(port2);
  port1.on("message", (message: BfdStateMessage) => {
    tell({ type: "path", atMs: toEpochMs(), message });
  });
  thread.onReport(report => tell({ type: "report", atMs: toEpochMs(), report }));
  process.on("message", (order: BfdNodeOrder) => {
    if (order.type === "requests") port1.postMessage(order.message);
    if (order.type === "stall") stall(order.busyMs, order.periodMs);
    if (order.type === "stop") void thread.stop().then(() => process.exit(0));
  });
}

runProgram(main);
