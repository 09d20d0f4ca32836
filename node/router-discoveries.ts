/**
 * Unnumbered peers: on each interface that has one, who the neighboring router is. Says hello by Router Advertisements, four times a
 * second apart and then every ten seconds, and takes the first router it hears. Node cannot wait for packet sockets, so they are
 * looked at four times a second; the session's own connection does not pass here.
 */
import { isSameAddress } from "../lib/net/ip-address";
import { EtherType } from "../lib/net/ethernet";
import { parseMacAddress } from "../lib/net/mac-address";
import type { Neighbor } from "./bgp-session-driver";
import type { BgpReports } from "./bgp-reports";
import type { Clock } from "./clock";
import { FRAME_OCTETS, FRAMES_PER_TURN } from "./limits";
import { findLinkLocal, type InterfaceList, type LinkLocalInterface } from "./local-end";
import { PacketSocket } from "./packet-socket";
import {
  buildRouterAdvertisementFilter,
  encodeRouterAdvertisement,
  encodeRouterSolicitation,
  readRouterAdvertisement,
  type LinkSender,
  type RouterHeard,
} from "./router-advertisement";
import type { Sockets } from "./sockets";

export type OnNeighbor = (interfaceName: string, neighbor: Neighbor) => void;

export interface RouterDiscoveries {
  /** Watches exactly these interfaces; `onNeighbor` hears of each neighbor found, and of another one in its place. */
  watch(interfaces: ReadonlySet<string>, onNeighbor: OnNeighbor): void;
  close(): void;
}

export interface DiscoveryPorts {
  readonly sockets: Sockets;
  readonly interfaces: () => InterfaceList;
  readonly clock: Clock;
  readonly reports: BgpReports;
}

const LOOK_MS = 250;
const FAST_ADVERTISEMENTS = 4;
const FAST_INTERVAL_MS = 1000;
const SLOW_INTERVAL_MS = 10_000;
/** A router that was silent for three of its lifetimes (30 s at least) may be replaced by another one. */
const MIN_SILENCE_MS = 90_000;

/** Discovery by packet sockets. */
export function discoverRouters(ports: DiscoveryPorts): RouterDiscoveries {
  const discoveries = new Map<string, RouterDiscovery>();
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearInterval(timer);
    timer = undefined;
    for (const discovery of discoveries.values()) discovery.close();
    discoveries.clear();
  };
  return {
    watch: (interfaces, onNeighbor) => {
      for (const [name, discovery] of discoveries) {
        if (interfaces.has(name)) continue;
        discovery.close();
        discoveries.delete(name);
      }
      for (const name of interfaces) {
        const known = discoveries.get(name) ?? new RouterDiscovery(name, ports);
        discoveries.set(name, known);
        // A session that is new on a known interface has to hear of its neighbor too.
        if (known.neighbor !== undefined) onNeighbor(name, known.neighbor);
      }
      clearInterval(timer);
      if (discoveries.size === 0) return;
      timer = setInterval(() => {
        for (const discovery of discoveries.values()) discovery.look(onNeighbor);
      }, LOOK_MS);
    },
    close,
  };
}

class RouterDiscovery {
  readonly #name: string;
  readonly #ports: DiscoveryPorts;
  readonly #frame = Buffer.alloc(FRAME_OCTETS);
  #link: LinkLocalInterface | undefined;
  #socket: PacketSocket | undefined;
  #neighbor: Neighbor | undefined;
  #heardAtMs = 0;
  #silenceMs = MIN_SILENCE_MS;
  #advertised = 0;
  #advertisedAtMs = 0;
  #nextAdvertisementMs = 0;

  constructor(name: string, ports: DiscoveryPorts) {
    this.#name = name;
    this.#ports = ports;
  }

  get neighbor(): Neighbor | undefined {
    return this.#neighbor;
  }

