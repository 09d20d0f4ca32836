import { beforeEach, describe, expect, it } from "vitest";
import { SpeakerMetrics } from "../../../../capabilities/speaker/metrics";

let contactMs: number | undefined;
let metrics: SpeakerMetrics;

beforeEach(() => {
  contactMs = undefined;
  metrics = new SpeakerMetrics({ lastContactMs: () => contactMs, nowMs: () => 5_000 });
});

async function scrape(): Promise<string[]> {
  return (await metrics.registry.metrics()).split("\n");
}

const series = {
  service: "web/nginx",
  protocol: "layer2",
  node: "node-a",
  ip: "192.0.2.10",
} as const;
const announcedLine =
  'metallb_speaker_announced{service="web/nginx",protocol="layer2",node="node-a",ip="192.0.2.10"} 1';

describe("SpeakerMetrics", () => {
  it("shows an announced address until it is withdrawn", async () => {
    metrics.addAnnounced(series);
    expect(await scrape()).toContain(announcedLine);
    metrics.removeAnnounced(series);
    expect((await scrape()).join("\n")).not.toContain("192.0.2.10");
  });

  it("tells about the process what costs nothing while nothing happens", async () => {
    const lines = (await scrape()).join("\n");
    expect(lines).toContain("process_resident_memory_bytes");
    expect(lines).toContain("nodejs_eventloop_lag_seconds");
    expect(lines).not.toContain("nodejs_eventloop_lag_mean_seconds");
  });

  it("says that no configuration was loaded until one was", async () => {
    expect(await scrape()).toContain("metallb_k8s_client_config_loaded_bool 0");
    metrics.setConfiguration({ isStale: true });
    expect(await scrape()).toContain("metallb_k8s_client_config_loaded_bool 1");
    expect(await scrape()).toContain("metallb_k8s_client_config_stale_bool 1");
    metrics.setConfiguration({ isStale: false });
    expect(await scrape()).toContain("metallb_k8s_client_config_stale_bool 0");
  });

  it("counts on when the packet thread begins at zero again", async () => {
    const counts = { address: "192.0.2.10", responsesSent: 0, gratuitousSent: 0 };
    metrics.count({ ...counts, requestsReceived: 5 });
    metrics.count({ ...counts, requestsReceived: 7 });
    metrics.count({ ...counts, requestsReceived: 2 });
    expect(await scrape()).toContain('metallb_layer2_requests_received{ip="192.0.2.10"} 9');
  });

  it("drops the series of addresses that are gone", async () => {
    const counts = { requestsReceived: 1, responsesSent: 2, gratuitousSent: 3 };
    metrics.count({ address: "192.0.2.10", ...counts });
    metrics.count({ address: "192.0.2.11", ...counts });
    metrics.keepAddresses(new Set(["192.0.2.11"]));
    expect((await scrape()).join("\n")).not.toContain("192.0.2.10");
    expect(await scrape()).toContain('metallb_layer2_gratuitous_sent{ip="192.0.2.11"} 3');
  });

  it("counts the claims of strangers, eight MAC addresses apart and the others together, until the address goes", async () => {
    for (let index = 0; index < 10; index += 1) {
      metrics.countConflict("192.0.2.10", `02:00:00:00:00:0${index}`, 2);
    }
    metrics.countDefences("192.0.2.10", 1);
    const lines = await scrape();
    expect(lines).toContain(
      'herald_layer2_conflicts_total{ip="192.0.2.10",mac="02:00:00:00:00:07"} 2',
    );
    expect(lines).toContain('herald_layer2_conflicts_total{ip="192.0.2.10",mac="other"} 4');
    expect(lines).toContain('herald_layer2_defences_total{ip="192.0.2.10"} 1');
    metrics.keepAddresses(new Set());
    expect((await scrape()).join("\n")).not.toContain("192.0.2.10");
  });

  it("tells the age of the cluster's state, once there is one", async () => {
    const name = "herald_speaker_cluster_state_age_seconds";
    expect((await scrape()).some(line => line.startsWith(`${name} `))).toBe(false);
    contactMs = 3_500;
    expect(await scrape()).toContain(`${name} 1.5`);
  });

  it("has MetalLB's names", async () => {
    const text = (await scrape()).join("\n");
    for (const name of [
      "metallb_speaker_announced",
      "metallb_layer2_requests_received",
      "metallb_layer2_responses_sent",
      "metallb_layer2_gratuitous_sent",
      "metallb_k8s_client_updates_total",
      "metallb_k8s_client_update_errors_total",
      "metallb_k8s_client_config_loaded_bool",
      "metallb_k8s_client_config_stale_bool",
      "process_cpu_seconds_total",
    ]) {
      expect(text).toContain(`# TYPE ${name} `);
    }
  });
});
