import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NODE_MAC = "02:00:00:00:00:01";
const STALE_MAC = "02:00:00:00:00:55";
const VIP = "192.0.2.10";
const VIP6 = "2001:db8::10";

let bundles: PacketBundles;
let segment: Segment;
let node: PacketNode;

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
});

beforeEach(async () => {
  segment = new Segment("packet-links", [
    { name: "node", mac: NODE_MAC, addresses: ["192.0.2.1/24"] },
    { name: "client", mac: "02:00:00:00:00:99", addresses: ["192.0.2.99/24", "2001:db8::99/64"] },
  ]);
  node = await PacketNode.start(segment.host("node"), bundles);
  node.post(configure("node", {}, ["^veth.*", "^lo$", "^dummy.*"]));
  node.post({ type: "announce", entries: [entry(VIP, ["node"]), entry(VIP6, ["node"])] });
  await eventually("owned", 3000, () => node.isOwner(VIP) && node.isOwner(VIP6));
  return async () => {
    await node.stop();
    segment.destroy();
  };
});

afterAll(() => bundles.remove());

function isAnswered(address = VIP): string | undefined {
  const client = segment.host("client");
  const { stdout } = client.run("arping", "-c", "1", "-W", "0.05", "-i", "eth0", address);
  return /from ([0-9a-f:]{17})/.exec(stdout)?.[1];
}

function interfaceReport(name: string): { isUsable: boolean; reason?: string } | undefined {
  return node.last("interfaces")?.interfaces.find(report => report.name === name);
}

function spoilNeighbors(): void {
  const client = segment.host("client");
  for (const address of [VIP, VIP6]) {
    client.ip("neigh", "replace", address, "lladdr", STALE_MAC, "nud", "reachable", "dev", "eth0");
  }
}

/** Both neighbor entries of the client hold the MAC. */
function isLearnt(mac: string): boolean {
  const client = segment.host("client");
  return [VIP, VIP6].every(address => client.neighbor(address)?.mac === mac);
}

describe("the packet thread follows its interfaces", () => {
  it("when the cable is pulled and put back: announces and answers again, group included", async () => {
    segment.setCable("node", false);
    await eventually("seen", 1000, () => interfaceReport("eth0")?.reason === "no carrier");
    // Nobody else could have it either: that is said, too.
    await eventually("given up", 1000, () => node.ownership(VIP)?.interfaces.length === 0);
    expect(node.ownership(VIP)).toMatchObject({ isOwner: true, interfaces: [] });
    spoilNeighbors();
    segment.setCable("node", true);
    await eventually("announced", 2000, () => isLearnt(NODE_MAC));
    expect(isAnswered()).toBe(NODE_MAC);
    expect(node.host.run("cat", "/proc/net/igmp6").stdout).toContain(
      "ff0200000000000000000001ff000010",
    );
  });

  it("when it gets another MAC address: announces and answers with it", async () => {
    const newMac = "02:00:00:00:00:02";
    spoilNeighbors();
    node.host.ip("link", "set", "eth0", "address", newMac);
    await eventually("announced", 2000, () => isLearnt(newMac));
    expect(isAnswered()).toBe(newMac);
  });

  it("when it is set down and up", async () => {
    node.host.ip("link", "set", "eth0", "down");
    await eventually("seen", 1000, () => interfaceReport("eth0")?.reason === "down");
    node.host.ip("link", "set", "eth0", "up");
    await eventually("answers", 2000, () => isAnswered() === NODE_MAC);
  });

  it("when it vanishes and comes back with the same name", async () => {
    node.host.ip("link", "del", "eth0");
    await eventually("gone", 1000, () => interfaceReport("eth0") === undefined);
    const bridge = node.host.namespace.replace(/-node$/, "-br");
    const peer = ["peer", "name", "node", "netns", bridge];
    node.host.ip("link", "add", "eth0", "address", NODE_MAC, "type", "veth", ...peer);
    node.host.ip("link", "set", "eth0", "up");
    segment.plug("node");
    await eventually("answers", 2000, () => isAnswered() === NODE_MAC);
    await eventually("knows it", 1000, () => node.ownership(VIP)?.interfaces.includes("eth0"));
  });

  it("and leaves alone what cannot or shall not carry announcements", async () => {
    const { host } = node;
    const addVeth = (name: string): string =>
      host.ip("link", "add", name, "type", "veth", "peer", "name", `${name}p`);
    for (const name of ["dummy7", "port7", "noarp7"]) addVeth(name);
    host.ip("link", "add", "br7", "type", "bridge");
    for (const name of ["dummy7", "br7", "port7p"]) host.ip("link", "set", name, "up");
    host.ip("link", "set", "port7", "master", "br7", "up");
    host.ip("link", "set", "noarp7", "arp", "off", "up");
    await eventually("all seen", 2000, () => interfaceReport("noarp7")?.reason === "without ARP");
    const reasons = ["lo", "dummy7", "port7"].map(name => interfaceReport(name)?.reason);
    expect(reasons).toEqual([
      "excluded by configuration",
      "excluded by configuration",
      "port of another interface",
    ]);
    await eventually("a bridge with a port that has carrier is used", 2000, () =>
      node.ownership(VIP)?.interfaces.includes("br7"),
    );
  });

  it("and speaks heartbeats from an address that comes later", async () => {
    node.post(configure("node", { bindAddresses: ["192.0.2.2"] }));
    await eventually("complains", 2000, () =>
      node.reports.some(
        report => report.type === "log" && report.msg.startsWith("cannot speak from an address"),
      ),
    );
    node.host.ip("address", "add", "192.0.2.2/24", "dev", "eth0");
    await eventually("bound", 1000, () =>
      node.host.run("cat", "/proc/net/udp").stdout.includes("020200C0:1F0A"),
    );
  });
});
