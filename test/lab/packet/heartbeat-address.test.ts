/** A Node whose address is on none of its interfaces, as behind address translation, is heard all the same. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Segment, eventually } from "../../support/netns";
import { configure } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NAMES = ["node-a", "node-b"] as const;
/** What the cluster says about node-b; it has 192.0.2.2. */
const FOREIGN = "203.0.113.2";

let bundles: PacketBundles;
let segment: Segment;
const nodes = new Map<string, PacketNode>();

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
  segment = new Segment(
    "packet-nat",
    NAMES.map((name, index) => ({
      name,
      mac: `02:00:00:00:00:0${index + 1}`,
      addresses: [`192.0.2.${index + 1}/24`],
    })),
  );
  const peers = [
    { nodeName: "node-a", addresses: ["192.0.2.1"] },
    { nodeName: "node-b", addresses: [FOREIGN] },
  ];
  for (const [index, name] of NAMES.entries()) {
    const node = await PacketNode.start(segment.host(name), bundles);
    nodes.set(name, node);
    const bindAddresses = peers[index]?.addresses ?? [];
    const secret = Buffer.from("pX0cmE5gZ8bq3kQmVw1uYA");
    node.post(configure(name, { bindAddresses, peers, secret }));
    node.post({ type: "announce", entries: [] });
  }
});

afterAll(async () => {
  await Promise.all([...nodes.values()].map(node => node.kill()));
  segment.destroy();
  bundles.remove();
});

it("speaks from another address, and from its own as soon as that is there", async () => {
  const hears = (): boolean => nodes.get("node-a")?.last("membership")?.alive.length === 2;
  await eventually("node-b heard", 5_000, hears);
  segment.host("node-b").ip("address", "add", `${FOREIGN}/32`, "dev", "eth0");
  segment.host("node-a").ip("route", "add", `${FOREIGN}/32`, "dev", "eth0");
  await eventually("bound to its own address", 5_000, () => {
    const { stdout } = segment.host("node-b").run("ss", "-ulnH");
    return stdout.includes(`${FOREIGN}:7946`) && !stdout.includes("0.0.0.0:7946");
  });
  expect(hears()).toBe(true);
});
