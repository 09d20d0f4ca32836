/** The echo function at work: which interfaces have a socket for it, and by which MAC address each peer is reached. */
import { decodeEchoFrame, encodeEchoFrame, type BfdEcho } from "../lib/bfd/echo-packet";
import type { TableSession } from "../lib/bfd/session-table";
import { formatIpAddress } from "../lib/net/ip-address";
import { parseMacAddress, type MacAddress } from "../lib/net/mac-address";
import { BfdEchoLink, findNeighborMac } from "./bfd-echo-link";
import type { JudgedInterface } from "./interface-table";
import { NEIGHBOR_MAC_MS } from "./limits";
import { SystemError, type Sockets } from "./sockets";

interface KnownMac {
  readonly mac: MacAddress | undefined;
  readonly readMs: number;
}

export class BfdEchoes {
  readonly #sockets: Sockets;
  readonly #links = new Map<string, { readonly link: BfdEchoLink; readonly index: number }>();
  readonly #macs = new Map<string, KnownMac>();

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  /** Descriptors to wait for, with what to drain. */
  get links(): readonly BfdEchoLink[] {
    return [...this.#links.values()].map(({ link }) => link);
  }

  /** Sends one echo of the session by the interface; false when it could not leave. */
  send(of: TableSession, device: JudgedInterface, nowMs: number): boolean {
    const { heardOn, session, configuration } = of;
    const source = parseMacAddress(device.macText);
    if (heardOn === undefined || !source.ok) return false;
    const peer = formatIpAddress(configuration.peer);
    const destination = this.#findMac(peer, device.name, nowMs);
    if (destination === undefined) return false;
    const link = this.#open(device);
    if (link === undefined) return false;
    const echo = { address: heardOn.local, myDiscriminator: session.discriminator, sentMs: nowMs };
    return link.send(encodeEchoFrame(echo, { source: source.value, destination }));
  }

  /** Hands out the echoes that came in, each with the name of its interface; undefined for what is none. */
  drain(
    link: BfdEchoLink,
    onEcho: (echo: BfdEcho | undefined, interfaceName: string) => void,
  ): void {
    const found = [...this.#links].find(([, opened]) => opened.link === link);
    if (found === undefined) return;
    link.drain(frame => {
      const echo = decodeEchoFrame(frame);
      onEcho(echo.ok ? echo.value : undefined, found[0]);
    });
  }

  /** Closes the sockets of all interfaces but these; true if there were others. */
  keep(interfaceNames: ReadonlySet<string>): boolean {
    const before = this.#links.size;
    for (const [name, { link }] of this.#links) {
      if (interfaceNames.has(name)) continue;
      link.close();
      this.#links.delete(name);
    }
    if (interfaceNames.size === 0) this.#macs.clear();
    return this.#links.size !== before;
  }

  #open({ name, index }: JudgedInterface): BfdEchoLink | undefined {
    const opened = this.#links.get(name);
    if (opened?.index === index) return opened.link;
    opened?.link.close();
    this.#links.delete(name);
    try {
      const link = new BfdEchoLink(this.#sockets, index);
      this.#links.set(name, { link, index });
      return link;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return undefined;
    }
  }

  #findMac(peer: string, interfaceName: string, nowMs: number): MacAddress | undefined {
    const key = `${peer} ${interfaceName}`;
    const known = this.#macs.get(key);
    if (known !== undefined && nowMs - known.readMs < NEIGHBOR_MAC_MS) return known.mac;
    const mac = findNeighborMac(peer, interfaceName);
    this.#macs.set(key, { mac, readMs: nowMs });
    return mac;
  }
}
