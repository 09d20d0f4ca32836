import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, it } from "vitest";
import { Segment, eventually } from "../../support/netns";
import { configure, entry } from "../../support/packet-commands";
import { PacketNode, bundlePacketPrograms, type PacketBundles } from "../../support/packet-node";
import { poll } from "../../../lab/run";

const NAMES = ["node-a", "node-b", "node-c"] as const;
type Name = (typeof NAMES)[number];
const ADDRESS: Record<Name, string> = {
  "node-a": "192.0.2.1",
  "node-b": "192.0.2.2",
  "node-c": "192.0.2.3",
};
const MAC: Record<Name, string> = {
  "node-a": "02:00:00:00:00:01",
  "node-b": "02:00:00:00:00:02",
  "node-c": "02:00:00:00:00:03",
};
const SECRET = Buffer.from("pX0cmE5gZ8bq3kQmVw1uYA");

/** Three addresses, each ranked first by another node, and what follows in each ranking. */
const RANKINGS: readonly (readonly [string, readonly Name[]])[] = [
  ["192.0.2.10", ["node-a", "node-b", "node-c"]],
  ["192.0.2.11", ["node-b", "node-c", "node-a"]],
  ["2001:db8::12", ["node-c", "node-a", "node-b"]],
];
const ENTRIES = RANKINGS.map(([address, candidates]) => entry(address, candidates));

/** Short, so that a test need not wait for it. */
const FAILBACK_MS = 500;

let bundles: PacketBundles;
let segment: Segment;
let nodes: Map<Name, PacketNode>;

beforeAll(async () => {
  bundles = await bundlePacketPrograms();
});

afterAll(() => bundles.remove());

beforeEach(() => {
  segment = new Segment("packet-fail", [
    ...NAMES.map(name => ({
      name,
      mac: MAC[name],
      addresses: [`${ADDRESS[name]}/24`, `${ADDRESS[name].replace("192.0.2.", "2001:db8::")}/64`],
    })),
    { name: "client", mac: "02:00:00:00:00:99", addresses: ["192.0.2.99/24", "2001:db8::99/64"] },
  ]);
  nodes = new Map();
});

afterEach(async () => {
  await Promise.all([...nodes.values()].map(node => node.kill()));
  segment.destroy();
});

async function start(name: Name, secret: Uint8Array = SECRET): Promise<PacketNode> {
  const node = await PacketNode.start(segment.host(name), bundles);
  nodes.set(name, node);
  const peers = NAMES.map(nodeName => ({ nodeName, addresses: [ADDRESS[nodeName]] }));
  const command = configure(name, { bindAddresses: [ADDRESS[name]], peers, secret });
  node.post({ ...command, failbackMs: FAILBACK_MS });
  node.post({ type: "announce", entries: ENTRIES });
  return node;
}

function owners(address: string): readonly Name[] {
  return [...nodes].filter(([, node]) => node.isOwner(address)).map(([name]) => name);
}

/** Every address is owned by exactly its first candidate among `alive`. */
function isSettled(alive: readonly Name[]): boolean {
  return RANKINGS.every(([address, ranking]) => {
    const expected = ranking.find(name => alive.includes(name));
    const found = owners(address).filter(name => alive.includes(name));
    return found.length === 1 && found[0] === expected;
  });
}

async function startAll(): Promise<void> {
  await Promise.all(NAMES.map(name => start(name)));
  await eventually("settled", 4000, () => isSettled(NAMES));
}

/** Lets the client's neighbor table follow: it has an entry for each address already. */
function teachClient(): void {
  const client = segment.host("client");
  for (const [address, [owner]] of RANKINGS) {
    const mac = MAC[owner ?? "node-a"];
    client.ip("neigh", "replace", address, "lladdr", mac, "nud", "reachable", "dev", "eth0");
  }
}

function isClientTaught(alive: readonly Name[]): boolean {
  const client = segment.host("client");
  return RANKINGS.every(([address, ranking]) => {
    const owner = ranking.find(name => alive.includes(name)) ?? "node-a";
    return client.neighbor(address)?.mac === MAC[owner];
  });
}

/** Twice what it takes, for a machine that does other things as well; the figure itself is printed. */
const LIMIT_MS = 1_200;
const WINDOW_MS = 4_000;
/** Far below the 380 ms after which a thread takes itself for one that was away. */
const CALM_DELAY_MS = 200;

function countersOf(node: PacketNode): number {
  return node.reports.filter(({ type }) => type === "counters").length;
}

/**
 * What the nodes report in that time: changes of membership and ownership, and how late their packet threads were at worst. A change
 * is reported at once, the delay that explains it with the counters that come after.
 */
