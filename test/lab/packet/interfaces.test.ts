/** Two nodes on two segments, `eth0` and `eth1`: who owns an address that may be announced on `eth1` alone. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const VIP = "192.0.2.10";
const NAMES = ["node-a", "node-b"] as const;
const ADDRESS = { "node-a": "192.0.2.1", "node-b": "192.0.2.2" };
const SECRET = Buffer.from("pX0cmE5gZ8bq3kQmVw1uYA");

let bundles: PacketBundles;
let segment: Segment;
let nodes: PacketNode[];

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
});

afterAll(() => bundles.remove());

beforeEach(() => {
  segment = new Segment(
    "packet-ifs",
    NAMES.map((name, index) => ({
      name,
      mac: `02:00:00:00:00:0${index + 1}`,
      addresses: [`${ADDRESS[name]}/24`],
    })),
  );
  segment.addSegment("eth1");
  nodes = [];
  return async () => {
    await Promise.all(nodes.map(node => node.kill()));
    segment.destroy();
  };
});

function pull(name: string, isPlugged: boolean): void {
  segment.setCable(`${name}-eth1`, isPlugged);
}

async function startBoth(failbackMs = 500): Promise<void> {
  for (const name of NAMES) {
    const node = await PacketNode.start(segment.host(name), bundles);
    nodes.push(node);
    const peers = NAMES.map(nodeName => ({ nodeName, addresses: [ADDRESS[nodeName]] }));
    const command = configure(name, { bindAddresses: [ADDRESS[name]], peers, secret: SECRET });
    node.post({ ...command, failbackMs });
    node.post({ type: "announce", entries: [entry(VIP, NAMES, ["eth1"])] });
  }
}

const isOwnedBy = (index: number): boolean => {
  const other = nodes[1 - index];
  const there = nodes[index]?.ownership(VIP);
  return there?.isOwner === true && there.interfaces[0] === "eth1" && other?.isOwner(VIP) !== true;
};

it("a node without the interface is passed over, and gets the address back with it", async () => {
  pull("node-a", false);
  await startBoth();
  await eventually("the second has it", 4_000, () => isOwnedBy(1));
  pull("node-a", true);
  await eventually("the first has it", 4_000, () => isOwnedBy(0));
});

it("a node that loses the interface hands the address over at once, although it lives on eth0", async () => {
  await startBoth();
  await eventually("the first has it", 4_000, () => isOwnedBy(0));
  const startMs = performance.now();
  pull("node-a", false);
  await eventually("the second has it", 1_000, () => isOwnedBy(1));
  process.stderr.write(
    `carrier lost to owned elsewhere: ${Math.round(performance.now() - startMs)} ms\n`,
  );
  expect(nodes[0]?.last("membership")?.alive).toEqual([...NAMES]);
});

it("when nobody has the interface, the best node says so", async () => {
  await startBoth();
  await eventually("the first has it", 4_000, () => isOwnedBy(0));
  for (const name of NAMES) pull(name, false);
  await eventually("said", 2_000, () => {
    const reports = nodes.map(node => node.ownership(VIP));
    return reports.some(each => each?.isOwner === true && each.interfaces.length === 0);
  });
  for (const name of NAMES) pull(name, true);
  await eventually("announced again", 4_000, () => isOwnedBy(0) || isOwnedBy(1));
});
