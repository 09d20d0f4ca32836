import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Capture, Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NODE_MAC = "02:00:00:00:00:01";
const STALE_MAC = "02:00:00:00:00:55";
const VIP = "2001:db8::10";

let bundles: PacketBundles;
let segment: Segment;
let node: PacketNode;

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
  segment = new Segment("packet-ndp", [
    { name: "node", mac: NODE_MAC, addresses: ["2001:db8::1/64"] },
    { name: "client", mac: "02:00:00:00:00:99", addresses: ["2001:db8::99/64"] },
  ]);
  node = await PacketNode.start(segment.host("node"), bundles);
  node.post(configure("node", { bindAddresses: ["2001:db8::1"] }));
  node.post({ type: "announce", entries: [entry(VIP, ["node"])] });
  await eventually("the node owns the address", 3000, () => node.isOwner(VIP));
});

afterAll(async () => {
  await node.stop();
  segment.destroy();
  bundles.remove();
});

/** Groups that the node has joined on `eth0`, as the kernel writes them: 32 hexadecimal digits. */
function joinedGroups(): readonly string[] {
  const { stdout } = node.host.run("cat", "/proc/net/igmp6");
  return stdout
    .split("\n")
    .map(line => line.trim().split(/\s+/))
    .filter(words => words[1] === "eth0")
    .map(words => words[2] ?? "");
}

describe("a node that owns an IPv6 address", () => {
  it("answers ndisc6, which solicits by multicast from a link-local address", async () => {
    const client = segment.host("client");
    await eventually("the client has a link-local address", 5000, () =>
      /fe80::.*scope link\s*\n/.test(
        client.ip("-6", "address", "show", "dev", "eth0", "-tentative"),
      ),
    );
    const { stdout } = client.run("ndisc6", "-1", "-w", "500", VIP, "eth0");
    expect(stdout.toLowerCase()).toContain(NODE_MAC);
  });

  it("answers the unicast probes of unreachability detection", async () => {
    const client = segment.host("client");
    const change = ["neigh", "replace", VIP, "lladdr", NODE_MAC, "dev", "eth0", "nud"];
    client.ip(...change, "stale");
    const capture = await Capture.start(client, "icmp6");
    client.ip(...change, "probe");
    await eventually("reachable", 3000, () => client.neighbor(VIP)?.state === "REACHABLE");
    await eventually("captured", 2000, () =>
      capture.lines.some(line => line.includes(`> ${NODE_MAC}`) && line.includes("solicitation")),
    );
    await capture.stop();
  });

  it("defends the address against a host that takes it", async () => {
    const client = segment.host("client");
    client.ip("address", "add", `${VIP}/64`, "dev", "eth0");
    await eventually("duplicate found", 5000, () =>
      client.ip("-6", "address", "show", "dev", "eth0").includes("dadfailed"),
    );
    client.ip("address", "del", `${VIP}/64`, "dev", "eth0");
  });

  it("joins the solicited-node group and leaves it with the address", async () => {
    await eventually("joined", 2000, () =>
      joinedGroups().includes("ff0200000000000000000001ff000010"),
    );
    const other = entry("2001:db8::ab:cdef", ["node"]);
    node.post({ type: "announce", entries: [entry(VIP, ["node"]), other] });
    const group = "ff0200000000000000000001ffabcdef";
    await eventually("joined", 2000, () => joinedGroups().includes(group));
    node.post({ type: "announce", entries: [entry(VIP, ["node"])] });
    await eventually("left", 2000, () => !joinedGroups().includes(group));
  });

  it("corrects neighbor tables when it gains an address", async () => {
    const client = segment.host("client");
    const gained = "2001:db8::20";
    client.ip("neigh", "replace", gained, "lladdr", STALE_MAC, "nud", "reachable", "dev", "eth0");
    node.post({ type: "announce", entries: [entry(VIP, ["node"]), entry(gained, ["node"])] });
    await eventually("corrected", 1000, () => client.neighbor(gained)?.mac === NODE_MAC);
  });

  it("is silent about other addresses", () => {
    const { stdout, code } = segment
      .host("client")
      .run("ndisc6", "-1", "-r", "1", "-w", "200", "2001:db8::77", "eth0");
    expect(stdout.toLowerCase()).not.toContain(NODE_MAC);
    expect(code).not.toBe(0);
  });

  it("carries five thousand addresses with different groups (L22)", async () => {
    const addresses = Array.from(
      { length: 5000 },
      (_, index) => `2001:db8::1:${(index + 0x1000).toString(16)}`,
    );
    const entries = [VIP, ...addresses].map(address => entry(address, ["node"]));
    node.post({ type: "announce", entries });
    await eventually("all groups joined", 15_000, () => joinedGroups().length >= 5000);
    for (const address of [addresses[0], addresses[2500], addresses[4999]]) {
      const { stdout } = segment
        .host("client")
        .run("ndisc6", "-1", "-w", "500", address ?? "", "eth0");
      expect(stdout.toLowerCase()).toContain(NODE_MAC);
    }
  });
});
