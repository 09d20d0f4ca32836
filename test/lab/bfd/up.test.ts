/** Sessions with FRR's bfdd and BIRD come Up and carry what was configured, over IPv4 and IPv6. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BirdDaemon } from "../../../lab/routers/bird-daemon";
import { FrrDaemons } from "../../../lab/routers/frr-daemons";
import { ensureRouters } from "../../../lab/routers/packages";
import { eventually, Segment } from "../../support/netns";
import { BfdNode, bundleBfdPrograms, settingsOf, type BfdBundles } from "./bfd-node";
import { birdBfd, frrBfd, type PeerSession } from "./peers";

const NODE_MAC = "02:00:5e:00:53:01";
const PEER_MAC = "02:00:5e:00:53:02";
/** What the kernel makes of the MAC addresses. */
const NODE_LINK_LOCAL = "fe80::5eff:fe00:5301";
const PEER_LINK_LOCAL = "fe80::5eff:fe00:5302";

let bundles: BfdBundles;
let segment: Segment;
let node: BfdNode;
let peer: { stop(): Promise<void> } | undefined;

beforeAll(async () => {
  await ensureRouters(["bird", "frr"]);
  bundles = await bundleBfdPrograms();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  segment = new Segment("bfdup", [
    { name: "node", mac: NODE_MAC, addresses: ["192.0.2.1/24", "2001:db8::1/64"] },
    { name: "peer", mac: PEER_MAC, addresses: ["192.0.2.2/24", "2001:db8::2/64"] },
  ]);
  node = await BfdNode.start(segment.host("node").namespace, bundles);
});
afterEach(async () => {
  await node.kill();
  await peer?.stop();
  peer = undefined;
  segment.destroy();
});

const DAEMONS = {
  BIRD: async (session: PeerSession) =>
    BirdDaemon.start({ namespace: segment.host("peer").namespace, config: birdBfd(session) }),
  FRR: async (session: PeerSession) =>
    FrrDaemons.start({
      namespace: segment.host("peer").namespace,
      daemons: ["bfdd"],
      config: frrBfd(session),
    }),
};

const FAMILIES = {
  IPv4: { node: "192.0.2.1", local: "192.0.2.2" },
  IPv6: { node: "2001:db8::1", local: "2001:db8::2" },
  "IPv6 link-local": { node: NODE_LINK_LOCAL, local: PEER_LINK_LOCAL, interfaceName: "eth0" },
} as const;

describe.each(Object.entries(DAEMONS))("%s", (_, start) => {
  it.each(Object.entries(FAMILIES))("comes Up over %s and keeps the pace", async (_, ends) => {
    peer = await start({ ...ends, intervalMs: 100 });
    const askedMs = Date.now();
    const device = "interfaceName" in ends ? { interface: "eth0" } : {};
    node.request([
      {
        session: "router",
        peerAddress: ends.local,
        ...device,
        isMultihop: false,
        settings: settingsOf(100),
      },
    ]);
    const up = await node.whenPath("router", "up", 8_000);
    expect(up.atMs - askedMs).toBeLessThan(3_000);
    await eventually("both keep the same pace", 5_000, () => {
      const counters = node.countersOf("router");
      return counters?.transmitIntervalMs === 100 && counters.detectionTimeMs === 300;
    });
  });
});