  look(onNeighbor: OnNeighbor): void {
    const nowMs = this.#ports.clock.monotonicMs();
    this.#follow();
    if (this.#socket === undefined || this.#link === undefined) return;
    if (nowMs >= this.#nextAdvertisementMs) this.#advertise(this.#socket, this.#link, nowMs);
    for (let count = 0; count < FRAMES_PER_TURN; count += 1) {
      const length = this.#ports.sockets.receive(this.#socket.fd, this.#frame);
      if (length < 0) return;
      const router = readRouterAdvertisement(this.#frame.subarray(0, length));
      if (router !== undefined) this.#hear(router, onNeighbor, nowMs);
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Opens a socket when the interface is there, and another one when it has become another. */
  #follow(): void {
    const link = findLinkLocal(this.#ports.interfaces(), this.#name);
    const isOpen = this.#socket !== undefined || link === undefined;
    if (isOpen && isSameLink(link, this.#link)) return;
    this.close();
    this.#link = link;
    if (link !== undefined) this.#open(link);
  }

  #open(link: LinkLocalInterface): void {
    try {
      this.#socket = new PacketSocket(this.#ports.sockets, {
        interfaceIndex: link.index,
        etherType: EtherType.ipv6,
        filter: buildRouterAdvertisementFilter(),
      });
      this.#advertised = 0;
      this.#nextAdvertisementMs = 0;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const fields = { interface: this.#name, reason };
      const msg = "cannot look for the router of an unnumbered BGP peer";
      const nowMs = this.#ports.clock.monotonicMs();
      this.#ports.reports.warnRarely(`discovery ${this.#name}`, nowMs, { msg, fields });
    }
  }

  #advertise(socket: PacketSocket, link: LinkLocalInterface, nowMs: number): void {
    const mac = parseMacAddress(link.mac);
    if (!mac.ok) return;
    const sender: LinkSender = { mac: mac.value, address: link.address };
    const { sockets } = this.#ports;
    if (this.#advertised === 0) sockets.send(socket.fd, encodeRouterSolicitation(sender));
    sockets.send(socket.fd, encodeRouterAdvertisement(sender));
    this.#advertised += 1;
    this.#advertisedAtMs = nowMs;
    const isFast = this.#advertised < FAST_ADVERTISEMENTS;
    this.#nextAdvertisementMs = nowMs + (isFast ? FAST_INTERVAL_MS : SLOW_INTERVAL_MS);
  }

  #hear(router: RouterHeard, onNeighbor: OnNeighbor, nowMs: number): void {
    const link = this.#link;
    if (link === undefined || isSameAddress(router.address, link.address)) return;
    const known = this.#neighbor;
    const isKnown =
      known !== undefined &&
      isSameAddress(known.address, router.address) &&
      known.interfaceIndex === link.index;
    const isOther = known !== undefined && !isSameAddress(known.address, router.address);
    if (isOther && nowMs - this.#heardAtMs < this.#silenceMs) {
      const fields = { interface: this.#name };
      const msg =
        "more than one router on the interface of an unnumbered BGP peer; the first is used";
      this.#ports.reports.warnRarely(`second ${this.#name}`, nowMs, { msg, fields });
      return;
    }
    this.#heardAtMs = nowMs;
    this.#silenceMs = Math.max(MIN_SILENCE_MS, 3 * router.lifetimeSeconds * 1000);
    // A router that has just begun waits for an advertisement of ours before it takes our connection.
    this.#nextAdvertisementMs = Math.min(
      this.#nextAdvertisementMs,
      this.#advertisedAtMs + FAST_INTERVAL_MS,
    );
    if (isKnown) return;
    this.#neighbor = { address: router.address, interfaceIndex: link.index };
    onNeighbor(this.#name, this.#neighbor);
  }
}

function isSameLink(
  left: LinkLocalInterface | undefined,
  right: LinkLocalInterface | undefined,
): boolean {
  return (
    left?.index === right?.index &&
    left?.mac === right?.mac &&
    left?.address.value === right?.address.value
  );
}
