/**
 * Whose frames matter beside requests for our own addresses: claims of any address of the cluster, and answers of the nodes and
 * gateways that we ask whether we hear the segment. Shared by all interfaces; looked at for every frame, so by number or key alone.
 */
import { toIpv4Key } from "../lib/arp/message";
import type { IpAddress } from "../lib/net/ip-address";
import type { MacAddress } from "../lib/net/mac-address";
import { toIpv6Key } from "../lib/ndp/message";
import { Askers } from "./askers";

/** A neighbor that can be asked for a sign. */
export interface Neighbor {
  readonly address: IpAddress;
  /** The node, when it is one of ours; gateways have none. */
  readonly nodeName?: string;
  /** The only interface that leads to it, as far as is known. */
  readonly interfaceName?: string;
}

/** What a frame's sender says about itself: it has that address. */
export interface Sender {
  /** Text of an address of the cluster. */
  readonly claimed?: string;
  readonly neighbor?: Neighbor;
  /** Text of an address of the cluster that it only asks about: it may want to use it. */
  readonly asked?: string;
}

export class SegmentWatch {
  readonly askers = new Askers();
  #neighbors: readonly Neighbor[] = [];
  #ipv4Neighbors = new Map<number, Sender>();
  #ipv6Neighbors = new Map<string, Sender>();
  readonly #ipv4Addresses = new Map<number, string>();
  readonly #ipv6Addresses = new Map<string, string>();
  /** As last seen in a frame of the neighbor. */
  readonly #macs = new Map<Neighbor, MacAddress>();

  addAddress(address: IpAddress, text: string): void {
    if (address.family === "ipv4") this.#ipv4Addresses.set(toIpv4Key(address), text);
    else this.#ipv6Addresses.set(toIpv6Key(address), text);
  }

  removeAddress(address: IpAddress, text: string): void {
    if (address.family === "ipv4") this.#ipv4Addresses.delete(toIpv4Key(address));
    else this.#ipv6Addresses.delete(toIpv6Key(address));
    this.askers.forget(text);
  }

  /** Nodes and gateways. */
  setNeighbors(neighbors: readonly Neighbor[]): void {
    this.#neighbors = neighbors;
    this.#macs.clear();
    this.#ipv4Neighbors = new Map();
    this.#ipv6Neighbors = new Map();
    for (const neighbor of neighbors) {
      const { address } = neighbor;
      if (address.family === "ipv4") this.#ipv4Neighbors.set(toIpv4Key(address), { neighbor });
      else this.#ipv6Neighbors.set(toIpv6Key(address), { neighbor });
    }
  }

  get neighbors(): readonly Neighbor[] {
    return this.#neighbors;
  }

  /** Default gateways of the family that the interface leads to. */
  gateways(family: IpAddress["family"], interfaceName: string): readonly Neighbor[] {
    return this.#neighbors.filter(
      neighbor =>
        neighbor.nodeName === undefined &&
        neighbor.address.family === family &&
        (neighbor.interfaceName ?? interfaceName) === interfaceName,
    );
  }

  noteMac(neighbor: Neighbor, mac: MacAddress): void {
    this.#macs.set(neighbor, mac);
  }

  macOf(neighbor: Neighbor): MacAddress | undefined {
    return this.#macs.get(neighbor);
  }

  /** By the sender protocol address of an ARP frame. */
  ipv4Sender(key: number): Sender | undefined {
    const claimed = this.#ipv4Addresses.get(key);
    return claimed === undefined ? this.#ipv4Neighbors.get(key) : { claimed };
  }

  /** By the target of a neighbor advertisement, or the source of a solicitation. */
  ipv6Sender(key: string): Sender | undefined {
    const claimed = this.#ipv6Addresses.get(key);
    return claimed === undefined ? this.#ipv6Neighbors.get(key) : { claimed };
  }

  /** An address of the cluster, by its number. */
  ipv4Claim(key: number): string | undefined {
    return this.#ipv4Addresses.get(key);
  }

  /** An address of the cluster, by its key. */
  ipv6Claim(key: string): string | undefined {
    return this.#ipv6Addresses.get(key);
  }
}
