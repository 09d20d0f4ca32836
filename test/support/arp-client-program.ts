/**
 * Asks for addresses by ARP, in turn, again and again and prints how long each answer took: a JSON array of microseconds, one for each
 * answered request. Arguments: interface index, own MAC, own address, wanted addresses separated by commas, number of requests, pause in ms.
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
  const wanted = (wantedText ?? "").split(",").map(address);
  const asker = new Asker(Number(index), mac.value, address(ownText));
  const tookUs: number[] = [];
  for (let asked = 0; asked < Number(count); asked += 1) {
    const next = wanted[asked % wanted.length];
    const took = next === undefined ? undefined : asker.ask(next);
    if (took !== undefined) tookUs.push(took);
    asker.pause(Number(pauseMs));
  }
  process.stdout.write(`${JSON.stringify(tookUs)}\n`);
}

class Asker {
  readonly #socket: PacketSocket;
  readonly #poll: PollSet;
  readonly #idle: PollSet;
  readonly #mac: MacAddress;
  readonly #own: IpAddress;
  readonly #frame = Buffer.alloc(2048);
  #wanted: IpAddress | undefined;
  #answers = 0;

  constructor(interfaceIndex: number, mac: MacAddress, own: IpAddress) {
    const sockets = new Sockets(loadLibc());
    this.#mac = mac;
    this.#own = own;
    this.#socket = new PacketSocket(sockets, {
      interfaceIndex,
      etherType: EtherType.arp,
      filter: buildArpFilter([{ first: 0, last: 0xffffffff }]),
    });
    this.#poll = new PollSet(sockets);
    this.#poll.add(this.#socket.fd, () => this.#receive());
    this.#idle = new PollSet(sockets);
  }

  /** Microseconds until the answer; undefined without one. */
  ask(wanted: IpAddress): number | undefined {
    this.#wanted = wanted;
    const before = this.#answers;
    const request = encodeArpFrame({
      destination: BROADCAST_MAC,
      source: this.#mac,
      operation: ArpOperation.request,
      senderHardwareAddress: this.#mac,
      senderProtocolAddress: this.#own,
      targetHardwareAddress: ZERO_MAC,
      targetProtocolAddress: wanted,
    });
    const startMs = performance.now();
    this.#socket.send(request);
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
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    if (isSameAddress(decoded.value.senderProtocolAddress, wanted)) this.#answers += 1;
  }
}

main();
