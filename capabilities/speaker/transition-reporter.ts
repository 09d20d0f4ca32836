/** Says to people and machines what happened to an address: one log line, one event on the Service, one series of metrics. */
import type { Logger } from "pino";
import type { EventContent } from "../cluster/events";
import type { SpeakerMetrics } from "./metrics";
import type { Transition } from "./ownership-book";
import { recordOnService, type ServiceEventsDeps } from "./service-events";

export interface TransitionReporterOptions extends ServiceEventsDeps {
  readonly nodeName: string;
  readonly metrics: Pick<SpeakerMetrics, "addAnnounced" | "removeAnnounced">;
  readonly log: Logger;
}

export class TransitionReporter {
  readonly #options: TransitionReporterOptions;

  constructor(options: TransitionReporterOptions) {
    this.#options = options;
  }

  report(transition: Transition): void {
    switch (transition.type) {
      case "announced":
        this.#reportAnnounced(transition);
        return;
      case "withdrawn":
        this.#reportWithdrawn(transition);
        return;
      case "failed":
        this.#reportFailed(transition);
    }
  }

  #reportAnnounced(transition: Transition & { readonly type: "announced" }): void {
    const { key, address, interfaces, rank, candidates, passedOver } = transition;
    const { nodeName, log, metrics } = this.#options;
    const why =
      rank === 1
        ? `first of ${candidates} candidates`
        : `number ${rank} of ${candidates} candidates, those before it do not answer for it`;
    log.info(
      {
        event: "serviceAnnounced",
        service: key,
        ip: address,
        protocol: "layer2",
        node: nodeName,
        interfaces,
        rank,
        candidates,
        ...(passedOver.length > 0 && { passedOver }),
      },
      `${address} is announced from ${nodeName} on ${interfaces.join(", ")}: ${why}`,
    );
    metrics.addAnnounced(this.#series(key, address));
  }

  /** One event a Service, not one an address, and none for what goes on: a speaker that restarts says nothing. */
  sayAssigned(key: string): void {
    this.record(key, {
      type: "Normal",
      reason: "nodeAssigned",
      message: `announcing from node "${this.#options.nodeName}" with protocol "layer2"`,
    });
  }

  #reportWithdrawn(transition: Transition & { readonly type: "withdrawn" }): void {
    const { key, address, reason, message } = transition;
    const { nodeName, log, metrics } = this.#options;
    log.info(
      {
        event: "serviceWithdrawn",
        service: key,
        ip: address,
        protocol: "layer2",
        node: nodeName,
        reason,
      },
      `${address} is not announced from ${nodeName} any more: ${message}`,
    );
    metrics.removeAnnounced(this.#series(key, address));
  }

  #reportFailed(transition: Transition & { readonly type: "failed" }): void {
    const { key, address, wanted } = transition;
    const { nodeName, log } = this.#options;
    const which = wanted === "all" ? "it has no usable interface" : `it lacks ${wanted.join(", ")}`;
    const message = `${address} cannot be announced from node "${nodeName}" with protocol "layer2": ${which}`;
    log.warn(
      { event: "announceFailed", service: key, ip: address, protocol: "layer2", node: nodeName },
      message,
    );
    this.record(key, { type: "Warning", reason: "announceFailed", message });
  }

  #series(key: string, address: string) {
    return { service: key, protocol: "layer2", node: this.#options.nodeName, ip: address } as const;
  }

  /** Records an event on the Service. */
  record(key: string, content: EventContent): void {
    recordOnService(this.#options, key, content);
  }
}
