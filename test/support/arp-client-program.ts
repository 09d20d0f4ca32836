/**
 * Asks for one address by ARP again and again and prints how long each answer took: a JSON array of microseconds, one for each
 * answered request. Arguments: interface index, own MAC, own address, wanted address, number of requests, pause in ms.
 */
import { encodeArpFrame, decodeArpFrame } from "../../lib/arp/message";
import { ArpOperation } from "../../lib/arp/constants";
import { EtherType } from "../../lib/net/ethernet";
import { isSameAddress, parseIpAddress, type IpAddress } from "../../lib/net/ip-address";
import {
  BROADCAST_MAC,
  ZERO_MAC,
  parseMacAddress,
  type MacAddress,
} from "../../lib/net/mac-address";
import { loadLibc } from "../../node/ffi";
import { PacketSocket } from "../../node/packet-socket";
import { PollSet } from "../../node/poll-set";
import { buildArpFilter } from "../../node/socket-filter";
import { Sockets } from "../../node/sockets";

const ANSWER_TIMEOUT_MS = 1000;

function address(text: string | undefined): IpAddress {
  const parsed = parseIpAddress(text ?? "");
  if (!parsed.ok) throw new Error(`not an address: ${text ?? ""}`);
  return parsed.value;
}

function main(): void {
  const [, , index, macText = "", ownText, wantedText, count, pauseMs] = process.argv;
  const mac = parseMacAddress(macText);
  if (!mac.ok) throw new Error(`not a MAC address: ${macText}`);
  const asker = new Asker(Number(index), mac.value, address(ownText), address(wantedText));
  const tookUs: number[] = [];
  for (let left = Number(count); left > 0; left -= 1) {
    const took = asker.ask();
    if (took !== undefined) tookUs.push(took);
    asker.pause(Number(pauseMs));
  }
  process.stdout.write(`${JSON.stringify(tookUs)}\n`);
}

class Asker {
  readonly #socket: PacketSocket;
  readonly #poll: PollSet;
  readonly #idle: PollSet;
  readonly #request: Uint8Array;
  readonly #frame = Buffer.alloc(2048);
  readonly #wanted: IpAddress;
  #answers = 0;

  constructor(interfaceIndex: number, mac: MacAddress, own: IpAddress, wanted: IpAddress) {
    const sockets = new Sockets(loadLibc());
    const number = Number(wanted.value);
    this.#wanted = wanted;
    this.#socket = new PacketSocket(sockets, {
      interfaceIndex,
      etherType: EtherType.arp,
      filter: buildArpFilter([{ first: number, last: number }]),
    });
    this.#request = encodeArpFrame({
      destination: BROADCAST_MAC,
      source: mac,
      operation: ArpOperation.request,
      senderHardwareAddress: mac,
      senderProtocolAddress: own,
      targetHardwareAddress: ZERO_MAC,
      targetProtocolAddress: wanted,
    });
    this.#poll = new PollSet(sockets);
    this.#poll.add(this.#socket.fd, () => this.#receive());
    this.#idle = new PollSet(sockets);
  }

  /** Microseconds until the answer; undefined without one. */
  ask(): number | undefined {
    const before = this.#answers;
    const startMs = performance.now();
    this.#socket.send(this.#request);
    while (this.#answers === before && performance.now() - startMs < ANSWER_TIMEOUT_MS) {
      this.#poll.wait(ANSWER_TIMEOUT_MS);
    }
    if (this.#answers === before) return undefined;
    return Math.round((performance.now() - startMs) * 1000);
  }

  pause(ms: number): void {
    if (ms > 0) this.#idle.wait(ms);
  }

  #receive(): void {
    const length = this.#socket.receive(this.#frame);
    const decoded = length < 0 ? undefined : decodeArpFrame(this.#frame.subarray(0, length));
    if (decoded?.ok !== true || decoded.value.operation !== ArpOperation.reply) return;
    if (isSameAddress(decoded.value.senderProtocolAddress, this.#wanted)) this.#answers += 1;
  }
}

main();
