/**
 * BFD against BIRD and FRR in network namespaces: how soon a dead peer is seen, whether a busy machine makes sessions flap, and
 * what a hundred sessions cost. The whole takes half an hour on a quiet machine; `HERALD_BFD_SHORT=1` makes it three minutes.
 */
import { readFileSync, readdirSync } from "node:fs";
import { cpus, setPriority } from "node:os";
import { spawn, type ChildProcess } from "node:child_process";
import { BirdDaemon } from "../lab/routers/bird-daemon";
import { ensureRouters } from "../lab/routers/packages";
import { BfdNode, bundleBfdPrograms, settingsOf, type BfdBundles } from "../test/lab/bfd/bfd-node";
import { DAEMONS, NODE, PEER, newSegment, request, type StartPeer } from "../test/lab/bfd/support";
import { Segment, eventually } from "../test/support/netns";
import { markdownTable, median, quantile } from "./statistics";

const IS_SHORT = process.env["HERALD_BFD_SHORT"] !== undefined;
const CUTS = IS_SHORT ? 15 : 100;
const LOAD_MS = IS_SHORT ? 20_000 : 600_000;
const CPU_MS = IS_SHORT ? 10_000 : 60_000;
const FAST_MS = 50;
/** Intervals that are tried without CAP_SYS_NICE. */
const LOADED_MS = [50, 100, 300] as const;
const SESSIONS = 100;
/** Routers have processors of their own; here they share ours, and their lateness is not what is measured. */
const PEER_NICE = -15;
/** `setpriv` takes the capability away: the packet thread cannot raise its priority. */
const WITHOUT_NICE = ["setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice"];

/** Runs the bench and returns the report as Markdown. */
export async function benchBfd(): Promise<string> {
  await ensureRouters(["bird", "frr"]);
  const bundles = await bundleBfdPrograms();
  try {
    const cuts = [];
    for (const [name, start] of DAEMONS) cuts.push(await measureCuts(bundles, name, start));
    const loads = [
      await measureLoad(bundles, "with CAP_SYS_NICE", []),
      await measureLoad(bundles, "without", WITHOUT_NICE),
    ];
    const costs = [];
    for (const intervalMs of [100, FAST_MS]) costs.push(await measureCost(bundles, intervalMs));
    return report(cuts, loads.flat(), costs);
  } finally {
    bundles.remove();
  }
}

/** From SIGSTOP of the router's BFD to "down" in the thread that speaks BGP, in ms, over and over. */
async function measureCuts(
  bundles: BfdBundles,
  name: string,
  start: StartPeer,
): Promise<readonly string[]> {
  const segment = newSegment("benchbfd");
  const node = await BfdNode.start(segment.host("node").namespace, bundles);
  const { namespace } = segment.host("peer");
  const peer = await start(namespace, { node: NODE, local: PEER, intervalMs: FAST_MS });
  const tookMs: number[] = [];
  prefer(peer);
  try {
    node.request([request({ settings: settingsOf(FAST_MS) })]);
    while (tookMs.length < CUTS) {
      await node.whenPath("router", "up", 10_000);
      await settle(node);
      const cutMs = performance.timeOrigin + performance.now();
      peer.signal("SIGSTOP");
      const down = await node.whenPath("router", "down", 5_000);
      tookMs.push(down.atMs - cutMs);
      peer.signal("SIGCONT");
    }
  } finally {
    peer.signal("SIGCONT");
    await node.kill();
    await peer.stop();
    segment.destroy();
  }
  const show = (value: number | undefined): string => (value ?? Number.NaN).toFixed(1);
  const shares = [quantile(tookMs, 0.9), quantile(tookMs, 0.99), Math.max(...tookMs)];
  return [name, String(tookMs.length), show(median(tookMs)), ...shares.map(show)];
}

/** Waits until the poll is over, and then for a moment that has nothing to do with the packets. */
async function settle(node: BfdNode): Promise<void> {
  await eventually("the session goes at its own pace", 10_000, () => {
    return node.countersOf("router")?.detectionTimeMs === 3 * FAST_MS;
  });
  await new Promise(resolve => setTimeout(resolve, 100 + Math.random() * 200));
}

/** Sessions at several paces while every processor is busy and the main thread stands still 300 ms of each second. */
async function measureLoad(
  bundles: BfdBundles,
  name: string,
  wrapper: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const hosts = LOADED_MS.map((intervalMs, index) => ({
    intervalMs,
    name: `p${intervalMs}`,
    mac: `02:00:5e:00:54:0${index}`,
    address: `192.0.2.${100 + index}`,
  }));
  const segment = new Segment("benchbfd", [
    { name: "node", mac: "02:00:5e:00:53:01", addresses: [`${NODE}/24`] },
    ...hosts.map(host => ({ ...host, addresses: [`${host.address}/24`] })),
  ]);
  const [, startBird] = DAEMONS[0] ?? [];
  const peers = [];
  const burners: ChildProcess[] = [];
  const node = await BfdNode.start(segment.host("node").namespace, bundles, wrapper);
  try {
    for (const { name: host, address, intervalMs } of hosts) {
      const ends = { node: NODE, local: address, intervalMs };
      const peer = await startBird?.(segment.host(host).namespace, ends);
      if (peer === undefined) continue;
      prefer(peer);
      peers.push(peer);
    }
    node.request(
      hosts.map(host =>
        request({
          session: host.name,
          peerAddress: host.address,
          settings: settingsOf(host.intervalMs),
        }),
      ),
    );
    for (const host of hosts) await node.whenPath(host.name, "up", 10_000);
    const loop = ["-e", "for(;;);"];
    const count = cpus().length + 1;
    for (let index = 0; index < count; index += 1) {
      burners.push(spawn(process.execPath, loop, { stdio: "ignore" }));
    }
    node.stall(300, 1_000);
    node.worstDelayMs = 0;
    await new Promise(resolve => setTimeout(resolve, LOAD_MS));
    for (const burner of burners) burner.kill("SIGKILL");
    await new Promise(resolve => setTimeout(resolve, 2_500));
    return hosts.map(host => {
      const counters = node.countersOf(host.name);
      const least = counters?.margins.findIndex(packets => packets > 0) ?? -1;
      const margin = ["0", "5", "10", "25", "50", "100", "250", "500", "1000", "2500"][least];
      return [
        name,
        `${host.intervalMs} ms × 3`,
        flapsOf(node, host.name),
        `≤ ${margin ?? "?"} ms`,
        `${node.worstDelayMs.toFixed(0)} ms`,
      ];
    });
  } finally {
    for (const burner of burners) burner.kill("SIGKILL");
    await node.kill();
    for (const peer of peers) await peer.stop();
    segment.destroy();
  }
}

