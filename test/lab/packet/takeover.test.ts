/** A node that dies with two thousand addresses: what the segment sees of the takeover (L23). */
import { afterAll, beforeAll, expect, it } from "vitest";
import { formatIpAddress } from "../../../lib/net/ip-address";
import { ip } from "../../support/frames";
import { Capture, Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NAMES = ["node-a", "node-b", "node-c"] as const;
const COUNT = 2_000;
const SECRET = Buffer.from("pX0cmE5gZ8bq3kQmVw1uYA");
const ADDRESSES = Array.from({ length: COUNT }, (_, index) =>
  formatIpAddress({ family: "ipv4", value: ip("198.18.0.0").value + BigInt(index) }),
);

let bundles: PacketBundles;
let segment: Segment;
const nodes = new Map<string, PacketNode>();

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
  segment = new Segment("packet-many", [
    ...NAMES.map((name, index) => ({
      name,
      mac: `02:00:00:00:00:0${index + 1}`,
      addresses: [`192.0.2.${index + 1}/24`],
    })),
    { name: "client", mac: "02:00:00:00:00:99", addresses: ["192.0.2.99/24"] },
  ]);
  for (const name of NAMES) {
    const node = await PacketNode.start(segment.host(name), bundles);
    nodes.set(name, node);
    const peers = NAMES.map((nodeName, index) => ({
      nodeName,
      addresses: [`192.0.2.${index + 1}`],
    }));
    node.post(configure(name, { bindAddresses: [], peers, secret: SECRET }));
    node.post({ type: "announce", entries: ADDRESSES.map(address => entry(address, NAMES)) });
  }
  await eventually("all owned by the first", 30_000, () => ownedBy("node-a") === COUNT);
  // The others know whose they are once they have seen the announcements.
  await eventually("all announced by the first", 30_000, () => {
    const sent = new Map<string, number>();
    for (const report of nodes.get("node-a")?.reports ?? []) {
      if (report.type !== "counters") continue;
      for (const { address, gratuitousSent } of report.perAddress)
        sent.set(address, gratuitousSent);
    }
    return ADDRESSES.every(address => (sent.get(address) ?? 0) >= 5);
  });
});

afterAll(async () => {
  await Promise.all([...nodes.values()].map(node => node.kill()));
  segment.destroy();
  bundles.remove();
});

function ownedBy(name: string): number {
  const owned = new Map<string, boolean>();
  for (const report of nodes.get(name)?.reports ?? []) {
    if (report.type === "ownership") owned.set(report.address, report.isOwner);
  }
  return [...owned.values()].filter(Boolean).length;
}

it("every address is announced, three times and more over three seconds, and no send fails", async () => {
  const capture = await Capture.start(
    segment.host("client"),
    "arp and ether src 02:00:00:00:00:02",
  );
  const killedSeconds = Date.now() / 1_000;
  await nodes.get("node-a")?.kill();
  await eventually("all owned by the second", 10_000, () => ownedBy("node-b") === COUNT);
  const announced = await eventually("announced again and again", 30_000, () => {
    const seen = announcements(capture.lines);
    const isDone = [...seen.values()].every(
      times => times.length >= 3 && (times.at(-1) ?? 0) - (times[0] ?? 0) >= 3,
    );
    return seen.size === COUNT && isDone ? seen : undefined;
  });
  await capture.stop();
  const firstSeconds = [...announced.values()]
    .map(times => (times[0] ?? Infinity) - killedSeconds)
    .sort((left, right) => left - right);
  const at = (share: number): string =>
    (firstSeconds[Math.min(COUNT - 1, Math.floor(share * COUNT))] ?? Infinity).toFixed(2);
  process.stderr.write(
    `${COUNT} addresses, kill to first announcement seen: first ${at(0)} s, half ${at(0.5)} s, ` +
      `99 % ${at(0.99)} s, last ${at(1)} s\n`,
  );
  expect(nodes.get("node-b")?.last("counters")?.totals.sendErrors).toBe(0);
});

/** Times of the announcements, in seconds, by address. */
function announcements(lines: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const seen = new Map<string, number[]>();
  for (const line of lines) {
    const [, time = "", address = ""] =
      /^(\S+) .*who-has (198\.18\.\d+\.\d+) tell \2, /.exec(line) ?? [];
    if (address === "") continue;
    const times = seen.get(address) ?? [];
    times.push(Number(time));
    seen.set(address, times);
  }
  return seen;
}
