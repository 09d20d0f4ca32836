/** Entry of the BGP thread: a worker with an ordinary event loop and sockets of its own. It ends by the `stop` command. */
import { networkInterfaces } from "node:os";
import { MessagePort, workerData } from "node:worker_threads";
import { assert } from "../lib/net/result";
import { BgpEngine } from "./bgp-engine";
import { BgpReports } from "./bgp-reports";
import type {
  BfdStateMessage,
  BgpReport,
  BgpThreadCommand,
  BgpThreadData,
  BgpThreadMessage,
} from "./bgp-protocol";
import { transportsOver } from "./bgp-socket";
import { systemClock } from "./clock";
import { loadLibc } from "./ffi";
import { discoverRouters } from "./router-discoveries";
import { Sockets } from "./sockets";

function main(): void {
  // The handle starts this file with exactly this.
  const { port, bfdPort } = workerData as BgpThreadData;
  assert(port instanceof MessagePort, "the BGP thread gets a message port");
  const post = (reports: readonly BgpReport[]): void => {
    const message: BgpThreadMessage = { type: "reports", reports };
    port.postMessage(message);
  };
  const ports = [port, ...(bfdPort instanceof MessagePort ? [bfdPort] : [])];
  try {
    serve(port, ports[1], post);
  } catch (error) {
    post([{ type: "failed", error: error instanceof Error ? error.message : String(error) }]);
    for (const each of ports) each.close();
  }
}

function serve(
  port: MessagePort,
  bfdPort: MessagePort | undefined,
  post: (reports: readonly BgpReport[]) => void,
): void {
  const sockets = new Sockets(loadLibc());
  const reports: BgpReports = new BgpReports(post, () => setImmediate(() => reports.flush()));
  const clock = systemClock;
  const interfaces = networkInterfaces;
  const engine = new BgpEngine({
    openTransport: transportsOver(sockets),
    discoveries: discoverRouters({ sockets, interfaces, clock, reports }),
    interfaces,
    clock,
    random: Math.random,
    reports,
    postBfd: requests => bfdPort?.postMessage(requests),
    onStop: () => {
      port.close();
      bfdPort?.close();
    },
  });
  port.on("message", (command: BgpThreadCommand) => engine.receive(command));
  bfdPort?.on("message", (message: BfdStateMessage) => engine.handleBfd(message));
  post([{ type: "started" }]);
}

main();
