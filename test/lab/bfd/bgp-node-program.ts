/**
 * A process with packet thread and BGP thread and the channel between them, as the speaker has them: BGP commands come by IPC, what
 * both threads report goes back. Arguments: the bundled packet thread, the bundled BGP thread.
 */
import { MessageChannel } from "node:worker_threads";
import type { BgpCommand } from "../../../node/bgp-protocol";
import { BgpThread } from "../../../node/bgp-thread-handle";
import { PacketThread } from "../../../node/packet-thread-handle";

async function main(): Promise<void> {
  const [, , packetBundle = "", bgpBundle = ""] = process.argv;
  const packets = await PacketThread.start({ bundlePath: packetBundle, nodeName: "bfd" });
  const { port1, port2 } = new MessageChannel();
  packets.connectBgp(port1);
  const bgp = await BgpThread.start({ bundlePath: bgpBundle, bfdPort: port2 });
  for (const thread of [packets, bgp]) thread.onReport(report => process.send?.(report));
  process.on(
    "message",
    (order: BgpCommand | { readonly type: "block"; readonly forMs: number }) => {
      if (order.type !== "block") bgp.post(order);
      else {
        const endMs = performance.now() + order.forMs;
        while (performance.now() < endMs);
      }
    },
  );
}

void main();
