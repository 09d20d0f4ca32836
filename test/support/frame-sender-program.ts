/**
 * Sends Ethernet frames as they are. Arguments: interface index. Standard input: JSON with `frames` (hexadecimal), `count` (how many in
 * all, the frames in turn) and `perSecond`. Prints how many the kernel took.
 */
import { readFileSync } from "node:fs";
import { EtherType } from "../../lib/net/ethernet";
import { loadLibc } from "../../node/ffi";
import { PacketSocket } from "../../node/packet-socket";
import { buildArpFilter } from "../../node/socket-filter";
import { Sockets } from "../../node/sockets";

export interface FrameOrder {
  readonly frames: readonly string[];
  readonly count: number;
  readonly perSecond: number;
}

function main(): void {
  const order = JSON.parse(readFileSync(0, "utf8")) as FrameOrder;
  const frames = order.frames.map(hex => Buffer.from(hex.replaceAll(" ", ""), "hex"));
  const sockets = new Sockets(loadLibc());
  const socket = new PacketSocket(sockets, {
    interfaceIndex: Number(process.argv[2]),
    etherType: EtherType.arp,
    filter: buildArpFilter([]),
  });
  const startMs = performance.now();
  let sent = 0;
  for (let index = 0; index < order.count; index += 1) {
    const dueMs = startMs + (index * 1_000) / order.perSecond;
    while (performance.now() < dueMs)
      sockets.poll(Buffer.alloc(0), 0, dueMs - performance.now() > 1 ? 1 : 0);
    const frame = frames[index % frames.length];
    if (frame !== undefined && socket.send(frame)) sent += 1;
  }
  socket.close();
  process.stdout.write(`${sent}\n`);
}

main();
