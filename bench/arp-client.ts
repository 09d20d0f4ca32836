/**
 * Asks for addresses by ARP or neighbor solicitation and prints one JSON object. Runs on the client's network:
 * `arp-client.ts <interface> <its index> <first address> <addresses> <how> <count>`, `how` one of
 *
 * - `latency`: `count` requests for addresses in a row at random, one a millisecond at most; `tookUs` has the time of each answer, from
 *   the request handed to the kernel to the answer read. An answer that does not come within a second is an error, not a figure.
 * - `rate`: 64 requests under way at any time for `count` milliseconds; `perSecond` has the answers.
 */
import { networkInterfaces } from "node:os";
import { ArpOffset, ArpOperation } from "../lib/arp/constants";
import { encodeArpFrame } from "../lib/arp/message";
import { EtherType, viewOf } from "../lib/net/ethernet";
import {
  parseIpAddress,
  toAddressBytes,
  toSolicitedNodeAddress,
  type IpAddress,
} from "../lib/net/ip-address";
import {
  BROADCAST_MAC,
  parseMacAddress,
  toMulticastMac,
  ZERO_MAC,
  type MacAddress,
} from "../lib/net/mac-address";
import { assert } from "../lib/net/result";
import { Icmpv6Type, NdpOffset } from "../lib/ndp/constants";
import { encodeNeighborFrame } from "../lib/ndp/message";
import { loadLibc } from "../node/ffi";
import { PacketSocket } from "../node/packet-socket";
import { Sockets } from "../node/sockets";

const ANSWER_LIMIT_MS = 1_000;
const UNDER_WAY = 64;
const POLLIN = 1;
/** One instruction: return 0x40000 octets of every frame. */
const ACCEPT_ALL = Uint8Array.from([0x06, 0, 0, 0, 0, 0, 4, 0]);

interface Own {
  readonly mac: MacAddress;
  readonly ipv4: IpAddress;
  readonly ipv6: IpAddress;
}

class Asker {
  readonly #sockets = new Sockets(loadLibc());
  readonly #socket: PacketSocket;
  readonly #own: Own;
  readonly #first: IpAddress;
  readonly #buffer = Buffer.alloc(256);
  readonly #view = viewOf(this.#buffer);
  readonly #fds = Buffer.alloc(8);

  constructor(own: Own, interfaceIndex: number, first: IpAddress) {
    this.#own = own;
    this.#first = first;
    const etherType = first.family === "ipv4" ? EtherType.arp : EtherType.ipv6;
    this.#socket = new PacketSocket(this.#sockets, {
      interfaceIndex,
      etherType,
      filter: ACCEPT_ALL,
    });
    this.#fds.writeInt32LE(this.#socket.fd, 0);
    this.#fds.writeInt16LE(POLLIN, 4);
  }

  request(offset: number): Uint8Array {
    const { mac, ipv4, ipv6 } = this.#own;
    const { family } = this.#first;
    const target: IpAddress = { family, value: this.#first.value + BigInt(offset) };
    if (family === "ipv4") {
      return encodeArpFrame({
        destination: BROADCAST_MAC,
        source: mac,
        operation: ArpOperation.request,
        senderHardwareAddress: mac,
        senderProtocolAddress: ipv4,
        targetHardwareAddress: ZERO_MAC,
        targetProtocolAddress: target,
      });
    }
    const group = toSolicitedNodeAddress(target);
    return encodeNeighborFrame({
      type: "solicitation",
      destinationMac: toMulticastMac(toAddressBytes(group)),
      sourceMac: mac,
      source: ipv6,
      destination: group,
      target,
      linkLayerAddress: mac,
    });
  }

  /** Microseconds until the answer. */
  ask(offset: number): number {
    while (this.#socket.receive(this.#buffer) > 0);
    const request = this.request(offset);
    const startNs = process.hrtime.bigint();
    assert(this.#socket.send(request), "the request was not sent");
    for (;;) {
      assert(this.#wait(ANSWER_LIMIT_MS), "no answer within a second");
      if (this.#receive() === offset) return Number(process.hrtime.bigint() - startNs) / 1_000;
    }
  }

  pause(ms: number): void {
    this.#sockets.poll(Buffer.alloc(0), 0, ms);
  }

  /** Answers a second with as many requests under way as the window allows. */
  rate(addresses: number, forMs: number): number {
    const requests = Array.from({ length: Math.min(addresses, 4_096) }, () =>
      this.request(Math.floor(Math.random() * addresses)),
    );
    const startMs = performance.now();
    let answers = 0;
    let sent = 0;
    while (performance.now() - startMs < forMs) {
      while (sent - answers < UNDER_WAY) {
        this.#socket.send(requests[sent % requests.length] ?? Buffer.alloc(0));
        sent += 1;
      }
      // What was lost on the way must not stop the others.
      if (!this.#wait(20)) answers = sent;
      while (this.#receive() !== undefined) answers += 1;
    }
    return (answers * 1_000) / (performance.now() - startMs);
  }

  #wait(ms: number): boolean {
    return this.#sockets.poll(this.#fds, 1, ms) === 1;
  }

  /** Offset of the address that was answered for; -1 for another frame, undefined when none waits. */
  #receive(): number | undefined {
    if (this.#socket.receive(this.#buffer) < 0) return undefined;
    const view = this.#view;
    if (this.#first.family === "ipv4") {
      if (view.getUint16(ArpOffset.operation) !== ArpOperation.reply) return -1;
      return view.getUint32(ArpOffset.senderProtocolAddress) - Number(this.#first.value);
    }
    if (view.getUint8(NdpOffset.type) !== Icmpv6Type.neighborAdvertisement) return -1;
    return view.getUint32(NdpOffset.target + 12) - Number(this.#first.value & 0xffffffffn);
  }
}

/** What the kernel has on the interface. */
function ownOn(interfaceName: string): Own {
  const entries = networkInterfaces()[interfaceName] ?? [];
  const addressOf = (family: string): IpAddress =>
    parse(entries.find(entry => entry.family === family)?.address ?? "::");
  const mac = parseMacAddress(entries[0]?.mac ?? "");
  assert(mac.ok, `cannot ask on ${interfaceName}`);
  return { mac: mac.value, ipv4: addressOf("IPv4"), ipv6: addressOf("IPv6") };
}

function parse(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  assert(parsed.ok, `no address: ${text}`);
  return parsed.value;
}

function main(): void {
  const [interfaceName = "", index, first = "", addresses, how, count] = process.argv.slice(2);
  const asker = new Asker(ownOn(interfaceName), Number(index), parse(first));
  if (how === "rate") {
    const perSecond = asker.rate(Number(addresses), Number(count));
    process.stdout.write(JSON.stringify({ perSecond }));
    return;
  }
  const tookUs: number[] = [];
  for (let round = 0; round < Number(count); round += 1) {
    tookUs.push(asker.ask(Math.floor(Math.random() * Number(addresses))));
    asker.pause(1);
  }
  process.stdout.write(JSON.stringify({ tookUs }));
}

main();
