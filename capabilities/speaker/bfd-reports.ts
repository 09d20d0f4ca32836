/** What the packet thread reports about BFD: metrics, and a log line for each change of a session. */
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { BfdReport, BfdStateReport } from "../../node/bfd-protocol";
import type { PacketReport } from "../../node/packet-protocol";
import { BfdMetrics } from "./bfd-metrics";

export interface BfdReportsOptions {
  readonly registry: Registry;
  readonly withFrrK8sNames: boolean;
  readonly log: Logger;
}

export class BfdReports {
  readonly #log: Logger;
  readonly #metrics: BfdMetrics;

  constructor({ registry, withFrrK8sNames, log }: BfdReportsOptions) {
    this.#log = log;
    this.#metrics = new BfdMetrics(registry, { withFrrK8sNames });
  }

  note(report: BfdReport): void {
    if (report.type === "bfdCounters") this.#metrics.note(report);
    else this.#noteState(report);
  }

  #noteState(state: BfdStateReport): void {
    const { type: event, from, to, diagnostic, remoteState } = state;
    const fields = { event, ...state };
    if (to === "Up") this.#log.info(fields, "BFD session is Up");
    else if (from === "Up" && remoteState === "AdminDown") {
      this.#log.info(fields, "BFD session ended by the peer's administrator; BGP goes on");
    } else if (from === "Up" && to === "Down") {
      this.#log.warn(fields, `BFD session is Down: ${diagnostic}`);
    } else this.#log.debug(fields, `BFD session is ${to}`);
  }
}

export function isBfdReport(report: PacketReport): report is BfdReport {
  return report.type === "bfdState" || report.type === "bfdCounters";
}
