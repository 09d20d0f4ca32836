/** Sessions with BIRD and FRR's bfdd come Up, carry what was configured and notice when the daemon is gone. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ensureRouters } from "../../../lab/routers/packages";
import { eventually, type Segment } from "../../support/netns";
import { BfdNode, bundleBfdPrograms, settingsOf, type BfdBundles } from "./bfd-node";
import {
  DAEMONS,
  NODE,
  NODE_LINK_LOCAL,
  PEER,
  PEER_LINK_LOCAL,
  newSegment,
  request,
  type StartedPeer,
} from "./support";

let bundles: BfdBundles;
let segment: Segment;
let node: BfdNode;
let peer: StartedPeer | undefined;

beforeAll(async () => {
  await ensureRouters(["bird", "frr"]);
  bundles = await bundleBfdPrograms();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  segment = newSegment("bfdup");
  node = await BfdNode.start(segment.host("node").namespace, bundles);
});
afterEach(async () => {
  await node.kill();
  await peer?.stop();
  peer = undefined;
  segment.destroy();
});

const FAMILIES = [
  ["IPv4", { node: NODE, local: PEER }],
  ["IPv6", { node: "2001:db8::1", local: "2001:db8::2" }],
  ["IPv6 link-local", { node: NODE_LINK_LOCAL, local: PEER_LINK_LOCAL, interfaceName: "eth0" }],
] as const;

describe.each(DAEMONS)("%s", (_, start) => {
  const namespace = (): string => segment.host("peer").namespace;

  it.each(FAMILIES)("comes Up over %s, keeps the pace, and its death is seen", async (_, ends) => {
    peer = await start(namespace(), { ...ends, intervalMs: 100 });
    const device = "interfaceName" in ends ? { interface: "eth0" } : {};
    node.request([request({ peerAddress: ends.local, ...device })]);
    await node.whenPath("router", "up", 8_000);
    await eventually("both keep the same pace", 5_000, () => {
      const counters = node.countersOf("router");
      return counters?.transmitIntervalMs === 100 && counters.detectionTimeMs === 300;
    });
    const killedMs = Date.now();
    peer.signal("SIGKILL");
    const down = await node.whenPath("router", "down", 5_000);
    expect(down.message.words).toBe("control detection time expired");
    // The last packet came up to 100 ms before; the rest is for a busy machine.
    expect(down.atMs - killedMs).toBeGreaterThan(190);
    expect(down.atMs - killedMs).toBeLessThan(600);
  });

  it("comes Up when one end is passive, whichever it is", async () => {
    peer = await start(namespace(), { node: NODE, local: PEER, intervalMs: 100, isPassive: true });
    node.request([request()]);
    await node.whenPath("router", "up", 8_000);
    await peer.stop();
    await node.whenPath("router", "down", 5_000);
    peer = await start(namespace(), { node: NODE, local: PEER, intervalMs: 100 });
    node.request([request({ settings: settingsOf(100, { isPassive: true }) })]);
    await node.whenPath("router", "up", 8_000);
  });

  it("never comes Up when both ends are passive", async () => {
    peer = await start(namespace(), { node: NODE, local: PEER, intervalMs: 100, isPassive: true });
    node.request([request({ settings: settingsOf(100, { isPassive: true }) })]);
    await eventually("the session is there", 5_000, () => node.countersOf("router"));
    await new Promise(resolve => setTimeout(resolve, 2_500));
    expect(node.paths).toEqual([]);
    expect(node.countersOf("router")).toMatchObject({ controlSent: 0, controlReceived: 0 });
  });

  it("stays Up while the profile goes from 300 ms to 100 ms and back", async () => {
    peer = await start(namespace(), { node: NODE, local: PEER, intervalMs: 50 });
    const at = (intervalMs: number): void => {
      node.request([request({ settings: settingsOf(intervalMs) })]);
    };
    at(300);
    await node.whenPath("router", "up", 8_000);
    for (const intervalMs of [300, 100, 300]) {
      at(intervalMs);
      // The detection time changes only when the peer has answered the poll.
      await eventually(`both go at ${intervalMs} ms`, 5_000, () => {
        const counters = node.countersOf("router");
        return (
          counters?.transmitIntervalMs === intervalMs && counters.detectionTimeMs === 3 * intervalMs
        );
      });
    }
    expect(node.countersOf("router")).toMatchObject({ ups: 1, downs: 0 });
    expect(node.paths.map(({ message }) => message.state)).toEqual(["up"]);
  });

  it("keeps the session when only this node's own address becomes known", async () => {
    peer = await start(namespace(), { node: NODE, local: PEER, intervalMs: 100 });
    node.request([request()]);
    await node.whenPath("router", "up", 8_000);
    node.request([request({ localAddress: NODE })]);
    await new Promise(resolve => setTimeout(resolve, 1_000));
    expect(node.path("router")).toBe("up");
    expect(node.countersOf("router")?.downs).toBe(0);
  });

  it("is not Down because this node itself stood still for two seconds", async () => {
    // So slow that the peer does not give this node up in that time.
    peer = await start(namespace(), { node: NODE, local: PEER, intervalMs: 1_000 });
    node.request([request({ settings: settingsOf(300) })]);
    await node.whenPath("router", "up", 8_000);
    const stalls = 2;
    for (let stall = 0; stall < stalls; stall += 1) {
      node.signal("SIGSTOP");
      await new Promise(resolve => setTimeout(resolve, 2_000));
      node.signal("SIGCONT");
      await new Promise(resolve => setTimeout(resolve, 1_500));
    }
    const { states } = node;
    const own = states.filter(({ diagnostic }) => diagnostic === "control detection time expired");
    expect(own).toEqual([]);
  });
});
