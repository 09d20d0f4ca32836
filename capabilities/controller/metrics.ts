/** The controller's metrics, under MetalLB's names. Gauges are read from the book at each scrape. */
import { Counter, Gauge, Registry } from "prom-client";
import { countPools, type PoolCounters } from "../../lib/allocation/counters";
import type { AddressBook } from "../../lib/allocation/address-book";
import { collectProcessMetrics } from "../cluster/process-metrics";

const POOL_GAUGES: readonly (readonly [string, string, (counters: PoolCounters) => bigint])[] = [
  ["addresses_total", "Number of usable IP addresses per pool", one => one.total.capacity],
  ["ipv4_addresses_total", "Number of usable IPv4 addresses per pool", one => one.ipv4.capacity],
  ["ipv6_addresses_total", "Number of usable IPv6 addresses per pool", one => one.ipv6.capacity],
  ["addresses_in_use_total", "Number of IP addresses in use per pool", one => one.total.assigned],
  [
    "ipv4_addresses_in_use_total",
    "Number of IPv4 addresses in use per pool",
    one => one.ipv4.assigned,
  ],
  [
    "ipv6_addresses_in_use_total",
    "Number of IPv6 addresses in use per pool",
    one => one.ipv6.assigned,
  ],
  [
    "services_allocated_total",
    "Number of Services with addresses of the pool",
    one => BigInt(one.services),
  ],
];

export class ControllerMetrics {
  readonly registry = new Registry();
  readonly updates: Counter;
  readonly updateErrors: Counter;
  readonly configLoaded: Gauge;
  readonly configStale: Gauge;

  /** `book` is undefined while this controller does not allocate; then there are no pool series. */
  constructor(sources: {
    readonly book: () => AddressBook | undefined;
    readonly waiting: () => number;
  }) {
    const registers = [this.registry];
    const client = (name: string, help: string) => ({
      name: `metallb_k8s_client_${name}`,
      help,
      registers,
    });
    this.updates = new Counter(client("updates_total", "Number of object updates processed"));
    this.updateErrors = new Counter(
      client("update_errors_total", "Number of object updates that failed"),
    );
    this.configLoaded = new Gauge(
      client("config_loaded_bool", "1 once a configuration was applied"),
    );
    this.configStale = new Gauge(
      client("config_stale_bool", "1 while a part of the newest configuration is refused"),
    );
    for (const [name, help, read] of POOL_GAUGES) {
      new Gauge({
        name: `metallb_allocator_${name}`,
        help,
        labelNames: ["pool"],
        registers,
        collect() {
          this.reset();
          const book = sources.book();
          for (const one of book === undefined ? [] : countPools(book)) {
            this.set({ pool: one.pool }, Number(read(one)));
          }
        },
      });
    }
    new Gauge({
      name: "herald_allocator_services_waiting",
      help: "Number of Services that lack an address they ask for",
      registers,
      collect() {
        this.set(sources.waiting());
      },
    });
    collectProcessMetrics(this.registry);
  }
}
