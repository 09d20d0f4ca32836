/**
 * Entry of the packet thread: a worker that sits in `poll` for its whole life. It never runs its event loop; main wakes it by
 * the eventfd and it takes messages by hand. It ends by the `stop` command: nothing else interrupts the system call.
 */
import { randomBytes } from "node:crypto";
import { MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert } from "../lib/net/result";
import { systemClock } from "./clock";
import { loadLibc } from "./ffi";
import { PacketEngine } from "./packet-engine";
import type { PacketThreadData, ThreadCommand, ThreadMessage } from "./packet-protocol";
import { Sockets } from "./sockets";

function main(): void {
  // The handle starts this file with exactly this.
  const { nodeName, port } = workerData as PacketThreadData;
  assert(port instanceof MessagePort, "the packet thread gets a message port");
  const post = (message: ThreadMessage): void => port.postMessage(message);
  try {
    const sockets = new Sockets(loadLibc());
    const eventFd = sockets.openEvent();
    // Main writes to it and closes it when this thread is gone: nobody writes to a number that was reused.
    post({ type: "ready", eventFd });
    new PacketEngine({
      nodeName,
      bootId: randomBytes(8).readBigUInt64BE(0),
      sockets,
      clock: systemClock,
      eventFd,
      takeCommand: () => {
        const received = receiveMessageOnPort(port) as { message: ThreadCommand } | undefined;
        return received?.message;
      },
      postReports: reports => post({ type: "reports", reports }),
    }).run();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    post({ type: "reports", reports: [{ type: "failed", error: text }] });
  } finally {
    port.close();
  }
}

main();
