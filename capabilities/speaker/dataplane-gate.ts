/**
 * Holds back the first announcement of a Service of policy Local until kube-proxy of this node serves it: traffic that came sooner
 * would be dropped. Asks the Service's health-check node port again and again; whoever does not answer in time is announced all
 * the same, because a proxy without that port (there are some) must not keep an address away.
 */
import type { Clock } from "../cluster/clock";

export interface DataplaneGateOptions {
  readonly clock: Clock;
  /** Asks `http://127.0.0.1:<port>/`; whether it said 200 and that there are local endpoints. Does not reject. */
  readonly isServing: (port: number) => Promise<boolean>;
  /** The gate of the Service has opened. */
  readonly onOpen: (key: string) => void;
}

const ASK_EVERY_MS = 50;
const GIVE_UP_AFTER_MS = 3_000;

interface Gate {
  readonly port: number;
  isOpen: boolean;
  cancel: () => void;
}

export class DataplaneGate {
  readonly #options: DataplaneGateOptions;
  readonly #gates = new Map<string, Gate>();

  constructor(options: DataplaneGateOptions) {
    this.#options = options;
  }

  /** Whether the Service may be announced; if not, its port is asked from now on. */
  isOpen(key: string, port: number): boolean {
    const known = this.#gates.get(key);
    if (known?.port === port) return known.isOpen;
    known?.cancel();
    const gate: Gate = { port, isOpen: false, cancel: () => undefined };
    this.#gates.set(key, gate);
    void this.#ask(key, gate, this.#options.clock.nowMs() + GIVE_UP_AFTER_MS);
    return false;
  }

  /** The Service is not to be announced from here: the next time it is asked for anew. */
  close(key: string): void {
    this.#gates.get(key)?.cancel();
    this.#gates.delete(key);
  }

  stop(): void {
    for (const key of [...this.#gates.keys()]) this.close(key);
  }

  async #ask(key: string, gate: Gate, giveUpMs: number): Promise<void> {
    const { clock, isServing, onOpen } = this.#options;
    const isDone = (await isServing(gate.port)) || clock.nowMs() >= giveUpMs;
    if (this.#gates.get(key) !== gate) return;
    if (isDone) {
      gate.isOpen = true;
      onOpen(key);
      return;
    }
    gate.cancel = clock.schedule(ASK_EVERY_MS, () => void this.#ask(key, gate, giveUpMs));
  }
}
