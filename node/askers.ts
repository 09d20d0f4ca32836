/**
 * Who asked for which address of the cluster: whoever takes an address over tells them by name. Pure bookkeeping, called for every
 * request, so it allocates only for an asker that is new.
 */
import { isMacAt, readMac, viewOf } from "../lib/net/ethernet";
import type { IpAddress } from "../lib/net/ip-address";
import type { MacAddress } from "../lib/net/mac-address";
import { ASKER_AGE_MS, ASKERS_PER_ADDRESS, MAX_ASKERS } from "./limits";

export interface Asker {
  readonly address: IpAddress;
  readonly mac: MacAddress;
}

/** What a request says, still in its frame. */
export interface Question {
  /** The address asked for, as text. */
  readonly asked: string;
  readonly interfaceIndex: number;
  /** The asker's address, as the number or key that stands for it; `toAddress` makes an address of it. */
  readonly key: number | string;
  readonly toAddress: () => IpAddress;
  readonly frame: DataView;
  readonly macOffset: number;
}

interface Known extends Asker {
  readonly key: number | string;
  readonly macView: DataView;
  readonly interfaceIndex: number;
  atMs: number;
}

export class Askers {
  /** By address asked for, then by asker; the latest last. */
  readonly #known = new Map<string, Map<number | string, Known>>();
  #count = 0;

  /** Beyond the bounds the oldest of the same address goes, or the new one is not noted. */
  note(question: Question, nowMs: number): void {
    const { asked, key, frame, macOffset, interfaceIndex } = question;
    const known = this.#known.get(asked);
    const before = known?.get(key);
    if (before?.interfaceIndex === interfaceIndex && isMacAt(frame, macOffset, before.macView, 0)) {
      before.atMs = nowMs;
      return;
    }
    this.#add(question, known ?? new Map<number | string, Known>(), nowMs);
  }

  /** Those who asked for the address on the interface not long ago, the latest first. */
  of(asked: string, interfaceIndex: number, nowMs: number): readonly Asker[] {
    const known = [...(this.#known.get(asked)?.values() ?? [])];
    return known
      .filter(asker => asker.interfaceIndex === interfaceIndex)
      .filter(({ atMs }) => nowMs - atMs < ASKER_AGE_MS)
      .sort((left, right) => right.atMs - left.atMs);
  }

  /** The address is none of the cluster any more. */
  forget(asked: string): void {
    this.#count -= this.#known.get(asked)?.size ?? 0;
    this.#known.delete(asked);
  }

  #add(question: Question, known: Map<number | string, Known>, nowMs: number): void {
    const { asked, key, frame, macOffset, interfaceIndex } = question;
    if (known.delete(key)) this.#count -= 1;
    else if (known.size >= ASKERS_PER_ADDRESS) {
      const [oldest] = known.keys();
      if (oldest !== undefined && known.delete(oldest)) this.#count -= 1;
    }
    if (this.#count >= MAX_ASKERS) return;
    const mac = readMac(frame, macOffset);
    const address = question.toAddress();
    known.set(key, { key, address, mac, macView: viewOf(mac), interfaceIndex, atMs: nowMs });
    this.#count += 1;
    this.#known.set(asked, known);
  }
}
