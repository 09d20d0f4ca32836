/**
 * What a Linux client's neighbor table makes of a takeover: every row of the tables that say which frames it believes, on the kernel
 * that runs the test.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AnnouncementEntry } from "../../../node/packet-protocol";
import { Capture, Segment, eventually, type Host } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";

const NODE_MAC = "02:00:00:00:00:01";
const STALE_MAC = "02:00:00:00:00:55";
const GATEWAY = "192.0.2.254";
const GATEWAY6 = "2001:db8::fe";

let bundles: PacketBundles;
let segment: Segment;
let node: PacketNode;
let client: Host;
/** Each takeover is one of another address: the node knows nobody who asked for it. */
let next = 10;

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
  segment = new Segment("packet-neigh", [
    { name: "node", mac: NODE_MAC, addresses: ["192.0.2.1/24", "2001:db8::1/64"] },
    {
      name: "client",
      mac: "02:00:00:00:00:99",
      addresses: ["192.0.2.99/24", "2001:db8::99/64"],
    },
    {
      name: "gateway",
      mac: "02:00:00:00:00:fe",
      addresses: [`${GATEWAY}/24`, `${GATEWAY6}/64`],
    },
  ]);
  client = segment.host("client");
  const host = segment.host("node");
  host.ip("route", "add", "default", "via", GATEWAY);
  host.ip("-6", "route", "add", "default", "via", GATEWAY6);
  node = await PacketNode.start(host, bundles);
  node.post(configure("node"));
  node.post({ type: "announce", entries: [] });
});

afterAll(async () => {
  await node.stop();
  segment.destroy();
  bundles.remove();
});

let wanted: string[] = [];

beforeEach(() => {
  next += 1;
});

afterEach(() => {
  for (const name of ["client", "gateway"]) {
    for (const setting of ["drop_gratuitous_arp", "arp_accept"]) {
      sysctl(segment.host(name), `ipv4/conf/eth0/${setting}`, 0);
    }
    sysctl(segment.host(name), "ipv6/conf/eth0/drop_unsolicited_na", 0);
  }
});

function sysctl(host: Host, name: string, value: number): void {
  const { code, stderr } = host.run("bash", "-c", `echo ${value} > /proc/sys/net/${name}`);
  if (code !== 0) throw new Error(stderr);
}

/** The node gains the addresses besides those it has. */
function gain(...addresses: readonly string[]): void {
  wanted = [...wanted, ...addresses];
  post(wanted.map(address => entry(address, ["node"])));
}

function post(entries: readonly AnnouncementEntry[]): void {
  node.post({ type: "announce", entries });
}

function remember(host: Host, address: string, state: string, mac = STALE_MAC): void {
  host.ip("neigh", "replace", address, "lladdr", mac, "dev", "eth0", "nud", state);
}

const hasNodeMac = (host: Host, address: string): boolean =>
  host.neighbor(address)?.mac === NODE_MAC;

describe.each([
  ["IPv4", () => `192.0.2.${next}`],
  ["IPv6", () => `2001:db8::1:${next}`],
])("a client with a stale entry, %s", (family, address) => {
  it.each(["reachable", "stale", "delay"])("in state %s follows the announcement", async state => {
    const gained = address();
    remember(client, gained, state);
    gain(gained);
    await eventually("followed", 3_000, () => hasNodeMac(client, gained));
  });

  it("that was updated within the second before follows, locktime or not", async () => {
    const gained = address();
    gain(gained);
    const deadline = eventually("followed", 4_000, () => hasNodeMac(client, gained));
    // Until the announcement comes, the entry is never older than a moment.
    const spoil = setInterval(() => {
      if (!node.isOwner(gained)) remember(client, gained, "reachable");
    }, 20);
    await deadline.finally(() => clearInterval(spoil));
  });

  it("is told by name, like the gateway, although both ignore gratuitous forms", async () => {
    const gained = address();
    const gateway = segment.host("gateway");
    for (const host of [client, gateway]) {
      sysctl(host, "ipv4/conf/eth0/drop_gratuitous_arp", 1);
      sysctl(host, "ipv6/conf/eth0/drop_unsolicited_na", 1);
    }
    // While another node has the address, the client's broadcast question says who will want to know.
    post([...wanted.map(text => entry(text, ["node"])), entry(gained, ["other"])]);
    if (family === "IPv4") {
      await eventually("asked", 2_000, () => {
        client.run("arping", "-c", "1", "-W", "0.05", "-S", "192.0.2.99", "-i", "eth0", gained);
        return (node.last("counters")?.totals.arp["notAnnounced"] ?? 0) > 0;
      });
    }
    for (const host of [client, gateway]) remember(host, gained, "reachable");
    const capture = await Capture.start(gateway, "arp or icmp6");
    const before = node.last("counters")?.totals.directed ?? { sent: 0, confirmed: 0 };
    gain(gained);
    await eventually("the gateway follows", 3_000, () => hasNodeMac(gateway, gained));
    // In IPv6 a question goes to a group that only the owner listens to: nobody else knows the askers.
    if (family === "IPv4") {
      await eventually("the client follows", 1_000, () => hasNodeMac(client, gained));
    }
    const expected = family === "IPv4" ? 2 : 1;
    await eventually("the answers are counted", 3_000, () => {
      const now = node.last("counters")?.totals.directed;
      return now !== undefined && now.confirmed >= before.confirmed + expected;
    });
    const question = `has ${family === "IPv4" ? GATEWAY : GATEWAY6}`;
    await eventually("the question is captured", 3_000, () =>
      capture.lines.some(line => line.includes(question)),
    );
    await capture.stop();
  });
});

describe("a client without an entry", () => {
  it("stays without one: nobody is told what he does not want to know", async () => {
    const gained = `192.0.2.${next}`;
    gain(gained);
    await eventually("announced", 3_000, () => node.isOwner(gained));
    expect(client.neighbor(gained)).toBeUndefined();
  });

  it("makes one of an announcement if it is set to (`arp_accept`)", async () => {
    const gained = `192.0.2.${next}`;
    sysctl(client, "ipv4/conf/eth0/arp_accept", 1);
    gain(gained);
    await eventually("made", 3_000, () => hasNodeMac(client, gained));
  });

  it.each([
    ["IPv4", () => `192.0.2.${next}`],
    ["IPv6", () => `2001:db8::1:${next}`],
  ])(
    "resolves the address and keeps it reachable by unreachability detection, %s",
    async (_family, address) => {
      const gained = address();
      gain(gained);
      await eventually("announced", 3_000, () => node.isOwner(gained));
      client.run("bash", "-c", `echo hello > /dev/udp/${gained}/9`);
      await eventually("resolved", 3_000, () => hasNodeMac(client, gained));
      const capture = await Capture.start(client, "arp or icmp6");
      client.ip("neigh", "replace", gained, "lladdr", NODE_MAC, "dev", "eth0", "nud", "probe");
      await eventually("reachable", 3_000, () => client.neighbor(gained)?.state === "REACHABLE");
      await capture.stop();
    },
  );
});
