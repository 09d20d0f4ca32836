/**
 * Which addresses of silent peers are probed, and what that proved: the answers count as signs of the peer, and that there were
 * none is the condition for taking its addresses.
 */
import type { Standing } from "./peer";
import { SuspectProbes } from "./suspect-probes";

export interface SuspectWatchView {
  readonly intervalMs: number;
  standing(nodeName: string): Standing | undefined;
  suspects(): readonly string[];
  lastSignMs(nodeName: string): number | undefined;
}

export interface Probe {
  readonly address: string;
  /** By unicast to this peer; else by broadcast. */
  readonly to?: string;
}

export class SuspectWatch {
  readonly #view: SuspectWatchView;
  readonly #addressesAfter: (peerName: string) => readonly string[];
  readonly #probes = new Map<string, SuspectProbes>();

  /** `addressesAfter`: some addresses of the peer that would come to this node. */
  constructor(view: SuspectWatchView, addressesAfter: (peerName: string) => readonly string[]) {
    this.#view = view;
    this.#addressesAfter = addressesAfter;
  }

  clear(): void {
    this.#probes.clear();
  }

  /** When it is known that probes of the dead peer were in vain; undefined when none were sent or one was answered. */
  decidedAtMs(peerName: string): number | undefined {
    const probes = this.#probes.get(peerName);
    const signMs = this.#view.lastSignMs(peerName) ?? -Infinity;
    return probes?.isUnanswered(signMs) === true ? probes.decidedAtMs : undefined;
  }

  /** The probes that are due. Without `isChoosing` no new ones begin. */
  take(isChoosing: boolean, nowMs: number): readonly Probe[] {
    const suspects = this.#view.suspects();
    for (const [name, probes] of this.#probes) {
      if (!suspects.includes(name)) this.#dismiss(name, probes, nowMs);
    }
    if (!isChoosing) return [];
    for (const name of suspects) {
      const known = this.#probes.get(name);
      const isToChoose =
        known === undefined || (known.addresses.length === 0 && nowMs >= known.nextMs);
      if (!isToChoose) continue;
      this.#probes.set(name, new SuspectProbes(this.#addressesAfter(name), nowMs));
    }
    return [...this.#probes].flatMap(([name, probes]) => this.#due(name, probes, nowMs));
  }

  /** When `take` has something next; Infinity when nothing is probed. */
  nextDeadlineMs(): number {
    let nextMs = Infinity;
    for (const probes of this.#probes.values()) nextMs = Math.min(nextMs, probes.nextMs);
    return nextMs;
  }

  /** One that died in silence keeps its proof for as long as it is dead. */
  #dismiss(name: string, probes: SuspectProbes, nowMs: number): void {
    if (this.#view.standing(name) !== "dead") this.#probes.delete(name);
    else if (nowMs >= probes.decidedAtMs || probes.addresses.length === 0) probes.stop();
  }

  #due(name: string, probes: SuspectProbes, nowMs: number): readonly Probe[] {
    const signMs = this.#view.lastSignMs(name) ?? -Infinity;
    const round = probes.take(signMs, this.#view.intervalMs, nowMs);
    if (round === undefined) return [];
    if (round.isBroadcast) return probes.addresses.map(address => ({ address }));
    return probes.addresses.slice(0, 1).map(address => ({ address, to: name }));
  }
}
