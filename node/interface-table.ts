/** The interfaces of this node and which of them may carry announcements. Pure: fed with netlink events. */
import { formatIpAddress, isLinkLocal, type IpAddress } from "../lib/net/ip-address";
import { formatMacAddress, MAC_LENGTH_OCTETS } from "../lib/net/mac-address";
import { ETHERNET_HARDWARE, InterfaceFlag } from "./linux";
import type { LinkDescription, NetlinkEvent } from "./netlink-message";

/** Why an interface cannot carry announcements. */
export type InterfaceRefusal =
  | "excluded by configuration"
  | "not Ethernet"
  | "port of another interface"
  | "without ARP"
  | "without broadcast"
  | "down"
  | "no carrier";

/** One interface with the judgement about it. */
export interface JudgedInterface {
  readonly index: number;
  readonly name: string;
  readonly mac: Uint8Array;
  /** Lower-case text; empty without hardware address. */
  readonly macText: string;
  /** An IPv6 link-local address that is known to be unique. */
  readonly linkLocal?: IpAddress;
  readonly refusal?: InterfaceRefusal;
}

export class InterfaceTable {
  readonly #links = new Map<number, LinkDescription>();
  /** Link-local addresses by interface, then by text. */
  readonly #linkLocals = new Map<number, Map<string, IpAddress>>();
  #excluded: readonly RegExp[] = [];

  /** Names that match one of the patterns anywhere are excluded; anchors are the pattern's own business. */
  exclude(patterns: readonly RegExp[]): void {
    this.#excluded = patterns;
  }

  apply(event: NetlinkEvent): void {
    if (event.type === "link") this.#links.set(event.link.index, event.link);
    if (event.type === "linkGone") {
      this.#links.delete(event.index);
      this.#linkLocals.delete(event.index);
    }
    if (event.type === "address" || event.type === "addressGone") this.#applyAddress(event);
  }

  /** Forgets all links: a complete description follows. */
  clear(): void {
    this.#links.clear();
    this.#linkLocals.clear();
  }

  /** Whether one of the interfaces has the MAC address, given as lower-case text. */
  hasMac(macText: string): boolean {
    for (const { mac } of this.#links.values()) {
      if (mac.length === MAC_LENGTH_OCTETS && formatMacAddress(mac) === macText) return true;
    }
    return false;
  }

  /** Every interface, by index. */
  judge(): readonly JudgedInterface[] {
    return [...this.#links.values()]
      .sort((left, right) => left.index - right.index)
      .map(link => {
        const refusal = this.#refuse(link);
        const [linkLocal] = this.#linkLocals.get(link.index)?.values() ?? [];
        return {
          index: link.index,
          name: link.name,
          mac: link.mac,
          macText: link.mac.length === MAC_LENGTH_OCTETS ? formatMacAddress(link.mac) : "",
          ...(linkLocal === undefined ? {} : { linkLocal }),
          ...(refusal === undefined ? {} : { refusal }),
        };
      });
  }

  #applyAddress(event: NetlinkEvent & { readonly type: "address" | "addressGone" }): void {
    const { index, address } = event;
    if (!isLinkLocal(address)) return;
    const known = this.#linkLocals.get(index) ?? new Map<string, IpAddress>();
    this.#linkLocals.set(index, known);
    const isUsable = event.type === "address" && !event.isTentative;
    if (isUsable) known.set(formatIpAddress(address), address);
    else known.delete(formatIpAddress(address));
  }

  #refuse(link: LinkDescription): InterfaceRefusal | undefined {
    if (this.#excluded.some(pattern => pattern.test(link.name))) return "excluded by configuration";
    return refuseKind(link) ?? refuseState(link);
  }
}

/** Regular expressions from their texts, and the texts that are none. */
export function toPatterns(texts: readonly string[]): {
  readonly patterns: readonly RegExp[];
  readonly bad: readonly string[];
} {
  const patterns: RegExp[] = [];
  const bad: string[] = [];
  for (const text of texts) {
    try {
      patterns.push(new RegExp(text));
    } catch {
      bad.push(text);
    }
  }
  return { patterns, bad };
}

function refuseKind(link: LinkDescription): InterfaceRefusal | undefined {
  const isEthernet =
    link.hardwareType === ETHERNET_HARDWARE && link.mac.length === MAC_LENGTH_OCTETS;
  if (!isEthernet) return "not Ethernet";
  // Frames of a bond's or bridge's port arrive on its master, which is an interface of its own.
  if (link.masterIndex !== undefined && link.masterIndex !== 0) return "port of another interface";
  if ((link.flags & InterfaceFlag.noArp) !== 0) return "without ARP";
  return (link.flags & InterfaceFlag.broadcast) === 0 ? "without broadcast" : undefined;
}

function refuseState(link: LinkDescription): InterfaceRefusal | undefined {
  if ((link.flags & InterfaceFlag.up) === 0) return "down";
  return (link.flags & InterfaceFlag.lowerUp) === 0 ? "no carrier" : undefined;
}
