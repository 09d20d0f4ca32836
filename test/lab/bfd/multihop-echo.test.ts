/** Sessions over a router between the two, bound to a device, and echoes that the peer's kernel returns. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ensureRouters } from "../../../lab/routers/packages";
import { Capture, eventually, Segment } from "../../support/netns";
import { BfdNode, bundleBfdPrograms, settingsOf, type BfdBundles } from "./bfd-node";
import { DAEMONS, NODE, PEER, newSegment, request, type StartedPeer } from "./support";

let bundles: BfdBundles;
let segment: Segment;
let node: BfdNode;
let peer: StartedPeer | undefined;

beforeAll(async () => {
  await ensureRouters(["bird", "frr"]);
  bundles = await bundleBfdPrograms();
});
afterAll(() => bundles.remove());
afterEach(async () => {
  await node.kill();
  await peer?.stop();
  peer = undefined;
  segment.destroy();
});

/** What the daemon's packets over several hops leave with: BIRD leaves that to the kernel. */
const SENT_TTL: Readonly<Record<string, number>> = { BIRD: 64, FRR: 255 };

describe.each(DAEMONS)("%s over a router", (name, start) => {
  const sentTtl = SENT_TTL[name] ?? 0;
  const FAR = "198.51.100.2";

  beforeEach(async () => {
    segment = new Segment("bfdhop", [
      { name: "node", mac: "02:00:5e:00:53:01", addresses: [`${NODE}/24`] },
      { name: "peer", mac: "02:00:5e:00:53:02", addresses: [`${FAR}/24`] },
      {
        name: "hop",
        mac: "02:00:5e:00:53:03",
        addresses: ["192.0.2.254/24", "198.51.100.254/24"],
      },
    ]);
    segment.host("node").ip("route", "add", "default", "via", "192.0.2.254");
    segment.host("peer").ip("route", "add", "default", "via", "198.51.100.254");
    const hop = segment.host("hop");
    for (const each of [
      "ip_forward=1",
      "conf.all.send_redirects=0",
      "conf.eth0.send_redirects=0",
    ]) {
      hop.run("sysctl", "-w", `net.ipv4.${each}`);
    }
    node = await BfdNode.start(segment.host("node").namespace, bundles);
  });

  const multihop = (minimumTtl: number) =>
    request({
      peerAddress: FAR,
      isMultihop: true,
      settings: settingsOf(100, { minimumTtl }),
    });

  it("comes Up with a TTL one less than it was sent with, and its death is seen", async () => {
    const ends = { node: NODE, local: FAR, intervalMs: 100, isMultiHop: true };
    peer = await start(segment.host("peer").namespace, ends);
    node.request([multihop(sentTtl - 1)]);
    await node.whenPath("router", "up", 8_000);
    peer.signal("SIGKILL");
    await node.whenPath("router", "down", 5_000);
  });

  it("does not come Up over more hops than the profile allows", async () => {
    const ends = { node: NODE, local: FAR, intervalMs: 100, isMultiHop: true };
    peer = await start(segment.host("peer").namespace, ends);
    node.request([multihop(sentTtl)]);
    await eventually("packets from too far are dropped", 8_000, () => node.dropped["ttl"] ?? 0);
    expect(node.paths).toEqual([]);
    node.request([multihop(sentTtl - 1)]);
    await eventually("packets are accepted", 5_000, () => {
      return (node.countersOf("router")?.controlReceived ?? 0) > 0;
    });
  });
});

describe("on one segment", () => {
  beforeEach(async () => {
    segment = newSegment("bfdecho");
    node = await BfdNode.start(segment.host("node").namespace, bundles);
  });

  it("works bound to a device", async () => {
    const [, start] = DAEMONS[0]!;
    const ends = { node: NODE, local: PEER, intervalMs: 100 };
    peer = await start(segment.host("peer").namespace, ends);
    node.request([
      request({ interface: "eth0" }),
      request({ session: "any", peerAddress: "192.0.2.9" }),
    ]);
    await node.whenPath("router", "up", 8_000);
    const counters = await eventually("it is counted", 3_000, () => node.countersOf("router"));
    expect(counters.vrf).toBe("eth0");
  });

  it("sends with TTL 255, class CS6, and a source port of its own from the upper range (RFC 5881)", async () => {
    const capture = await Capture.start(segment.host("peer"), "udp dst port 3784");
    node.request([
      request(),
      request({ session: "other", peerAddress: "192.0.2.2", interface: "eth0" }),
    ]);
    await eventually("packets are on the wire", 5_000, () => capture.lines.length > 5);
    await capture.stop();
    const ports = capture.lines.flatMap(line => /192\.0\.2\.1\.(\d+) >/.exec(line)?.[1] ?? []);
    expect(new Set(ports).size).toBe(2);
    expect(ports.every(port => Number(port) >= 49_152)).toBe(true);
  });

  it("echoes go through FRR's kernel and come back; when they do not, the session is Down", async () => {
    for (const name of ["node", "peer"]) {
      segment.host(name).run("sysctl", "-w", "net.ipv4.ip_forward=1");
    }
    const [, start] = DAEMONS[1]!;
    const ends = { node: NODE, local: PEER, intervalMs: 300, echoIntervalMs: 100 };
    peer = await start(segment.host("peer").namespace, ends);
    node.request([request({ settings: settingsOf(300, { echoIntervalMs: 50 }) })]);
    await node.whenPath("router", "up", 8_000);
    const counters = await eventually("echoes return", 8_000, () => {
      const found = node.countersOf("router");
      return found !== undefined && found.echoReceived > 20 ? found : undefined;
    });
    expect(counters.downs).toBe(0);
    segment.host("peer").run("sysctl", "-w", "net.ipv4.ip_forward=0");
    // The control packets still come: the session is back soon, and fails again.
    const down = await eventually("the session fails", 5_000, () =>
      node.paths.find(({ message }) => message.state === "down"),
    );
    expect(down.message.words).toBe("echo function failed");
    expect(node.dropped["echoUnknown"]).toBeUndefined();
  });
});
