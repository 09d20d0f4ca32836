import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnnouncementEntry, ConfigureCommand } from "../../../node/packet-protocol";
import { Segment, eventually } from "../../support/netns";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NODE_MAC = "02:00:00:00:00:01";
const CLIENT_MAC = "02:00:00:00:00:99";
const VIP = "192.0.2.10";

function configure(changes: Partial<ConfigureCommand> = {}): ConfigureCommand {
  return {
    type: "configure",
    nodeName: "node",
    heartbeat: { port: 7946, bindAddresses: ["192.0.2.1"], peers: [], namespace: "metallb-system" },
    excludedInterfaces: ["^veth.*", "^lo$"],
    ...changes,
  };
}

function entry(address: string, changes: Partial<AnnouncementEntry> = {}): AnnouncementEntry {
  return { address, interfaces: "all", candidates: ["node"], ...changes };
}

describe("a node that owns an address answers ARP", () => {
  let bundles: PacketBundles;
  let segment: Segment;
  let node: PacketNode;

  beforeAll(async () => {
    bundles = await bundlePacketPrograms();
    segment = new Segment("packet-arp", [
      { name: "node", mac: NODE_MAC, addresses: ["192.0.2.1/24"] },
      { name: "client", mac: CLIENT_MAC, addresses: ["192.0.2.99/24"] },
    ]);
    node = await PacketNode.start(segment.host("node"), bundles);
    node.post(configure());
    node.post({ type: "announce", entries: [entry(VIP)] });
    await eventually("the node owns the address", 3000, () => node.isOwner(VIP));
  });

  afterAll(async () => {
    await node.stop();
    segment.destroy();
    bundles.remove();
  });

  it("to arping, with the MAC of its interface", () => {
    const { stdout } = segment
      .host("client")
      .run("arping", "-c", "3", "-W", "0.05", "-i", "eth0", VIP);
    expect(stdout).toContain(`from ${NODE_MAC}`);
    expect(stdout).toMatch(/3 packets received/);
  });
});