/** The share of one processor that a node with a hundred sessions takes. */
async function measureCost(bundles: BfdBundles, intervalMs: number): Promise<readonly string[]> {
  const numbers = Array.from({ length: SESSIONS }, (_, index) => index + 1);
  const segment = new Segment("benchbfd", [
    {
      name: "node",
      mac: "02:00:5e:00:53:01",
      addresses: numbers.map(number => `10.1.0.${number}/8`),
    },
    {
      name: "peer",
      mac: "02:00:5e:00:53:02",
      addresses: numbers.map(number => `10.2.0.${number}/8`),
    },
  ]);
  const neighbors = numbers.map(number => `neighbor 10.1.0.${number} local 10.2.0.${number};`);
  const options = `interval ${intervalMs} ms; multiplier 3;`;
  const bird = await BirdDaemon.start({
    namespace: segment.host("peer").namespace,
    config: `router id 10.0.0.9;\nprotocol device {}\nprotocol bfd { interface "*" { ${options} }; multihop { ${options} };\n${neighbors.join("\n")}\n}\n`,
  });
  prefer(bird);
  const node = await BfdNode.start(segment.host("node").namespace, bundles);
  try {
    node.request(
      numbers.map(number =>
        request({
          session: `s${number}`,
          peerAddress: `10.2.0.${number}`,
          localAddress: `10.1.0.${number}`,
          settings: settingsOf(intervalMs),
        }),
      ),
    );
    await eventually("all sessions are up", 20_000, () => {
      return node.counters.filter(({ state }) => state === "Up").length === SESSIONS;
    });
    await new Promise(resolve => setTimeout(resolve, 3_000));
    const before = cpuMs(node.pid);
    const packetsBefore = countPackets(node);
    await new Promise(resolve => setTimeout(resolve, CPU_MS));
    const share = (cpuMs(node.pid) - before) / CPU_MS;
    const perSecond = ((countPackets(node) - packetsBefore) / CPU_MS) * 1_000;
    const rssMb = residentMb(node.pid);
    return [
      `${intervalMs} ms × 3`,
      `${(share * 100).toFixed(1)} %`,
      perSecond.toFixed(0),
      flapsOf(node),
      `${rssMb.toFixed(0)} MB`,
    ];
  } finally {
    await node.kill();
    await bird.stop();
    segment.destroy();
  }
}

/** Raises every thread of a router's BFD: BIRD has one for it alone. */
function prefer({ pid }: { readonly pid: number }): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), PEER_NICE);
}

/** How often a session, or any of them, went from Up, by what it said of it. */
function flapsOf(node: BfdNode, session?: string): string {
  const isMeant = ({ sessions }: { readonly sessions: readonly string[] }): boolean =>
    session === undefined || sessions.includes(session);
  const downs = node.states.filter(each => isMeant(each) && each.from === "Up");
  const timeouts = downs.filter(each => each.diagnostic === "control detection time expired");
  const others = downs.length - timeouts.length;
  return `${downs.length} (${timeouts.length} seen here, ${others} by the peer)`;
}

function countPackets({ counters }: BfdNode): number {
  return counters.reduce((sum, each) => sum + each.controlReceived + each.controlSent, 0);
}

/** User and system time of all threads; the kernel counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1_024;
}

function report(
  cuts: readonly (readonly string[])[],
  loads: readonly (readonly string[])[],
  costs: readonly (readonly string[])[],
): string {
  const form = IS_SHORT ? " (short form)" : "";
  return `# BFD${form}

Herald's packet thread against BIRD and FRR's bfdd in network namespaces, ${cpus().length} processors.

## A dead peer

SIGSTOP of the router's BFD until the thread that speaks BGP hears "down", ${FAST_MS} ms × 3, in ms. The detection time counts from the
last packet, which came up to ${FAST_MS} ms before; the bound is 165.

${markdownTable([["peer", "cuts", "p50", "p90", "p99", "worst"], ...cuts])}

## A busy machine

${cpus().length + 1} endless loops, the main thread blocked 300 ms of each second, for ${LOAD_MS / 1_000} s, against BIRD (which runs with priority: routers have
processors of their own). The margin is the class of what was left of the detection time when the latest packet came.

${markdownTable([["packet thread", "timers", "flaps", "least margin", "latest wake-up"], ...loads])}

## ${SESSIONS} sessions

All threads of the process, in share of one processor; packets a second both ways.

${markdownTable([["timers", "CPU", "packets/s", "flaps", "memory"], ...costs])}
`;
}
