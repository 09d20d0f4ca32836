import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { PacketMetrics } from "../../../../capabilities/speaker/packet-metrics";
import type { PacketTotals } from "../../../../node/packet-protocol";

const TOTALS: PacketTotals = {
  arp: { answered: 5, badSender: 1 },
  ndp: { hopLimit: 2 },
  directed: { sent: 4, confirmed: 3 },
  heartbeats: { received: 7, unauthenticated: 2 },
  sendErrors: 1,
  worstWakeDelayMs: 12,
  longestTurnMs: 3,
};

it("counts on from the totals of the packet thread, and from zero when that starts again", async () => {
  const registry = new Registry();
  const metrics = new PacketMetrics(registry);
  metrics.note(TOTALS);
  metrics.note({ ...TOTALS, arp: { answered: 8, badSender: 1 } });
  metrics.note({ ...TOTALS, arp: { answered: 1, badSender: 0 } });
  const lines = (await registry.metrics()).split("\n");
  for (const line of [
    'herald_layer2_frames_total{protocol="arp",outcome="answered"} 9',
    'herald_layer2_frames_total{protocol="arp",outcome="badSender"} 1',
    'herald_layer2_frames_total{protocol="ndp",outcome="hopLimit"} 2',
    'herald_heartbeats_total{outcome="unauthenticated"} 2',
    'herald_layer2_directed_requests_total{result="confirmed"} 3',
    "herald_layer2_send_errors_total 1",
    "herald_packet_thread_worst_delay_seconds 0.012",
  ]) {
    expect(lines).toContain(line);
  }
});
