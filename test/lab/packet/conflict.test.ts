import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeArpAnnouncement } from "../../../lib/arp/announcement";
import { encodeUnsolicitedAdvertisement } from "../../../lib/ndp/announcement";
import type { PacketReport } from "../../../node/packet-protocol";
import { ip, mac } from "../../support/frames";
import { sendFrames } from "../../support/frame-sending";
import { Capture, Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NODE_MAC = "02:00:00:00:00:01";
const STRANGER_MAC = "02:00:00:00:00:66";
const VIP = "192.0.2.10";
const VIP6 = "2001:db8::10";

let bundles: PacketBundles;
let segment: Segment;
let node: PacketNode;

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
});

afterAll(() => bundles.remove());

beforeEach(async () => {
  segment = new Segment("packet-conflict", [
    { name: "node", mac: NODE_MAC, addresses: ["192.0.2.1/24", "2001:db8::1/64"] },
    {
      name: "client",
      mac: "02:00:00:00:00:99",
      addresses: ["192.0.2.99/24", "2001:db8::99/64"],
    },
    {
      name: "stranger",
      mac: STRANGER_MAC,
      addresses: ["192.0.2.66/24", "2001:db8::66/64"],
    },
  ]);
  node = await PacketNode.start(segment.host("node"), bundles);
  node.post(configure("node"));
  return async () => {
    await node.stop();
    segment.destroy();
  };
});

type ConflictReport = Extract<PacketReport, { type: "conflict" }>;

function conflicts(address: string): readonly ConflictReport[] {
  return node.reports.filter(
    (report): report is ConflictReport => report.type === "conflict" && report.address === address,
  );
}

/** The stranger's kernel has the address, whatever anybody says. */
function occupy(address: string): void {
  const words = address.includes(":") ? [`${address}/64`, "nodad"] : [`${address}/24`];
  segment.host("stranger").ip("address", "add", ...words, "dev", "eth0");
}

function announceBoth(): void {
  node.post({ type: "announce", entries: [entry(VIP, ["node"]), entry(VIP6, ["node"])] });
}

/** The stranger says to everybody that the address is his. */
async function claim(address: string): Promise<void> {
  const strangerMac = mac(STRANGER_MAC);
  const frame =
    address === VIP
      ? encodeArpAnnouncement("announcement", strangerMac, ip(address))
      : encodeUnsolicitedAdvertisement(strangerMac, ip(address));
  await sendFrames(segment.host("stranger"), bundles, [frame]);
}

describe("an address that a foreign host has already", () => {
  it.each([VIP, VIP6])("is not announced, and the host is named: %s", async address => {
    occupy(address);
    const capture = await Capture.start(segment.host("client"), "arp or icmp6");
    announceBoth();
    const report = await eventually("found", 2_000, () => conflicts(address)[0]);
    expect(report).toMatchObject({ state: "withheld", mac: STRANGER_MAC, interfaceName: "eth0" });
    expect(report.retryInMs).toBeGreaterThan(59_000);
    const other = address === VIP ? VIP6 : VIP;
    await eventually("the other is not concerned", 2_000, () => node.isOwner(other));
    await capture.stop();
    expect(node.isOwner(address)).toBe(false);
    expect(conflicts(other)).toEqual([]);
    const said = new RegExp(`${NODE_MAC} > .*(tell|tgt is) ${address}[, ]`);
    expect(capture.lines.filter(line => said.test(line))).toEqual([]);
  });
});

describe("an address of this node that a foreign host takes", () => {
  it.each([VIP, VIP6])(
    "is defended once in ten seconds, and the client finds the node again: %s (L10, L21)",
    async address => {
      announceBoth();
      await eventually("owned", 3_000, () => node.isOwner(VIP) && node.isOwner(VIP6));
      const client = segment.host("client");
      const change = ["neigh", "replace", address, "lladdr", NODE_MAC, "dev", "eth0", "nud"];
      client.ip(...change, "reachable");
      const capture = await Capture.start(client, "arp or icmp6");
      await claim(address);
      await eventually("the client believes the stranger", 1_000, () => {
        return client.neighbor(address)?.mac === STRANGER_MAC;
      });
      const report = await eventually("said", 1_000, () => conflicts(address)[0]);
      expect(report).toMatchObject({ state: "defended", mac: STRANGER_MAC, defences: 1 });
      await eventually("the client has the node's again", 1_000, () => {
        return client.neighbor(address)?.mac === NODE_MAC;
      });
      for (let index = 0; index < 5; index += 1) await claim(address);
      const counted = await eventually("counted", 3_000, () => {
        const reports = conflicts(address);
        return reports.reduce((sum, { claims }) => sum + claims, 0) === 6 ? reports : undefined;
      });
      expect(counted.reduce((sum, { defences }) => sum + defences, 0)).toBe(1);
      expect(node.isOwner(address)).toBe(true);
      await capture.stop();
    },
  );
});

it("yields at the second claim within ten seconds, if so configured", async () => {
  node.post({ ...configure("node"), conflicts: { detection: "fast", policy: "yield" } });
  announceBoth();
  await eventually("owned", 3_000, () => node.isOwner(VIP));
  await claim(VIP);
  await eventually("defended", 1_000, () => conflicts(VIP)[0]?.state === "defended");
  await claim(VIP);
  await eventually("yielded", 1_000, () => conflicts(VIP).at(-1)?.state === "withheld");
  expect(node.isOwner(VIP)).toBe(false);
  expect(node.isOwner(VIP6)).toBe(true);
});

it("takes no address from a host that is just about to use it: its duplicate address detection finds us", async () => {
  announceBoth();
  await eventually("owned", 3_000, () => node.isOwner(VIP6));
  const stranger = segment.host("stranger");
  stranger.ip("address", "add", `${VIP6}/64`, "dev", "eth0");
  await eventually("duplicate found", 5_000, () =>
    stranger.ip("-6", "address", "show", "dev", "eth0").includes("dadfailed"),
  );
  expect(conflicts(VIP6)).toEqual([]);
});