async function watchFor(windowMs: number) {
  const watched = [...nodes.values()];
  const before = watched.map(node => node.reports.length);
  await new Promise(resolve => setTimeout(resolve, windowMs));
  const counted = watched.map(countersOf);
  await eventually("counters after the window", 10_000, () =>
    watched.every((node, index) => countersOf(node) > (counted[index] ?? 0)),
  );
  const reports = [...nodes.values()].flatMap((node, index) => node.reports.slice(before[index]));
  const delays = reports.flatMap(report =>
    report.type === "counters" ? [report.totals.worstWakeDelayMs, report.totals.longestTurnMs] : [],
  );
  const changes = reports.filter(({ type }) => type === "membership" || type === "ownership");
  return { changes, worstDelayMs: Math.max(...delays) };
}

describe("three nodes", () => {
  it("agree on one owner for each address, and a crash moves its addresses", async () => {
    await startAll();
    teachClient();
    const startMs = performance.now();
    const crashed = nodes.get("node-a")?.kill();
    const tookMs = await eventually("taken over", 2000, () =>
      isClientTaught(["node-b", "node-c"]) ? performance.now() - startMs : undefined,
    );
    await crashed;
    process.stderr.write(`crash to corrected neighbor table: ${Math.round(tookMs)} ms\n`);
    expect(tookMs).toBeLessThan(LIMIT_MS);
    nodes.delete("node-a");
    // The announcement leaves before main hears of it.
    await eventually("reported", 1000, () => isSettled(["node-b", "node-c"]));

    const returned = await start("node-a");
    await eventually("moved back", 3000, () => isSettled(NAMES));
    // It listened first: it owned nothing before it had heard both others.
    const early = returned.reports.slice(
      0,
      returned.reports.findIndex(
        report => report.type === "membership" && report.alive.length === NAMES.length,
      ),
    );
    expect(early.filter(report => report.type === "ownership" && report.isOwner)).toEqual([]);
    await eventually("client taught", 1000, () => isClientTaught(NAMES));
  });

  it("take over at once from a node that stops in order", async () => {
    await startAll();
    teachClient();
    const startMs = performance.now();
    const stopped = nodes.get("node-b")?.stop();
    const tookMs = await eventually("taken over", 2000, () =>
      isClientTaught(["node-a", "node-c"]) ? performance.now() - startMs : undefined,
    );
    await stopped;
    process.stderr.write(`stop to corrected neighbor table: ${Math.round(tookMs)} ms\n`);
    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  it("take over from a node whose cable was pulled, and one owner remains when it is back", async () => {
    await startAll();
    teachClient();
    const startMs = performance.now();
    segment.setCable("node-a", false);
    const tookMs = await eventually("taken over", 2000, () =>
      isClientTaught(["node-b", "node-c"]) ? performance.now() - startMs : undefined,
    );
    expect(tookMs).toBeLessThan(LIMIT_MS);
    segment.setCable("node-a", true);
    await eventually("settled", 3000, () => isSettled(NAMES) && isClientTaught(NAMES));
  });

  it("take over from a process that was stopped, and the segment follows when it goes on", async () => {
    await startAll();
    teachClient();
    const stopped = nodes.get("node-a");
    stopped?.signal("SIGSTOP");
    await eventually("taken over", 1500, () => isClientTaught(["node-b", "node-c"]));
    stopped?.signal("SIGCONT");
    // It never noticed that it was away: the others' heartbeats tell it.
    await eventually("settled", 2000, () => isSettled(NAMES) && isClientTaught(NAMES));
  });

  it("do not mistake a blocked main thread for a dead node", async () => {
    await startAll();
    for (const node of nodes.values()) node.stall(600, 1000);
    // A window in which a busy machine held up the packet threads themselves says nothing about main.
    const calm = await poll(
      async () => {
        const seen = await watchFor(WINDOW_MS);
        return seen.worstDelayMs < CALM_DELAY_MS ? seen : undefined;
      },
      { timeoutMs: 30_000, describe: () => "the machine never left the packet threads alone" },
    );
    expect(calm.changes).toEqual([]);
  });

  it("count and drop what one with another secret says, and agree with it all the same", async () => {
    await Promise.all([start("node-a"), start("node-b")]);
    await start("node-c", Buffer.from("another secret"));
    await eventually("refusals counted", 3000, () => {
      const totals = nodes.get("node-a")?.last("counters")?.totals;
      return (totals?.heartbeats["unauthenticated"] ?? 0) > 0;
    });
    // What is seen on the wire needs no secret: still one owner for each address.
    await eventually("one owner each", 5000, () =>
      ENTRIES.every(({ address }) => owners(address).length === 1),
    );
  });
});
