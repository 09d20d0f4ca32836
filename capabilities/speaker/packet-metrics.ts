/** What the packet thread counts as a whole: frames and heartbeats by what became of them, and how punctual it is. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { PacketTotals } from "../../node/packet-protocol";

/** Totals only grow while the thread lives; one that starts again counts from zero. */
export class PacketMetrics {
  readonly #frames: Counter<"protocol" | "outcome">;
  readonly #heartbeats: Counter<"outcome">;
  readonly #directed: Counter<"result">;
  readonly #sendErrors: Counter;
  readonly #delay: Gauge;
  readonly #last = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#frames = new Counter({
      name: "herald_layer2_frames_total",
      help: "Received ARP and NDP frames that passed the kernel's filter, by what became of them",
      labelNames: ["protocol", "outcome"],
      registers,
    });
    this.#heartbeats = new Counter({
      name: "herald_heartbeats_total",
      help: "Heartbeats between speakers, by what became of them",
      labelNames: ["outcome"],
      registers,
    });
    this.#directed = new Counter({
      name: "herald_layer2_directed_requests_total",
      help: "Requests that tell a gateway or an asker by name where an address is, and those that were answered",
      labelNames: ["result"],
      registers,
    });
    this.#sendErrors = new Counter({
      name: "herald_layer2_send_errors_total",
      help: "Frames that the kernel did not take",
      registers,
    });
    this.#delay = new Gauge({
      name: "herald_packet_thread_worst_delay_seconds",
      help: "How late the packet thread woke, or how long it worked without looking up, at worst in the last second",
      registers,
    });
  }

  note(totals: PacketTotals): void {
    for (const protocol of ["arp", "ndp"] as const) {
      for (const [outcome, count] of Object.entries(totals[protocol])) {
        this.#frames.inc({ protocol, outcome }, this.#grown(`${protocol} ${outcome}`, count));
      }
    }
    for (const [outcome, count] of Object.entries(totals.heartbeats)) {
      this.#heartbeats.inc({ outcome }, this.#grown(`heartbeat ${outcome}`, count));
    }
    for (const [result, count] of Object.entries(totals.directed)) {
      this.#directed.inc({ result }, this.#grown(`directed ${result}`, count));
    }
    this.#sendErrors.inc(this.#grown("sendErrors", totals.sendErrors));
    this.#delay.set(Math.max(totals.worstWakeDelayMs, totals.longestTurnMs, 0) / 1_000);
  }

  #grown(name: string, now: number): number {
    const before = this.#last.get(name) ?? 0;
    this.#last.set(name, now);
    return now >= before ? now - before : now;
  }
}
