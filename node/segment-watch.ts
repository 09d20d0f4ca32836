/**
 * Whose frames matter beside requests for our own addresses: claims of any address of the cluster, and answers of the nodes and
 * gateways that we ask whether we hear the segment. Shared by all interfaces; looked at for every frame, so by number alone.
 */
import { toIpv4Key } from "../lib/arp/message";
import type { IpAddress } from "../lib/net/ip-address";
import { toIpv6Key } from "../lib/ndp/message";

/** A neighbor that can be asked for a sign. */
export interface Neighbor {
  readonly address: IpAddress;
  /** The node, when it is one of ours. */
  readonly nodeName?: string;
}

/** What a frame's sender says about itself: it has that address. */
export interface Sender {
  /** Text of an address of the cluster. */
  readonly claimed?: string;
  readonly neighbor?: Neighbor;
}

export class SegmentWatch {
  #ipv4Neighbors = new Map<number, Sender>();
  readonly #ipv4Addresses = new Map<number, string>();
  readonly #ipv6Addresses = new Map<string, string>();
  #neighbors: readonly Neighbor[] = [];

  addAddress(address: IpAddress, text: string): void {
    if (address.family === "ipv4") this.#ipv4Addresses.set(toIpv4Key(address), text);
    else this.#ipv6Addresses.set(toIpv6Key(address), text);
  }

  removeAddress(address: IpAddress): void {
    if (address.family === "ipv4") this.#ipv4Addresses.delete(toIpv4Key(address));
    else this.#ipv6Addresses.delete(toIpv6Key(address));
  }

  /** Nodes and gateways with IPv4 addresses. */
  setNeighbors(neighbors: readonly Neighbor[]): void {
    this.#neighbors = neighbors;
    this.#ipv4Neighbors = new Map(
      neighbors.map(neighbor => [toIpv4Key(neighbor.address), { neighbor }]),
    );
  }

  get neighbors(): readonly Neighbor[] {
    return this.#neighbors;
  }

  /** By the sender protocol address of an ARP frame. */
  ipv4Sender(key: number): Sender | undefined {
    const claimed = this.#ipv4Addresses.get(key);
    return claimed === undefined ? this.#ipv4Neighbors.get(key) : { claimed };
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
