/**
 * Says to people and machines that a host outside of the cluster has one of our addresses: a log line, a Warning event on each
 * Service of the address and a condition on each change; counts in metrics all the time.
 */
import type { Logger } from "pino";
import type { PacketReport } from "../../node/packet-protocol";
import type { EventContent } from "../cluster/events";
import type { SpeakerMetrics } from "./metrics";
import { recordOnService, type ServiceEventsDeps } from "./service-events";

export type ConflictPacketReport = Extract<PacketReport, { readonly type: "conflict" }>;

/** What a status says about a conflict, as Kubernetes writes conditions. */
export interface ConflictCondition {
  readonly type: "AddressConflict";
  readonly status: "True";
  /** `Withheld`: the address is not announced. `Defended`: it is, and the other host claims it, too. */
  readonly reason: "Withheld" | "Defended";
  readonly message: string;
  /** RFC 3339, of the last change. */
  readonly lastTransitionTime: string;
}

export interface ConflictReporterOptions extends ServiceEventsDeps {
  readonly nodeName: string;
  readonly metrics: Pick<SpeakerMetrics, "countConflict" | "countDefences">;
  readonly log: Logger;
  /** Keys of the Services that have the address. */
  readonly keysOf: (address: string) => readonly string[];
  /** Wall-clock time. */
  readonly now: () => Date;
  /** What is to be said about the Service has changed. */
  readonly onCondition: (key: string) => void;
}

interface Known {
  readonly state: "withheld" | "defended";
  readonly mac: string;
  readonly condition: ConflictCondition;
}

export class ConflictReporter {
  readonly #options: ConflictReporterOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: ConflictReporterOptions) {
    this.#options = options;
  }

  report(report: ConflictPacketReport): void {
    const { metrics } = this.#options;
    const { address, state, mac, claims, defences } = report;
    if (claims > 0) metrics.countConflict(address, mac, claims);
    if (defences > 0) metrics.countDefences(address, defences);
    const before = this.#known.get(address);
    if (state === "over") {
      if (before !== undefined) this.#end(report);
    } else if (before?.state !== state || before.mac !== mac) this.#begin(report, state);
  }

  /** The condition of a Service with these addresses; undefined without conflict. */
  condition(addresses: readonly string[]): ConflictCondition | undefined {
    for (const address of addresses) {
      const known = this.#known.get(address);
      if (known !== undefined) return known.condition;
    }
    return undefined;
  }

  /** Forgets every address that is not among those given. */
  keepAddresses(addresses: ReadonlySet<string>): void {
    for (const address of this.#known.keys()) {
      if (!addresses.has(address)) this.#known.delete(address);
    }
  }

  #begin(report: ConflictPacketReport, state: Known["state"]): void {
    const { address, mac } = report;
    const message = describe(report, this.#options.nodeName);
    const condition: ConflictCondition = {
      type: "AddressConflict",
      status: "True",
      reason: state === "withheld" ? "Withheld" : "Defended",
      message,
      lastTransitionTime: this.#options
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, "Z"),
    };
    this.#known.set(address, { state, mac, condition });
    this.#say(report, { type: "Warning", reason: "AddressConflict", message });
  }

  #end(report: ConflictPacketReport): void {
    const { address, mac } = report;
    this.#known.delete(address);
    const message = `${address} is not claimed by ${mac} any more`;
    this.#say(report, { type: "Normal", reason: "AddressConflictOver", message });
  }

  #say({ address, mac, interfaceName, state }: ConflictPacketReport, content: EventContent): void {
    const { log, nodeName, keysOf, onCondition } = this.#options;
    const keys = keysOf(address);
    const fields = { event: "addressConflict", ip: address, mac, interface: interfaceName, state };
    log[content.type === "Warning" ? "warn" : "info"](
      { ...fields, node: nodeName, services: keys },
      content.message,
    );
    for (const key of keys) {
      recordOnService(this.#options, key, content);
      onCondition(key);
    }
  }
}

function describe(report: ConflictPacketReport, nodeName: string): string {
  const { address, mac, interfaceName, state, retryInMs } = report;
  const who = `${address} is used by ${mac}, which is no node of the cluster, on ${interfaceName} of node "${nodeName}"`;
  if (state === "defended") {
    return `${who}: it is announced all the same; take the address from that host, or give the Service another one`;
  }
  const seconds = Math.round((retryInMs ?? 0) / 1_000);
  return `${who}: it is not announced, and asked for again in ${seconds} s; take the address from that host, or give the Service another one`;
}
