/**
 * Metrics of the BFD sessions, under the names of MetalLB's FRR mode; on request also under those of frr-k8s. Values are taken
 * over from the packet thread's reports at each scrape, so the series of a session go with it.
 */
import { Counter, Gauge, type Registry } from "prom-client";
import { MARGIN_CLASSES_MS } from "../../lib/bfd/limits";
import type { BfdCountersReport, BfdSessionCountersReport } from "../../node/bfd-protocol";

type Session = BfdSessionCountersReport;
type Table = Readonly<Record<string, readonly [help: string, read: (session: Session) => number]>>;

const COUNTERS: Table = {
  control_packet_input: ["BFD control packets received", each => each.controlReceived],
  control_packet_output: ["BFD control packets sent", each => each.controlSent],
  echo_packet_input: ["BFD echo packets that came back", each => each.echoReceived],
  echo_packet_output: ["BFD echo packets sent", each => each.echoSent],
  session_up_events: ["Times the BFD session came Up", each => each.ups],
  session_down_events: ["Times the BFD session went from Up", each => each.downs],
  // FRR's name: its bfdd tells zebra, ours tells the BGP thread.
  zebra_notifications: ["Times BGP was told how the path stands", each => each.notifications],
};

const MARGIN = "herald_bfd_detection_margin_seconds";

export class BfdMetrics {
  #sessions: readonly Session[] = [];
  #coming: readonly Session[] = [];
  #dropped: Readonly<Record<string, number>> = {};
  #sendErrors = 0;

  /** Registers everything; `withFrrK8sNames` adds the names that MetalLB's frr-k8s mode exports. */
  constructor(registry: Registry, { withFrrK8sNames }: { readonly withFrrK8sNames: boolean }) {
    const prefixes = withFrrK8sNames ? ["metallb_bfd_", "frrk8s_bfd_"] : ["metallb_bfd_"];
    for (const prefix of prefixes) this.#addSessionMetrics(registry, prefix);
    this.#addMargins(registry);
    this.#addDropped(registry);
  }

  /** A list of sessions may come in several reports; it counts when it is complete. */
  note(report: BfdCountersReport): void {
    this.#coming = report.isFirst ? report.perSession : [...this.#coming, ...report.perSession];
    this.#dropped = report.dropped;
    this.#sendErrors = report.sendErrors;
    if (report.isLast) this.#sessions = this.#coming;
  }

  #addSessionMetrics(registry: Registry, prefix: string): void {
    const up: Gauge<"peer" | "vrf"> = new Gauge({
      name: `${prefix}session_up`,
      help: "1 while the BFD session is Up",
      labelNames: ["peer", "vrf"],
      registers: [registry],
      collect: () => {
        up.reset();
        for (const each of this.#sessions) up.set(toLabels(each), each.state === "Up" ? 1 : 0);
      },
    });
    for (const [name, [help, read]] of Object.entries(COUNTERS)) {
      const counter: Counter<"peer" | "vrf"> = new Counter({
        name: `${prefix}${name}`,
        help,
        labelNames: ["peer", "vrf"],
        registers: [registry],
        collect: () => {
          counter.reset();
          for (const each of this.#sessions) counter.inc(toLabels(each), read(each));
        },
      });
    }
  }

  /** The series of a histogram, from counts that the packet thread has put into classes already. */
  #addMargins(registry: Registry): void {
    const bucket: Counter<"peer" | "vrf" | "le"> = new Counter({
      name: `${MARGIN}_bucket`,
      help: "Packets by how much of the detection time was left when they came",
      labelNames: ["peer", "vrf", "le"],
      registers: [registry],
      collect: () => {
        bucket.reset();
        for (const each of this.#sessions) {
          let packets = 0;
          for (const [index, count] of each.margins.entries()) {
            packets += count;
            bucket.inc({ ...toLabels(each), le: toBound(index) }, packets);
          }
        }
      },
    });
    const addTotal = (suffix: string, help: string, read: (session: Session) => number): void => {
      const counter: Counter<"peer" | "vrf"> = new Counter({
        name: `${MARGIN}_${suffix}`,
        help,
        labelNames: ["peer", "vrf"],
        registers: [registry],
        collect: () => {
          counter.reset();
          for (const each of this.#sessions) counter.inc(toLabels(each), read(each));
        },
      });
    };
    addTotal("sum", "Sum of what was left of the detection time", each => each.marginSumMs / 1_000);
    addTotal("count", "Packets whose margin was taken", each =>
      each.margins.reduce((sum, count) => sum + count, 0),
    );
  }

  #addDropped(registry: Registry): void {
    const dropped: Counter<"reason"> = new Counter({
      name: "herald_bfd_rx_dropped_total",
      help: "Received BFD packets that were dropped, by reason",
      labelNames: ["reason"],
      registers: [registry],
      collect: () => {
        dropped.reset();
        for (const [reason, count] of Object.entries(this.#dropped)) dropped.inc({ reason }, count);
      },
    });
    const sendErrors: Counter = new Counter({
      name: "herald_bfd_send_errors_total",
      help: "BFD packets that the kernel did not take",
      registers: [registry],
      collect: () => {
        sendErrors.reset();
        sendErrors.inc(this.#sendErrors);
      },
    });
  }
}

function toLabels({ peer, vrf }: Session): { readonly peer: string; readonly vrf: string } {
  return { peer, vrf: vrf === "" ? "default" : vrf };
}

function toBound(index: number): string {
  const classMs = MARGIN_CLASSES_MS[index];
  return classMs === undefined ? "+Inf" : String(classMs / 1_000);
}
