import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { BgpMetrics } from "../../../../capabilities/speaker/bgp-metrics";
import type {
  BgpSessionCounters,
  BgpSessionReport,
  BgpSessionSpec,
} from "../../../../node/bgp-protocol";

const SPEC: BgpSessionSpec = {
  name: "r1",
  target: { type: "address", address: "192.0.2.2" },
  port: 179,
  isMultihop: false,
  configuration: {
    localAs: 64_512,
    expectedAs: { type: "exactly", as: 64_513 },
    bgpIdentifier: 1,
    holdTimeSeconds: 90,
    keepaliveSeconds: 30,
    families: ["ipv4-unicast"],
    offersExtendedNextHop: false,
    offersExtendedMessages: false,
  },
};

const COUNTERS: BgpSessionCounters = {
  session: "r1",
  sent: { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 },
  received: { open: 6, update: 7, notification: 8, keepalive: 9, routeRefresh: 10 },
  announcedPrefixes: 11,
  withdrawnPrefixes: 12,
  malformedMessages: 13,
  flaps: 14,
  connectionAttempts: 15,
  desiredPrefixes: 16,
  sentPrefixes: 17,
  pendingPrefixes: 18,
  malformed: { "3/6 treatAsWithdraw": 2 },
  notifications: {},
};

const REPORT: BgpSessionReport = {
  type: "session",
  session: "r1",
  state: "Established",
  words: "KEEPALIVE received",
  flaps: 3,
  warnings: [],
};

function given(withFrrK8sNames = false) {
  const registry = new Registry();
  const metrics = new BgpMetrics(registry, { withFrrK8sNames });
  metrics.setSessions([SPEC]);
  metrics.noteSession(REPORT);
  metrics.noteCounters([COUNTERS]);
  return { registry, metrics };
}

async function linesOf(registry: Registry, prefix: string): Promise<readonly string[]> {
  const text = await registry.metrics();
  return text.split("\n").filter(line => line.startsWith(prefix));
}

describe("metrics of a BGP session", () => {
  it("are those of both modes of MetalLB, by address and port", async () => {
    const { registry } = given();
    const labels = '{peer="192.0.2.2:179",vrf="default"}';
    const lines = await linesOf(registry, "metallb_bgp_");
    expect([...lines].sort()).toEqual(
      [
        `metallb_bgp_session_up${labels} 1`,
        `metallb_bgp_announced_prefixes_total${labels} 17`,
        `metallb_bgp_pending_prefixes_total${labels} 16`,
        `metallb_bgp_updates_total${labels} 2`,
        `metallb_bgp_opens_sent${labels} 1`,
        `metallb_bgp_opens_received${labels} 6`,
        `metallb_bgp_notifications_sent${labels} 3`,
        `metallb_bgp_updates_total_received${labels} 7`,
        `metallb_bgp_keepalives_sent${labels} 4`,
        `metallb_bgp_keepalives_received${labels} 9`,
        `metallb_bgp_route_refresh_sent${labels} 5`,
        `metallb_bgp_total_sent${labels} 15`,
        `metallb_bgp_total_received${labels} 40`,
      ].sort(),
    );
    expect(await linesOf(registry, "frrk8s_")).toEqual([]);
  });

  it("have frr-k8s's names beside them on request, by address alone", async () => {
    const { registry } = given(true);
    const labels = '{peer="192.0.2.2",vrf="default"}';
    const lines = await linesOf(registry, "frrk8s_bgp_");
    expect(lines).toContain(`frrk8s_bgp_session_up${labels} 1`);
    expect(lines).toContain(`frrk8s_bgp_received_prefixes_total${labels} 11`);
    expect(lines).toContain(`frrk8s_bgp_total_received${labels} 40`);
    expect(lines.some(line => line.includes("pending_prefixes"))).toBe(false);
    expect(await linesOf(registry, "metallb_bgp_session_up")).toHaveLength(1);
  });

  it("name a VRF, and an interface in place of an address", async () => {
    const { registry, metrics } = given();
    const target = { type: "interface", interface: "eth1" } as const;
    metrics.setSessions([{ ...SPEC, target, vrf: "red" }]);
    const lines = await linesOf(registry, "metallb_bgp_session_up");
    expect(lines).toEqual(['metallb_bgp_session_up{peer="eth1:179",vrf="red"} 1']);
  });

  it("tell the newest NOTIFICATION of either direction", async () => {
    const { registry, metrics } = given();
    const sent = { code: 4, subcode: 0, words: "", atMs: 2_000 };
    const received = { code: 6, subcode: 2, words: "", atMs: 1_000 };
    metrics.noteSession({ ...REPORT, lastSent: sent, lastReceived: received });
    const labels = 'peer="192.0.2.2:179",vrf="default"';
    expect(await linesOf(registry, "herald_bgp_last_error")).toEqual([
      `herald_bgp_last_error{${labels},direction="sent",code="4",subcode="0"} 1`,
    ]);
    metrics.noteSession({ ...REPORT, lastReceived: { ...received, atMs: 3_000 } });
    expect(await linesOf(registry, "herald_bgp_last_error")).toEqual([
      `herald_bgp_last_error{${labels},direction="received",code="6",subcode="2"} 1`,
    ]);
  });

  it("count flaps and what was malformed", async () => {
    const { registry } = given();
    const labels = 'peer="192.0.2.2:179",vrf="default"';
    expect(await linesOf(registry, "herald_bgp_session_flaps")).toEqual([
      `herald_bgp_session_flaps_total{${labels}} 3`,
    ]);
    expect(await linesOf(registry, "herald_bgp_malformed")).toEqual([
      `herald_bgp_malformed_total{${labels},reason="3/6 treatAsWithdraw"} 2`,
    ]);
  });

  it("go with the session, and a later word about it brings none back", async () => {
    const { registry, metrics } = given(true);
    metrics.setSessions([]);
    metrics.noteSession(REPORT);
    metrics.noteCounters([COUNTERS]);
    expect(await linesOf(registry, "metallb_bgp_")).toEqual([]);
    expect(await linesOf(registry, "frrk8s_")).toEqual([]);
    expect(await linesOf(registry, "herald_bgp_session")).toEqual([]);
  });
});
