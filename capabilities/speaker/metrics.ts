/** The speaker's metrics, under MetalLB's names. A series goes when what it counts is gone. */
import { Counter, Gauge, Registry } from "prom-client";
import { collectProcessMetrics } from "../cluster/process-metrics";
import { PacketMetrics } from "./packet-metrics";

/** The packet thread's counts of one address; they only grow while the thread lives. */
export interface AddressCounts {
  readonly address: string;
  readonly requestsReceived: number;
  readonly responsesSent: number;
  readonly gratuitousSent: number;
}

export interface AnnouncedSeries {
  readonly service: string;
  readonly protocol: "layer2" | "bgp";
  readonly node: string;
  readonly ip: string;
}

export class SpeakerMetrics {
  readonly registry = new Registry();
  readonly updates = this.#counter(
    "metallb_k8s_client_updates_total",
    "Changes of Kubernetes objects that were processed",
  );
  readonly updateErrors = this.#counter(
    "metallb_k8s_client_update_errors_total",
    "Changes of Kubernetes objects that could not be used",
  );
  readonly #isLoaded = this.#gauge(
    "metallb_k8s_client_config_loaded_bool",
    "1 once a configuration was applied",
  );
  readonly #isStale = this.#gauge(
    "metallb_k8s_client_config_stale_bool",
    "1 while something of the newest configuration is not used",
  );
  readonly #announced = new Gauge({
    name: "metallb_speaker_announced",
    help: "1 for each address of a Service that this node announces",
    labelNames: ["service", "protocol", "node", "ip"],
    registers: [this.registry],
  });
  readonly #requests = this.#perAddress(
    "metallb_layer2_requests_received",
    "ARP requests and neighbour solicitations for an address this node announces",
  );
  readonly #responses = this.#perAddress(
    "metallb_layer2_responses_sent",
    "Answers to requests for an address this node announces",
  );
  readonly #gratuitous = this.#perAddress(
    "metallb_layer2_gratuitous_sent",
    "Gratuitous ARP packets and unsolicited neighbour advertisements",
  );
  /** The packet thread as a whole. */
  readonly packets = new PacketMetrics(this.registry);
  readonly #conflicts = new Counter({
    name: "herald_layer2_conflicts_total",
    help: "Frames in which a host outside of the cluster claims an address of a Service",
    labelNames: ["ip", "mac"],
    registers: [this.registry],
  });
  readonly #defences = this.#perAddress(
    "herald_layer2_defences_total",
    "Announcements in answer to a host outside of the cluster that claims the address",
  );
  readonly #lastCounts = new Map<string, AddressCounts>();
  /** MAC addresses that have a series, by address. */
  readonly #strangers = new Map<string, Set<string>>();

  /** `lastContactMs` and `nowMs` are on one monotonic clock. */
  constructor(given: { lastContactMs: () => number | undefined; nowMs: () => number }) {
    collectProcessMetrics(this.registry);
    this.registry.registerMetric(
      new Gauge({
        name: "herald_speaker_cluster_state_age_seconds",
        help: "Time since the API server was last heard about every kind of object; absent before that",
        registers: [],
        collect() {
          const contactMs = given.lastContactMs();
          if (contactMs === undefined) this.remove();
          else this.set((given.nowMs() - contactMs) / 1_000);
        },
      }),
    );
    this.#isLoaded.set(0);
    this.#isStale.set(0);
  }

  setConfiguration(state: { readonly isStale: boolean }): void {
    this.#isLoaded.set(1);
    this.#isStale.set(state.isStale ? 1 : 0);
  }

  addAnnounced(series: AnnouncedSeries): void {
    this.#announced.set({ ...series }, 1);
  }

  removeAnnounced(series: AnnouncedSeries): void {
    this.#announced.remove({ ...series });
  }

  /** Takes over the packet thread's counts. */
  count(counts: AddressCounts): void {
    const labels = { ip: counts.address };
    const last = this.#lastCounts.get(counts.address) ?? NO_COUNTS;
    const grown = (now: number, before: number): number => (now >= before ? now - before : now);
    this.#requests.inc(labels, grown(counts.requestsReceived, last.requestsReceived));
    this.#responses.inc(labels, grown(counts.responsesSent, last.responsesSent));
    this.#gratuitous.inc(labels, grown(counts.gratuitousSent, last.gratuitousSent));
    this.#lastCounts.set(counts.address, counts);
  }

  /** Beyond eight, strangers of one address share the series `other`: anybody can make up MAC addresses. */
  countConflict(address: string, mac: string, claims: number): void {
    const known = this.#strangers.get(address) ?? new Set<string>();
    this.#strangers.set(address, known);
    const label = known.has(mac) || known.size < MAX_STRANGERS ? mac : "other";
    known.add(label);
    this.#conflicts.inc({ ip: address, mac: label }, claims);
  }

  countDefences(address: string, defences: number): void {
    this.#defences.inc({ ip: address }, defences);
  }

  /** Forgets the series of every address that is not among those given. */
  keepAddresses(addresses: ReadonlySet<string>): void {
    for (const [address, macs] of this.#strangers) {
      if (addresses.has(address)) continue;
      this.#strangers.delete(address);
      this.#defences.remove({ ip: address });
      for (const mac of macs) this.#conflicts.remove({ ip: address, mac });
    }
    for (const address of this.#lastCounts.keys()) {
      if (addresses.has(address)) continue;
      this.#lastCounts.delete(address);
      for (const counter of [this.#requests, this.#responses, this.#gratuitous]) {
        counter.remove({ ip: address });
      }
    }
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] });
  }

  #perAddress(name: string, help: string): Counter<"ip"> {
    return new Counter({ name, help, labelNames: ["ip"], registers: [this.registry] });
  }
}

/** As many as the packet thread tells apart at a time. */
const MAX_STRANGERS = 8;
const NO_COUNTS = { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 };
