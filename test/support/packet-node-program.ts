/**
 * A process with a packet thread and nothing else, for tests in network namespaces: takes commands from its parent by IPC and
 * passes reports back. Bundled by `packet-node.ts`; its first argument is the bundled packet thread, its second the node name.
 */
import { PacketThread } from "../../node/packet-thread-handle";
import type { PacketNodeMessage, PacketNodeOrder } from "./packet-node";

function tell(message: PacketNodeMessage): void {
  process.send?.(message);
}

/** Keeps the main thread busy: `busyMs` of every `periodMs`. */
function stall(busyMs: number, periodMs: number): void {
  setInterval(() => {
    const endMs = performance.now() + busyMs;
    while (performance.now() < endMs);
  }, periodMs);
}

async function main(): Promise<void> {
  const [, , bundlePath = "", nodeName = ""] = process.argv;
  const thread = await PacketThread.start({ bundlePath, nodeName });
  thread.onReport(report => tell({ type: "report", atMs: performance.now(), report }));
  process.on("message", (order: PacketNodeOrder) => {
    if (order.type === "command") thread.post(order.command);
    if (order.type === "stall") stall(order.busyMs, order.periodMs);
    if (order.type === "stop") void thread.stop(order.isRestart).then(() => process.exit(0));
  });
  tell({ type: "ready" });
}

main().catch((error: unknown) => {
  tell({ type: "cannotStart", error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
  process.disconnect();
});
