/** A segment without IPv4: a node owns addresses only while it hears others there, and asks the IPv6 gateway when it is quiet. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Capture, Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const VIP = "2001:db8::10";
const GATEWAY = "2001:db8::fe";
const NODES = { node: "2001:db8::1", peer: "2001:db8::2" } as const;

let bundles: PacketBundles;
let segment: Segment;
let node: PacketNode;

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
});

afterAll(() => bundles.remove());

beforeEach(async () => {
  segment = new Segment("packet-proof", [
    { name: "node", mac: "02:00:00:00:00:01", addresses: [`${NODES.node}/64`] },
    { name: "peer", mac: "02:00:00:00:00:02", addresses: [`${NODES.peer}/64`] },
    { name: "gateway", mac: "02:00:00:00:00:fe", addresses: [`${GATEWAY}/64`] },
  ]);
  const host = segment.host("node");
  host.ip("-6", "route", "add", "default", "via", GATEWAY, "dev", "eth0");
  node = await PacketNode.start(host, bundles);
  const peers = Object.entries(NODES).map(([nodeName, address]) => ({
    nodeName,
    addresses: [address],
  }));
  node.post(configure("node", { bindAddresses: [NODES.node], peers }));
  node.post({ type: "announce", entries: [entry(VIP, ["node", "peer"])] });
  return async () => {
    await node.stop();
    segment.destroy();
  };
});

it("a node whose peer is silent owns an address, because the gateway answers it", async () => {
  const capture = await Capture.start(segment.host("gateway"), "icmp6");
  await eventually("owned", 8_000, () => node.isOwner(VIP));
  await capture.stop();
  const asked = capture.lines.filter(line => line.includes(`who has ${GATEWAY}`));
  expect(asked.length).toBeGreaterThan(0);
  // Never from `::`: that would fail the duplicate address detection of a gateway that is coming up.
  expect(asked.filter(line => line.includes(" :: > "))).toEqual([]);
  expect(asked.some(line => line.includes(" fe80::"))).toBe(true);
});

it("gives the address up when nobody is heard any more although the link has carrier, and owns it again", async () => {
  await eventually("owned", 8_000, () => node.isOwner(VIP));
  for (const name of ["peer", "gateway"]) segment.setCable(name, false);
  await eventually("given up", 3_000, () => !node.isOwner(VIP));
  expect(node.last("interfaces")?.interfaces.find(({ name }) => name === "eth0")?.isUsable).toBe(
    true,
  );
  for (const name of ["peer", "gateway"]) segment.setCable(name, true);
  await eventually("owned again", 8_000, () => node.isOwner(VIP));
});
