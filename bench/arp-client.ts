/**
 * Asks for one IPv4 address by ARP again and again and prints how long each answer took, in µs, as one JSON array. Runs on the
 * client's network: `arp-client.ts <interface> <its index> <asked address> <count>`. One request a millisecond at
 * most; an answer that does not come within a second is an error, not a figure.
 */
import { networkInterfaces } from "node:os";
import { ArpOperation } from "../lib/arp/constants";
import { decodeArpFrame, encodeArpFrame } from "../lib/arp/message";
import { EtherType } from "../lib/net/ethernet";
import { parseIpAddress, type IpAddress } from "../lib/net/ip-address";
import { BROADCAST_MAC, parseMacAddress, ZERO_MAC } from "../lib/net/mac-address";
import { assert } from "../lib/net/result";
import { loadLibc } from "../node/ffi";
import { PacketSocket } from "../node/packet-socket";
import { Sockets } from "../node/sockets";

const ANSWER_LIMIT_MS = 1_000;
const POLLIN = 1;

function addressOf(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  assert(parsed.ok, `no address: ${text}`);
  return parsed.value;
}

function main(): void {
  const [interfaceName = "", index = "", askedText = "", count = "1000"] = process.argv.slice(2);
  const own = networkInterfaces()[interfaceName]?.find(entry => entry.family === "IPv4");
  const mac = parseMacAddress(own?.mac ?? "");
  assert(own !== undefined && mac.ok, `no interface ${interfaceName}`);
  const asked = addressOf(askedText);
  const request = encodeArpFrame({
    destination: BROADCAST_MAC,
    source: mac.value,
    operation: ArpOperation.request,
    senderHardwareAddress: mac.value,
    senderProtocolAddress: addressOf(own.address),
    targetHardwareAddress: ZERO_MAC,
    targetProtocolAddress: asked,
  });
  const sockets = new Sockets(loadLibc());
  const socket = new PacketSocket(sockets, {
    interfaceIndex: Number(index),
    etherType: EtherType.arp,
    filter: ACCEPT_ALL,
  });
  const tookUs: number[] = [];
  for (let round = 0; round < Number(count); round += 1) {
    tookUs.push(askOnce(sockets, socket, request, asked));
    sockets.poll(Buffer.alloc(0), 0, 1);
  }
  socket.close();
  process.stdout.write(JSON.stringify(tookUs));
}

function askOnce(
  sockets: Sockets,
  socket: PacketSocket,
  request: Uint8Array,
  asked: IpAddress,
): number {
  const buffer = Buffer.alloc(128);
  const fds = Buffer.alloc(8);
  fds.writeInt32LE(socket.fd, 0);
  fds.writeInt16LE(POLLIN, 4);
  while (socket.receive(buffer) > 0);
  const startNs = process.hrtime.bigint();
  assert(socket.send(request), "the request was not sent");
  for (;;) {
    assert(sockets.poll(fds, 1, ANSWER_LIMIT_MS) === 1, "no answer within a second");
    const length = socket.receive(buffer);
    const frame = decodeArpFrame(buffer.subarray(0, Math.max(0, length)));
    if (!frame.ok || frame.value.operation !== ArpOperation.reply) continue;
    if (frame.value.senderProtocolAddress.value !== asked.value) continue;
    return Number(process.hrtime.bigint() - startNs) / 1000;
  }
}

/** One instruction: return 0x40000 octets of every frame. */
const ACCEPT_ALL = Uint8Array.from([0x06, 0, 0, 0, 0, 0, 4, 0]);

main();
