/**
 * BGP in figures: the BGP thread of a node beside daemons as senders, BIRD as the receiver, in network namespaces. Counts and times
 * are read from captures on the wire.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY } from "../lab/paths";
import { startBird } from "../lab/routers/bird";
import { startFrr } from "../lab/routers/frr";
import { ensureRouters } from "../lab/routers/packages";
import type { Router, StartRouter } from "../lab/routers/router";
import { MessageType } from "../lib/bgp/constants";
import type { BgpSessionSpec } from "../node/bgp-protocol";
import { titleOf } from "../test/lab/bgp/matrix-report";
import {
  begin,
  makeSegment,
  NODE,
  NODE_AS,
  ROUTER,
  ROUTER_AS,
  routerSettings,
  SESSION,
  sessionSpec,
} from "../test/lab/bgp/support";
import { BgpNode, bundleBgpPrograms, type BgpBundles } from "../test/support/bgp-node";
import { eventually, type Host, type Segment } from "../test/support/netns";
import { captureBgp, type SentMessage } from "./bgp/capture";
import { CHANGE_HEAD, runChanges, toCells } from "./bgp/changes";
import { measureRestart } from "./bgp/restart";
import { markdownTable, quantile } from "./statistics";

const ROUTES = 10_000;
const ROUNDS = 3;
const CHANGES_PER_SECOND = 100;
const CHANGE_SECONDS = 60;
const RESTART_ROUTES = 1_000;
const QUIET_PEERS = 120;
/** Sessions that have warmed the program up. */
const WARM_PEERS = 20;

const PREFIXES = Array.from({ length: ROUTES }, (_, i) => `10.1.${i >> 8}.${i & 255}/32`);

const PARTS = ["tables", "changes", "restart", "flood", "memory", "refusal"] as const;

/** Runs the bench, or some of its parts, and returns the report as Markdown. */
export async function benchBgp(parts: readonly string[] = PARTS): Promise<string> {
  await ensureRouters(["bird", "frr"]);
  const bundles = await bundleBgpPrograms();
  const segment = makeSegment("bench-bgp");
  const folder = mkdtempSync(join(tmpdir(), "herald-bench-bgp-"));
  try {
    const bench = new Bench(segment, bundles, folder);
    const lines = [
      "# BGP",
      "",
      `${cpus()[0]?.model ?? "?"}, ${cpus().length} cores, load average ${showLoad()} at the beginning. BIRD receives over a veth pair; counts and times are from captures.`,
      "",
    ];
    for (const part of PARTS) if (parts.includes(part)) lines.push(...(await bench[part]()));
    return lines.join("\n");
  } finally {
    segment.destroy();
    rmSync(folder, { recursive: true, force: true });
    bundles.remove();
  }
}

/** What a first table took. */
interface TableRun {
  readonly updates: number;
  /** From the KEEPALIVE that makes the session Established to the last UPDATE. */
  readonly ms: number;
}

class Bench {
  readonly #node: Host;
  readonly #router: Host;
  readonly #bundles: BgpBundles;
  readonly #folder: string;

  constructor(segment: Segment, bundles: BgpBundles, folder: string) {
    this.#node = segment.host("node");
    this.#router = segment.host("router");
    this.#bundles = bundles;
    this.#folder = folder;
  }

