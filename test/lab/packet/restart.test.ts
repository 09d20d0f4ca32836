/** A packet thread that restarts in order: the best other node answers in its place, in both families, and nothing moves. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NAMES = ["node-a", "node-b", "node-c"] as const;
const VIP = "192.0.2.10";
const VIP6 = "2001:db8::10";
const MAC_A = "02:00:00:00:00:01";

let bundles: PacketBundles;
let segment: Segment;
const nodes = new Map<string, PacketNode>();

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
  segment = new Segment("packet-back", [
    ...NAMES.map((name, index) => ({
      name,
      mac: `02:00:00:00:00:0${index + 1}`,
      addresses: [`192.0.2.${index + 1}/24`, `2001:db8::${index + 1}/64`],
    })),
    { name: "client", mac: "02:00:00:00:00:99", addresses: ["192.0.2.99/24", "2001:db8::99/64"] },
  ]);
  await Promise.all(NAMES.map(start));
  await eventually("settled", 4_000, () => nodes.get("node-a")?.isOwner(VIP) === true);
  await eventually("settled", 4_000, () => nodes.get("node-a")?.isOwner(VIP6) === true);
});

afterAll(async () => {
  await Promise.all([...nodes.values()].map(node => node.kill()));
  segment.destroy();
  bundles.remove();
});

async function start(name: string): Promise<void> {
  const node = await PacketNode.start(segment.host(name), bundles);
  nodes.set(name, node);
  const own = `192.0.2.${NAMES.findIndex(each => each === name) + 1}`;
  const peers = NAMES.map((nodeName, index) => ({
    nodeName,
    addresses: [`192.0.2.${index + 1}`],
  }));
  const secret = Buffer.from("pX0cmE5gZ8bq3kQmVw1uYA");
  node.post(configure(name, { bindAddresses: [own], peers, secret }));
  node.post({ type: "announce", entries: [entry(VIP, NAMES), entry(VIP6, NAMES)] });
}

/** What the kernel of the client learns when it asks anew; undefined when nobody answers within half a second. */
async function learn(address: string): Promise<string | undefined> {
  const client = segment.host("client");
  client.run("ip", "neigh", "del", address, "dev", "eth0");
  client.run("bash", "-c", `echo >/dev/udp/${address}/9`);
  const mac = (): string | undefined => client.neighbor(address)?.mac;
  return eventually(`${address} learnt`, 500, mac).catch(() => undefined);
}

async function learnBoth(): Promise<readonly (string | undefined)[]> {
  return [await learn(VIP), await learn(VIP6)];
}

it("keeps its addresses: every request is answered with its MAC address, and nobody takes them", async () => {
  const takenBy = (): readonly string[] =>
    [...nodes].filter(([, node]) => node.isOwner(VIP)).map(([name]) => name);
  await nodes.get("node-a")?.stop(true);
  nodes.delete("node-a");
  for (let request = 0; request < 5; request += 1) {
    expect(await learnBoth()).toEqual([MAC_A, MAC_A]);
    expect(takenBy()).toEqual([]);
  }
  const returning = start("node-a");
  for (let request = 0; request < 12; request += 1) {
    expect(await learnBoth()).toEqual([MAC_A, MAC_A]);
  }
  await returning;
  await eventually("back", 4_000, () => nodes.get("node-a")?.isOwner(VIP) === true);
  expect(takenBy()).toEqual(["node-a"]);
  expect(await learnBoth()).toEqual([MAC_A, MAC_A]);
});

it("gives them up when its machine goes down meanwhile", async () => {
  await nodes.get("node-a")?.stop(true);
  nodes.delete("node-a");
  expect(await learnBoth()).toEqual([MAC_A, MAC_A]);
  segment.host("node-a").ip("link", "set", "eth0", "down");
  await eventually("taken over", 3_000, () => nodes.get("node-b")?.isOwner(VIP) === true);
  expect(await learnBoth()).toEqual(["02:00:00:00:00:02", "02:00:00:00:00:02"]);
});
