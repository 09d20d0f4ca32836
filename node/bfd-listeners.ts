/** The listeners that the present sessions need; one that cannot be opened is tried again. */
import type { BfdArrival, BfdSessionConfiguration } from "../lib/bfd/session-table";
import { openBfdListener, toListenerKind, toListenerText, type BfdListener } from "./bfd-sockets";
import { BFD_DATAGRAMS_PER_TURN } from "./limits";
import { Errno } from "./linux";
import { DatagramReceiver } from "./packet-info";
import type { ReportQueue } from "./report-queue";
import { SystemError, type Sockets } from "./sockets";

/** Longer than any control packet, authentication section included. */
const DATAGRAM_OCTETS = 256;

/** Takes a datagram, the interface by its index, and where it came from; the octets are valid during the call. */
export type BfdReceiver = (
  octets: Uint8Array,
  interfaceIndex: number,
  arrival: Omit<BfdArrival, "interfaceName">,
) => void;

export class BfdListeners {
  readonly #sockets: Sockets;
  readonly #reports: ReportQueue;
  readonly #receiver: DatagramReceiver;
  readonly #open = new Map<string, BfdListener>();

  constructor(sockets: Sockets, reports: ReportQueue) {
    this.#sockets = sockets;
    this.#reports = reports;
    this.#receiver = new DatagramReceiver(sockets, DATAGRAM_OCTETS);
  }

  values(): readonly BfdListener[] {
    return [...this.#open.values()];
  }

  /** Opens what these sessions need and closes the rest; true if that changed something. */
  keep(sessions: readonly BfdSessionConfiguration[], nowMs = 0): boolean {
    const wanted = new Map(
      sessions.map(session => {
        const kind = toListenerKind(session);
        return [toListenerText(kind), kind];
      }),
    );
    let isChanged = false;
    for (const [text, { fd }] of this.#open) {
      if (wanted.has(text)) continue;
      this.#sockets.close(fd);
      this.#open.delete(text);
      isChanged = true;
    }
    for (const [text, kind] of wanted) {
      if (this.#open.has(text)) continue;
      try {
        this.#open.set(text, openBfdListener(this.#sockets, kind));
        isChanged = true;
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        this.#complain(text, error, nowMs);
      }
    }
    return isChanged;
  }

  /** Hands out the datagrams that wait, up to a turn's share. */
  drain({ fd, vrf, isMultiHop }: BfdListener, onDatagram: BfdReceiver): void {
    for (let left = BFD_DATAGRAMS_PER_TURN; left > 0; left -= 1) {
      const received = this.#receiver.receive(fd);
      if (received === undefined) return;
      const { octets, source, destination, interfaceIndex, ttl } = received;
      onDatagram(octets, interfaceIndex, { source, destination, vrf, isMultiHop, ttl });
    }
  }

  #complain(text: string, error: SystemError, nowMs: number): void {
    const isTaken = error.errno === Errno.EADDRINUSE;
    this.#reports.logRarely(`bfd listener ${text}`, nowMs, {
      msg: isTaken
        ? "another BFD daemon on this node has the port: BFD sessions stay Down until it is gone"
        : "cannot listen for BFD, trying again",
      fields: { listener: text, code: error.code },
    });
  }
}
