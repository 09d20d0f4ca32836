/** Says what BGP announces of a Service: one log line and one series of metrics an address, one event on the Service. */
import type { Logger } from "pino";
import type { RoutedService, RoutePlan } from "../../lib/announcement/plan-routes";
import type { EventContent, EventRecorder } from "../cluster/events";
import type { ClusterView } from "./cluster-state";
import type { AnnouncedSeries, SpeakerMetrics } from "./metrics";
import { recordOnService } from "./service-events";

export interface BgpServiceReporterOptions {
  readonly nodeName: string;
  readonly events: Pick<EventRecorder, "record">;
  readonly metrics: Pick<SpeakerMetrics, "addAnnounced" | "removeAnnounced">;
  readonly cluster: Pick<ClusterView, "service">;
  readonly log: Logger;
}

interface Reported {
  readonly addresses: readonly string[];
  /** Addresses that no session carries, as text; empty: all are carried. */
  readonly unroutable: string;
}

interface Why {
  readonly reason: string;
  readonly message: string;
}

const NOTHING: Reported = { addresses: [], unroutable: "" };
const GONE: Why = { reason: "serviceDeleted", message: "there is no such Service any more" };
const MOVED: Why = { reason: "loadBalancerIPChanged", message: "the Service has other addresses" };

export class BgpServiceReporter {
  readonly #options: BgpServiceReporterOptions;
  readonly #services = new Map<string, Reported>();

  constructor(options: BgpServiceReporterOptions) {
    this.#options = options;
  }

  /** The Service was planned again; undefined: it is gone. What goes on is not reported again. */
  notePlan(key: string, plan: RoutePlan | undefined): void {
    if (plan?.type === "announce") this.#noteAnnounced(key, plan);
    else this.#noteWithheld(key, plan ?? GONE);
  }

  #noteWithheld(key: string, why: Why): void {
    const before = this.#services.get(key);
    this.#services.delete(key);
    for (const address of before?.addresses ?? []) this.#reportWithdrawn(key, address, why);
  }

  #noteAnnounced(key: string, plan: RoutedService): void {
    const before = this.#services.get(key);
    const addresses = plan.addresses.filter(address => !plan.unroutable.includes(address));
    const unroutable = plan.unroutable.join(" and ");
    this.#services.set(key, { addresses, unroutable });
    this.#compare(key, plan, before ?? NOTHING);
    if (before !== undefined) return;
    this.#record(key, {
      type: "Normal",
      reason: "nodeAssigned",
      message: `announcing from node "${this.#options.nodeName}" with protocol "bgp"`,
    });
  }

  #compare(key: string, plan: RoutedService, before: Reported): void {
    const { addresses, unroutable } = this.#services.get(key) ?? NOTHING;
    for (const address of before.addresses) {
      if (!addresses.includes(address)) this.#reportWithdrawn(key, address, MOVED);
    }
    for (const address of addresses) {
      if (!before.addresses.includes(address)) this.#reportAnnounced(key, address, plan.peers);
    }
    if (unroutable !== "" && unroutable !== before.unroutable) {
      this.#reportUnroutable(key, unroutable);
    }
  }

  #reportAnnounced(key: string, address: string, peers: readonly string[]): void {
    const { nodeName, log, metrics } = this.#options;
    log.info(
      { event: "serviceAnnounced", ...this.#fields(key, address), peers },
      `${address} is announced from ${nodeName} to ${peers.join(", ")}`,
    );
    metrics.addAnnounced(this.#series(key, address));
  }

  #reportWithdrawn(key: string, address: string, { reason, message }: Why): void {
    const { nodeName, log, metrics } = this.#options;
    log.info(
      { event: "serviceWithdrawn", ...this.#fields(key, address), reason },
      `${address} is not announced from ${nodeName} any more: ${message}`,
    );
    metrics.removeAnnounced(this.#series(key, address));
  }

  #reportUnroutable(key: string, addresses: string): void {
    const { nodeName, log } = this.#options;
    const message =
      `${addresses} cannot be announced from node "${nodeName}" with protocol "bgp": no BGP session of the node carries ` +
      `its address family; dualStackAddressFamily of the BGPPeer adds it`;
    log.warn({ event: "announceFailed", ...this.#fields(key, addresses) }, message);
    this.#record(key, { type: "Warning", reason: "announceFailed", message });
  }

  #fields(key: string, address: string) {
    const { nodeName } = this.#options;
    return { service: key, ip: address, protocol: "bgp", node: nodeName } as const;
  }

  #series(key: string, address: string): AnnouncedSeries {
    return { service: key, protocol: "bgp", node: this.#options.nodeName, ip: address };
  }

  #record(key: string, content: EventContent): void {
    const { events, cluster: view } = this.#options;
    recordOnService({ events, view }, key, content);
  }
}
