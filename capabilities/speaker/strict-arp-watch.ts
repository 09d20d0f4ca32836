/**
 * Says when kube-proxy runs in IPVS mode without strictARP: then the kernel of every node answers for the addresses that one node
 * announces on layer 2, and clients reach whichever answered last. Herald changes no setting of a node.
 */
import type { Logger } from "pino";
import { Gauge, type Registry } from "prom-client";
import type { Cancel, Clock } from "../cluster/clock";

export interface StrictArpWatchOptions {
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly registry: Registry;
  /** Names of the interfaces on which the kernel answers too, sorted. */
  readonly findLax: () => readonly string[];
  /** Those that layer 2 does not use do not matter. */
  readonly isExcluded: (interfaceName: string) => boolean;
  /** Whether there is an address to be announced on layer 2. */
  readonly hasAddresses: () => boolean;
}

/** kube-proxy may start later than this speaker, or be told otherwise at any time. */
const LOOK_EVERY_MS = 5_000;

export class StrictArpWatch {
  readonly #options: StrictArpWatchOptions;
  readonly #missing: Gauge;
  #said = "";
  #cancel: Cancel = () => undefined;

  constructor(options: StrictArpWatchOptions) {
    this.#options = options;
    this.#missing = new Gauge({
      name: "herald_layer2_strict_arp_missing",
      help: "1 while kube-proxy runs in IPVS mode without strictARP, so that this node's kernel answers for addresses of Services too",
      registers: [options.registry],
    });
    this.#look();
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { clock, findLax, isExcluded, hasAddresses } = this.#options;
    const lax = hasAddresses() ? findLax().filter(name => !isExcluded(name)) : [];
    this.#missing.set(lax.length > 0 ? 1 : 0);
    const text = lax.join(", ");
    if (text !== this.#said) this.#say(text, lax);
    this.#said = text;
    this.#cancel = clock.schedule(LOOK_EVERY_MS, () => this.#look());
  }

  #say(text: string, interfaces: readonly string[]): void {
    const { log } = this.#options;
    const event = "strictARP";
    if (text === "") log.info({ event }, "the kernel answers for no address of a Service any more");
    else {
      const msg =
        `kube-proxy is in IPVS mode without strictARP: this node answers ARP for addresses that another node announces, on ${text}. ` +
        "Set ipvs.strictARP to true in kube-proxy's configuration and restart kube-proxy";
      log.warn({ event, interfaces }, msg);
    }
  }
}
