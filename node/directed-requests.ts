/**
 * The neighbors of one interface that are told by name where an address is now, and who of them has confirmed it by an answer:
 * gateways, and who asked for it lately. Some stacks and fabrics ignore gratuitous ARP; none ignores a request to itself.
 */
import { encodeArpDirectedRequest } from "../lib/arp/announcement";
import { toIpv4Key } from "../lib/arp/message";
import { AnnouncementSchedule, type AnnouncementRound } from "../lib/net/announcement-schedule";
import type { IpAddress } from "../lib/net/ip-address";
import type { MacAddress } from "../lib/net/mac-address";
import { encodeDirectedSolicitation } from "../lib/ndp/announcement";
import { toIpv6Key } from "../lib/ndp/message";

/** A neighbor to be told. */
export interface DirectedTarget {
  readonly address: IpAddress;
  /** Undefined: whoever has the address is asked by broadcast or multicast. */
  readonly mac: MacAddress | undefined;
}

interface Directed {
  readonly announced: { readonly address: IpAddress };
  readonly target: DirectedTarget;
}

/** The last attempts go to everybody: the neighbor's MAC address may be another one by now. */
type Form = "toStation" | "toAll";

const ROUNDS: readonly AnnouncementRound<Form>[] = [
  { afterMs: 0, form: "toStation" },
  { afterMs: 50, form: "toStation" },
  { afterMs: 150, form: "toAll" },
  { afterMs: 400, form: "toAll" },
];

/** Together 1,000 frames a second: the first announcements of the same addresses go before. */
const RATE = { framesPerSecond: 500, burstFrames: 100 };

export class DirectedRequests {
  readonly #mac: MacAddress;
  readonly #schedule = new AnnouncementSchedule<Directed, Form>(ROUNDS, undefined, {
    firstRound: RATE,
    laterRounds: RATE,
    refresh: RATE,
  });
  /** What waits for an answer: by our address, then by the neighbor's number or key. */
  readonly #waiting = new Map<string, Map<number | string, Directed>>();

  constructor(mac: MacAddress) {
    this.#mac = mac;
  }

  /** Tells the neighbors where the address, `text`, is now, until each has answered or four attempts were made. */
  start(
    announced: { readonly address: IpAddress; readonly text: string },
    targets: readonly DirectedTarget[],
    nowMs: number,
  ): void {
    this.stop(announced.text);
    if (targets.length === 0) return;
    const waiting = new Map<number | string, Directed>();
    this.#waiting.set(announced.text, waiting);
    for (const target of targets) {
      const directed = { announced, target };
      waiting.set(toKey(target.address), directed);
      this.#schedule.start(directed, nowMs);
    }
  }

  stop(text: string): void {
    for (const directed of this.#waiting.get(text)?.values() ?? []) this.#schedule.stop(directed);
    this.#waiting.delete(text);
  }

  /** The neighbor, by its number or key, answered to the address; true when that was waited for. */
  confirm(text: string, neighborKey: number | string): boolean {
    const waiting = this.#waiting.get(text);
    const directed = waiting?.get(neighborKey);
    if (waiting === undefined || directed === undefined) return false;
    this.#schedule.stop(directed);
    waiting.delete(neighborKey);
    if (waiting.size === 0) this.#waiting.delete(text);
    return true;
  }

  /** The frame that may leave now; undefined when none is due or the rate is used up. */
  take(
    nowMs: number,
  ): { readonly frame: Uint8Array; readonly family: IpAddress["family"] } | undefined {
    const due = this.#schedule.take(nowMs);
    if (due === undefined) return undefined;
    const { announced, target } = due.item;
    const mac = due.form === "toStation" ? target.mac : undefined;
    return {
      frame: this.#encode(announced.address, target.address, mac),
      family: target.address.family,
    };
  }

  /** One request now, beside all rounds. */
  encode(address: IpAddress, { address: neighbor, mac }: DirectedTarget): Uint8Array {
    return this.#encode(address, neighbor, mac);
  }

  nextDeadlineMs(): number | undefined {
    return this.#schedule.nextDeadlineMs();
  }

  #encode(address: IpAddress, neighbor: IpAddress, mac: MacAddress | undefined): Uint8Array {
    return address.family === "ipv4"
      ? encodeArpDirectedRequest(this.#mac, address, neighbor, mac)
      : encodeDirectedSolicitation(this.#mac, address, neighbor, mac);
  }
}

function toKey(address: IpAddress): number | string {
  return address.family === "ipv4" ? toIpv4Key(address) : toIpv6Key(address);
}
