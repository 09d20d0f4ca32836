import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { BfdMetrics } from "../../../../capabilities/speaker/bfd-metrics";
import type { BfdCountersReport, BfdSessionCountersReport } from "../../../../node/bfd-protocol";

function session(more: Partial<BfdSessionCountersReport> = {}): BfdSessionCountersReport {
  return {
    sessions: ["router"],
    peer: "192.0.2.2",
    vrf: "",
    state: "Up",
    transmitIntervalMs: 300,
    detectionTimeMs: 900,
    controlReceived: 7,
    controlSent: 8,
    echoReceived: 3,
    echoSent: 4,
    ups: 2,
    downs: 1,
    notifications: 5,
    margins: [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4],
    marginSumMs: 1_500,
    ...more,
  };
}

function counters(more: Partial<BfdCountersReport> = {}): BfdCountersReport {
  return {
    type: "bfdCounters",
    perSession: [session()],
    isFirst: true,
    isLast: true,
    dropped: { ttl: 3 },
    sendErrors: 2,
    ...more,
  };
}

async function linesOf(registry: Registry): Promise<readonly string[]> {
  const text = await registry.metrics();
  return text.split("\n").filter(line => line !== "" && !line.startsWith("#"));
}

it("has the names and labels of MetalLB's FRR mode", async () => {
  const registry = new Registry();
  new BfdMetrics(registry, { withFrrK8sNames: false }).note(counters());
  const lines = await linesOf(registry);
  const labels = '{peer="192.0.2.2",vrf="default"}';
  for (const [name, value] of [
    ["session_up", 1],
    ["control_packet_input", 7],
    ["control_packet_output", 8],
    ["echo_packet_input", 3],
    ["echo_packet_output", 4],
    ["session_up_events", 2],
    ["session_down_events", 1],
    ["zebra_notifications", 5],
  ] as const) {
    expect(lines).toContain(`metallb_bfd_${name}${labels} ${value}`);
  }
  expect(lines.some(line => line.startsWith("frrk8s_"))).toBe(false);
});

it("has frr-k8s' names on request", async () => {
  const registry = new Registry();
  const metrics = new BfdMetrics(registry, { withFrrK8sNames: true });
  metrics.note(counters({ perSession: [session({ state: "Down", vrf: "red" })] }));
  expect(await linesOf(registry)).toContain('frrk8s_bfd_session_up{peer="192.0.2.2",vrf="red"} 0');
});

it("counts what was dropped, what was not sent, and the margins as a histogram", async () => {
  const registry = new Registry();
  new BfdMetrics(registry, { withFrrK8sNames: false }).note(counters());
  const lines = await linesOf(registry);
  expect(lines).toContain('herald_bfd_rx_dropped_total{reason="ttl"} 3');
  expect(lines).toContain("herald_bfd_send_errors_total 2");
  const margin = "herald_bfd_detection_margin_seconds";
  const labels = 'peer="192.0.2.2",vrf="default"';
  expect(lines).toContain(`${margin}_bucket{${labels},le="0"} 1`);
  expect(lines).toContain(`${margin}_bucket{${labels},le="0.01"} 3`);
  expect(lines).toContain(`${margin}_bucket{${labels},le="+Inf"} 7`);
  expect(lines).toContain(`${margin}_sum{${labels}} 1.5`);
  expect(lines).toContain(`${margin}_count{${labels}} 7`);
});

it("forgets the series of sessions that are gone, and takes a list only when it is complete", async () => {
  const registry = new Registry();
  const metrics = new BfdMetrics(registry, { withFrrK8sNames: false });
  metrics.note(counters());
  const half = counters({ perSession: [session({ peer: "192.0.2.3" })], isLast: false });
  metrics.note(half);
  expect((await linesOf(registry)).some(line => line.includes("192.0.2.2"))).toBe(true);
  metrics.note(counters({ perSession: [session({ peer: "192.0.2.4" })], isFirst: false }));
  const lines = await linesOf(registry);
  const peers = new Set(lines.flatMap(line => /peer="(.*?)"/.exec(line)?.[1] ?? []));
  expect(peers).toEqual(new Set(["192.0.2.3", "192.0.2.4"]));
  metrics.note(counters({ perSession: [] }));
  expect((await linesOf(registry)).some(line => line.includes("peer="))).toBe(false);
});