  /** 10,000 routes with one attribute set, by each sender in turns. */
  async tables(): Promise<readonly string[]> {
    const senders = new Map<string, () => Promise<TableRun>>([
      ["Herald, routes given while the session begins", () => this.#heraldTable()],
      ["Herald, routes given before", () => this.#heraldKnownTable()],
      [await titleOf("bird"), () => this.#daemonTable(startBird)],
      [await titleOf("frr"), () => this.#daemonTable(startFrr)],
    ]);
    const runs = new Map<string, TableRun[]>([...senders.keys()].map(name => [name, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      const order = round % 2 === 0 ? [...senders] : [...senders].reverse();
      for (const [name, run] of order) runs.get(name)?.push(await run());
    }
    const rows = [...runs].map(([name, all]) => [
      name,
      [...new Set(all.map(({ updates }) => updates))].sort((a, b) => a - b).join(", "),
      ...[0, 0.5, 0.99].map(share =>
        (
          quantile(
            all.map(({ ms }) => ms),
            share,
          ) ?? NaN
        ).toFixed(1),
      ),
    ]);
    return [
      `## ${ROUTES} IPv4 routes with one attribute set, Established → last UPDATE`,
      "",
      `${ROUNDS} rounds, senders in turns. UPDATEs with routes; End-of-RIB not counted. GoBGP and MetalLB are not in the table: in the lab GoBGP is given its routes by one command each, and MetalLB gets them from an API server.`,
      "",
      markdownTable([["sender", "UPDATEs", "best, ms", "median, ms", "worst, ms"], ...rows]),
      "",
    ];
  }

  async #heraldTable(): Promise<TableRun> {
    return this.#withReceiver(async receiver => {
      const capture = await captureBgp(this.#router, join(this.#folder, "table"));
      const node = await BgpNode.start(this.#node, this.#bundles);
      begin(node, {}, PREFIXES);
      await this.#holds(receiver, ROUTES);
      await node.stop();
      return toTableRun(await capture.stop(NODE.ipv4));
    });
  }

  /** The thread has its table, as daemons have theirs, and waits for the router. */
  async #heraldKnownTable(): Promise<TableRun> {
    const node = await BgpNode.start(this.#node, this.#bundles);
    begin(node, {}, PREFIXES);
    await eventually(
      "the thread has its table",
      10_000,
      () => node.counters(SESSION)?.desiredPrefixes === ROUTES,
    );
    const capture = await captureBgp(this.#router, join(this.#folder, "table"));
    return this.#withReceiver(async receiver => {
      await this.#holds(receiver, ROUTES);
      await node.stop();
      return toTableRun(await capture.stop(NODE.ipv4));
    });
  }

  async #daemonTable(start: StartRouter): Promise<TableRun> {
    return this.#withReceiver(async receiver => {
      const capture = await captureBgp(this.#router, join(this.#folder, "table"));
      const sender = await start(this.#node.namespace, {
        as: NODE_AS,
        routerId: NODE.ipv4,
        addresses: [NODE.ipv4],
        peers: [{ target: { address: ROUTER.ipv4 }, as: ROUTER_AS, families: ["ipv4"] }],
        announces: PREFIXES,
      });
      await this.#holds(receiver, ROUTES, 60_000);
      await sender.kill();
      return toTableRun(await capture.stop(NODE.ipv4));
    });
  }

  async #withReceiver<Value>(use: (receiver: Router) => Promise<Value>): Promise<Value> {
    const receiver = await startBird(this.#router.namespace, routerSettings());
    try {
      return await use(receiver);
    } finally {
      await receiver.kill();
    }
  }

  async #holds(receiver: Router, count: number, withinMs = 20_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while ((await receiver.routes()).length !== count) {
      if (performance.now() > deadlineMs) throw new Error(`the receiver does not hold ${count}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }

  /** One Service more and one less, 100 times a second, beside 100 and beside 10,000 routes. */
  async changes(): Promise<readonly string[]> {
    const rows: (readonly string[])[] = [];
    for (const count of [100, ROUTES]) rows.push(await this.#changesBeside(count));
    return [
      `## ${CHANGES_PER_SECOND} changes a second for ${CHANGE_SECONDS} s: command → UPDATE on the wire`,
      "",
      "Each change announces a prefix of its own and withdraws the one of 500 changes before. From the moment the main thread gives the command to the BGP thread to the time stamp of the packet. `not on the wire`: announcements and withdrawals that the capture does not have; `wrong at the receiver`: routes that BIRD's table lacks or has too many in the end.",
      "",
      markdownTable([["routes", ...CHANGE_HEAD], ...rows]),
      "",
      "Targets: p50 ≤ 5 ms, p99 ≤ 20 ms for one change, p99 ≤ 50 ms at 100 a second, none lost.",
      "",
    ];
  }

