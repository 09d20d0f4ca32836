/** What a session bears: packets that are not for it, a peer that takes BFD out of service, another daemon on the port. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { BirdDaemon } from "../../../lab/routers/bird-daemon";
import { FrrDaemons } from "../../../lab/routers/frr-daemons";
import { ensureRouters } from "../../../lab/routers/packages";
import { eventually, type Host, type Segment } from "../../support/netns";
import { BfdNode, bundleBfdPrograms, settingsOf, type BfdBundles } from "./bfd-node";
import { birdBfd, frrBfd } from "./peers";
import { NODE, PEER, newSegment, request } from "./support";

let bundles: BfdBundles;
let segment: Segment;
let node: BfdNode;
let bird: BirdDaemon | undefined;
let frr: FrrDaemons | undefined;

beforeAll(async () => {
  await ensureRouters(["bird", "frr"]);
  bundles = await bundleBfdPrograms();
});
afterAll(() => bundles.remove());
beforeEach(async () => {
  segment = newSegment("bfdfault");
  node = await BfdNode.start(segment.host("node").namespace, bundles);
});
afterEach(async () => {
  await node.kill();
  await bird?.stop();
  await frr?.stop();
  bird = undefined;
  frr = undefined;
  segment.destroy();
});

async function startBird(intervalMs: number): Promise<void> {
  const config = birdBfd({ node: NODE, local: PEER, intervalMs });
  bird = await BirdDaemon.start({ namespace: segment.host("peer").namespace, config });
  node.request([request({ settings: settingsOf(intervalMs) })]);
  await node.whenPath("router", "up", 8_000);
}

/** Sends each payload once from the host's port 50000 to the node's port 3784. */
function send(host: Host, payloads: readonly string[], ttl = 255): void {
  const program = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ${ttl})
s.bind(("", 50000))
for text in sys.argv[1:]:
    s.sendto(bytes.fromhex(text), ("${NODE}", 3784))
`;
  const { code, stderr } = host.run("python3", "-c", program, ...payloads);
  if (code !== 0) throw new Error(stderr);
}

const BASE = "2040031800000001000000000000c3500000c35000000000";

it("drops and counts what RFC 5880 §6.8.6 and RFC 5881 §5 forbid, each once, and stays Up", async () => {
  await startBird(100);
  const { downs = 0 } = node.countersOf("router") ?? {};
  const before = { ...node.dropped };
  const cases: Readonly<Record<string, string>> = {
    version: `00${BASE.slice(2)}`,
    length: `20400317${BASE.slice(8)}`,
    truncated: BASE.slice(0, 46),
    zeroMultiplier: `204000${BASE.slice(6)}`,
    zeroMyDiscriminator: `2040031800000000${BASE.slice(16)}`,
    zeroYourDiscriminator: `20c0${BASE.slice(4)}`,
    unknownDiscriminator: `${BASE.slice(0, 16)}0badcafe${BASE.slice(24)}`,
    multipoint: `2041${BASE.slice(4)}`,
    authentication: `2044031a${BASE.slice(8)}0000`,
  };
  send(segment.host("peer"), Object.values(cases));
  send(segment.host("peer"), [BASE], 254);
  const expected = Object.fromEntries(
    [...Object.keys(cases), "ttl"].map(reason => [reason, (before[reason] ?? 0) + 1]),
  );
  await eventually("every reason is counted once", 5_000, () =>
    Object.entries(expected).every(([reason, count]) => node.dropped[reason] === count),
  );
  expect(node.path("router")).toBe("up");
  expect(node.countersOf("router")?.downs).toBe(downs);
});

it("stays Up under 10,000 packets a second from a third host (D11)", async () => {
  await startBird(100);
  const third = segment.add({
    name: "third",
    mac: "02:00:5e:00:53:03",
    addresses: ["192.0.2.3/24"],
  });
  const program = `
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
packet = bytes.fromhex("${BASE}")
end = time.monotonic() + 5
while time.monotonic() < end:
    start = time.monotonic()
    for _ in range(100): s.sendto(packet, ("${NODE}", 3784))
    time.sleep(max(0, 0.01 - (time.monotonic() - start)))
`;
  const argv = ["netns", "exec", third.namespace, "python3", "-c", program];
  const flood = spawn("ip", argv, { stdio: "ignore" });
  await once(flood, "exit");
  await eventually("the flood was heard and dropped", 3_000, () => {
    return (node.dropped["noSession"] ?? 0) > 10_000;
  });
  expect(node.paths.map(({ message }) => message.state)).toEqual(["up"]);
});

it("a peer that is taken out of service is adminDown, which is no failure (RFC 5882 §4.2)", async () => {
  const config = frrBfd({ node: NODE, local: PEER, intervalMs: 100 });
  const { namespace } = segment.host("peer");
  frr = await FrrDaemons.start({ namespace, daemons: ["bfdd"], config });
  node.request([request()]);
  await node.whenPath("router", "up", 8_000);
  const peer = `bfd\n peer ${NODE} local-address ${PEER}\n`;
  await frr.configure(`${peer}  shutdown\n`);
  const down = await node.whenPath("router", "adminDown", 5_000);
  expect(down.message.words).toBe("neighbor signaled session down");
  await frr.configure(`${peer}  no shutdown\n`);
  await node.whenPath("router", "up", 8_000);
  expect(node.paths.map(({ message }) => message.state)).toEqual(["up", "adminDown", "up"]);
});

it("ends with AdminDown, so that the peer's routes stay", async () => {
  const config = frrBfd({ node: NODE, local: PEER, intervalMs: 300 });
  const { namespace } = segment.host("peer");
  frr = await FrrDaemons.start({ namespace, daemons: ["bfdd"], config });
  node.request([request({ settings: settingsOf(300) })]);
  await node.whenPath("router", "up", 8_000);
  await node.stop();
  const peers = JSON.parse(await frr.show("show bfd peers json")) as readonly object[];
  // FRR says why it is down; the detection time was not over yet.
  expect(peers[0]).toMatchObject({ status: "down", "remote-diagnostic": "administratively down" });
});

it("says so when another BFD daemon has the port, and starts when it is gone", async () => {
  const { namespace } = segment.host("node");
  const other = await BirdDaemon.start({
    namespace,
    config: birdBfd({ node: PEER, local: NODE, intervalMs: 100 }),
  });
  node.request([request()]);
  await eventually("the log says it", 5_000, () =>
    node.logs.some(text => text.includes("another BFD daemon on this node has the port")),
  );
  await other.stop();
  const config = birdBfd({ node: NODE, local: PEER, intervalMs: 100 });
  bird = await BirdDaemon.start({ namespace: segment.host("peer").namespace, config });
  await node.whenPath("router", "up", 8_000);
});

it("minds the busy main thread not at all", async () => {
  await startBird(50);
  node.stall(500, 1_000);
  await new Promise(resolve => setTimeout(resolve, 5_000));
  await eventually("the reports are through", 3_000, () => node.countersOf("router")?.downs === 0);
  expect(node.paths.map(({ message }) => message.state)).toEqual(["up"]);
});