  async #changesBeside(count: number): Promise<readonly string[]> {
    return this.#withReceiver(async receiver => {
      const node = await BgpNode.start(this.#node, this.#bundles);
      const table = PREFIXES.slice(0, count);
      begin(node, {}, table);
      await this.#holds(receiver, count);
      const before = cpuMs(node);
      const wire = { host: this.#router, folder: this.#folder };
      const settings = { perSecond: CHANGES_PER_SECOND, seconds: CHANGE_SECONDS, table };
      const run = await runChanges(node, receiver, wire, settings);
      const cpu = cpuMs(node) - before;
      await node.stop();
      return [`${count}`, ...toCells(run, cpu)];
    });
  }

  /** `kill -9` of the process, with and without graceful restart. */
  async restart(): Promise<readonly string[]> {
    const rows: string[][] = [];
    for (const gracefulRestartSeconds of [30, undefined]) {
      const graceful = gracefulRestartSeconds === undefined ? {} : { gracefulRestartSeconds };
      const router = await startBird(this.#router.namespace, routerSettings(graceful));
      try {
        const start = () => BgpNode.start(this.#node, this.#bundles);
        const prefixes = PREFIXES.slice(0, RESTART_ROUTES);
        const node = await start();
        begin(node, { configuration: graceful }, prefixes);
        await this.#holds(router, prefixes.length);
        const run = await measureRestart(router, node, { prefixes, gracefulRestartSeconds, start });
        rows.push([
          gracefulRestartSeconds === undefined ? "no" : "yes",
          run.establishedMs.toFixed(0),
          run.absentMs.toFixed(0),
          run.lookMs.toFixed(0),
        ]);
      } finally {
        await router.kill();
      }
    }
    return [
      `## kill -9 of the BGP process with ${RESTART_ROUTES} routes, started again at once`,
      "",
      markdownTable([
        [
          "graceful restart",
          "kill → Established, ms",
          "routes absent, ms",
          "one look at BIRD, ms at most",
        ],
        ...rows,
      ]),
      "",
    ];
  }

  /** A peer that announces a million IPv4 and 200,000 IPv6 routes, beside one that keeps a hold time of 3 s. */
  async flood(): Promise<readonly string[]> {
    return this.#withPeers("flood", 1, ports =>
      this.#withPeers("quiet", 1, async quietPorts => {
        const node = await BgpNode.start(this.#node, this.#bundles);
        const beside = {
          ...specAt(quietPorts[0], "beside"),
          configuration: {
            ...specAt(0, "").configuration,
            holdTimeSeconds: 3,
            keepaliveSeconds: 1,
          },
        };
        node.post({ type: "sessions", sessions: [beside] });
        node.post({ type: "synced" });
        await node.established("beside");
        const before = await node.rssOctets();
        node.post({ type: "sessions", sessions: [beside, specAt(ports[0], "flood")] });
        const fromMs = performance.now();
        let most = before;
        while ((node.counters("flood")?.announcedPrefixes ?? 0) < 1_200_000) {
          most = Math.max(most, await node.rssOctets());
          if (performance.now() - fromMs > 120_000) throw new Error("the flood does not end");
          await new Promise(resolve => setTimeout(resolve, 50));
        }
        const seconds = (performance.now() - fromMs) / 1_000;
        const flaps = (node.session("flood")?.flaps ?? 0) + (node.session("beside")?.flaps ?? 0);
        await node.stop();
        return [
          "## A peer that floods 1,000,000 IPv4 and 200,000 IPv6 routes",
          "",
          `Read in ${seconds.toFixed(1)} s; resident memory ${mebibytes(before)} before, ${mebibytes(most)} at most (+${mebibytes(most - before)}); flaps of it and of a session beside it with 3 s hold time: ${flaps}. Target: + ≤ 10 MiB.`,
          "",
        ];
      }),
    );
  }

  async memory(): Promise<readonly string[]> {
    return this.#withPeers("quiet", QUIET_PEERS, async ports => {
      const node = await BgpNode.start(this.#node, this.#bundles);
      const specs = ports.map((port, index) => specAt(port, `peer-${index}`));
      const before = await this.#rssWith(node, specs.slice(0, WARM_PEERS));
      const after = await this.#rssWith(node, specs);
      await node.stop();
      const perPeer = (after - before) / (ports.length - WARM_PEERS) / 1_000;
      return [
        "## Memory",
        "",
        `${QUIET_PEERS} sessions instead of ${WARM_PEERS}: resident memory + ${perPeer.toFixed(0)} kB each. Target: ≤ 150 kB.`,
        "",
      ];
    });
  }

  async #rssWith(node: BgpNode, sessions: readonly BgpSessionSpec[]): Promise<number> {
    node.post({ type: "sessions", sessions });
    node.post({ type: "synced" });
    for (const { name } of sessions) await node.established(name);
    // Reports and counters of the beginning are over.
    await new Promise(resolve => setTimeout(resolve, 3_000));
    return node.rssOctets();
  }

  async refusal(): Promise<readonly string[]> {
    return this.#withPeers("refuse", 1, async ports => {
      const node = await BgpNode.start(this.#node, this.#bundles);
      node.post({ type: "sessions", sessions: [specAt(ports[0], SESSION)] });
      await new Promise(resolve => setTimeout(resolve, 61_000));
      const attempts = node.counters(SESSION)?.connectionAttempts ?? NaN;
      await node.stop();
      return [
        "## A peer that refuses every OPEN with Cease",
        "",
        `${attempts} attempts in the first minute. Target: ≤ 10.`,
        "",
      ];
    });
  }

  async #withPeers<Value>(
    mode: string,
    count: number,
    use: (ports: readonly number[]) => Promise<Value>,
  ): Promise<Value> {
    const program = join(REPOSITORY, "bench/bgp/peer-program.ts");
    const argv = [process.execPath, "--import", "tsx", program, mode, ROUTER.ipv4, `${count}`];
    const child = spawn("ip", ["netns", "exec", this.#router.namespace, ...argv], {
      cwd: REPOSITORY,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    try {
      await eventually(`${mode} peers listen`, 20_000, () => said.includes("]"));
      return await use(JSON.parse(said) as number[]);
    } finally {
      child.kill("SIGKILL");
    }
  }
}

function toTableRun(sent: readonly SentMessage[]): TableRun {
  const isTable = ({ type, octets }: SentMessage) =>
    type === MessageType.update && octets.length > 23;
  const updates = sent.filter(isTable);
  const first = sent.findIndex(isTable);
  const established = sent.slice(0, first).findLast(({ type }) => type === MessageType.keepalive);
  return {
    updates: updates.length,
    ms: (updates.at(-1)?.atMs ?? NaN) - (established?.atMs ?? NaN),
  };
}

function specAt(port: number | undefined, name: string): BgpSessionSpec {
  const families = ["ipv4-unicast", "ipv6-unicast"] as const;
  const spec = sessionSpec({
    configuration: { families, holdTimeSeconds: 90, keepaliveSeconds: 30 },
  });
  return { ...spec, name, port: port ?? 0 };
}

/** Of the last minute: what else the machine had to do. */
function showLoad(): string {
  return (loadavg()[0] ?? NaN).toFixed(1);
}

/** User and system time of the node's process. */
function cpuMs(node: BgpNode): number {
  const stat = readFileSync(`/proc/${node.pid ?? 0}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const TICK_MS = 10;
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function mebibytes(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(1)} MiB`;
}
