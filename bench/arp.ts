/**
 * How fast addresses are answered, by ARP and NDP, from one Service to ten thousand: Herald's speaker, MetalLB's and the kernel (an address
 * of the node itself) on one node, asked by one client in turns, A B K K B A, so that noise on the machine meets all alike. Beside
 * that: memory and CPU of the speakers at rest, and Herald's answers while its main thread relists ten thousand Services in a loop.
 * HERALD_BENCH_ROUNDS (6) and HERALD_BENCH_SERVICES (1,5000,10000) make it shorter.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabProcess } from "../lab/host-process";
import { Lab } from "../lab/lab";
import { REPOSITORY } from "../lab/paths";
import { consoleProgress } from "../lab/progress";
import { poll, run } from "../lab/run";
import { arpReport, type Measured } from "./arp-report";
import { ArpWorld, FIRST_IPV4, FIRST_IPV6, KERNEL_IPV4, NAMESPACE } from "./arp-world";
import { ensurePeer, PEER_VERSION } from "./peer";

const ROUNDS = Number(process.env["HERALD_BENCH_ROUNDS"] ?? 6);
const SERVICES = (process.env["HERALD_BENCH_SERVICES"] ?? "1,5000,10000").split(",").map(Number);
/** MetalLB is measured up to here. */
const PEER_SERVICES = 5_000;
const REQUESTS = 1_000;
const RATE_MS = 2_000;
const ANSWER_LIMIT_MS = 180_000;
/** Announcements and statuses are done when the speaker used less of a core than this for two seconds, or after a minute. */
const IDLE_SHARE = 0.05;
const IDLE_LIMIT_MS = 60_000;
const IDLE_WINDOW_MS = 5_000;

interface Contender {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly isSingle?: boolean;
  start(): LabProcess | undefined;
}

/** Runs the bench and returns the report as Markdown. */
export async function benchArp(): Promise<string> {
  const peer = await ensurePeer();
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  const lab = await Lab.up({ name: "bench-arp", nodes: 1, progress: consoleProgress() });
  try {
    const world = await ArpWorld.prepare(lab);
    const kernelIpv6 = await ipv6Of(lab);
    const contenders = contendersIn(lab, peer, kernelIpv6);
    const measured: Measured[] = [];
    for (const services of SERVICES) {
      console.error(`${services} Services …`);
      await world.grow(services);
      const present = contenders.filter(
        ({ name }) => services <= PEER_SERVICES || !name.startsWith("MetalLB"),
      );
      for (const contender of inTurns(present)) {
        measured.push(await measure(lab, contender, services));
      }
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      measured.push(await measureRelisting(lab, Math.max(...SERVICES)));
    }
    return arpReport(measured, { rounds: ROUNDS, requests: REQUESTS });
  } finally {
    await lab.down();
  }
}

/** A B K K B A …, once in each round. */
function inTurns(contenders: readonly Contender[]): readonly Contender[] {
  return Array.from({ length: ROUNDS }, (_, round) =>
    round % 2 === 0 ? contenders : [...contenders].reverse(),
  ).flat();
}

function contendersIn(lab: Lab, peer: string, kernelIpv6: string): readonly Contender[] {
  const env = {
    METALLB_NODE_NAME: "n1",
    METALLB_POD_NAME: "speaker",
    METALLB_NAMESPACE: NAMESPACE,
  };
  const start = (argv: readonly string[], log: string): LabProcess =>
    lab.spawn("n1", argv, { env, log });
  const program = join(REPOSITORY, "dist", "speaker.js");
  const services = { ipv4: FIRST_IPV4, ipv6: FIRST_IPV6 };
  return [
    { name: "Herald", ...services, start: () => start([process.execPath, program], "herald") },
    {
      name: `MetalLB ${PEER_VERSION}`,
      ...services,
      start: () => start([join(peer, "speaker"), `--kubeconfig=${lab.kubeconfig}`], "metallb"),
    },
    { name: "kernel", ipv4: KERNEL_IPV4, ipv6: kernelIpv6, isSingle: true, start: () => undefined },
  ];
}

/** The node's own address on the segment. */
async function ipv6Of(lab: Lab): Promise<string> {
  const { stdout } = await lab.exec("n1", [
    "ip",
    "-6",
    "-o",
    "addr",
    "show",
    "dev",
    "eth0",
    "scope",
    "global",
  ]);
  return /inet6 ([0-9a-f:]+)/.exec(stdout)?.[1] ?? "";
}

async function measure(lab: Lab, contender: Contender, services: number): Promise<Measured> {
  const speaker = contender.start();
  try {
    const addresses = contender.isSingle === true ? 1 : services;
    const index = await clientIndex(lab);
    await poll(async () => (await answersAll(lab, contender, addresses)) || undefined, {
      timeoutMs: ANSWER_LIMIT_MS,
      describe: () => `${contender.name} does not answer.`,
    });
    const rest = speaker && (await whenIdle(speaker.pid));
    const ask = (first: string, how: string, count: number): Promise<Answers> =>
      askFrom(lab, [index, first, String(addresses), how, String(count)]);
    return {
      name: contender.name,
      services,
      arpUs: (await ask(contender.ipv4, "latency", REQUESTS)).tookUs ?? [],
      ndpUs: (await ask(contender.ipv6, "latency", REQUESTS)).tookUs ?? [],
      arpPerSecond: (await ask(contender.ipv4, "rate", RATE_MS)).perSecond,
      ndpPerSecond: (await ask(contender.ipv6, "rate", RATE_MS)).perSecond,
      ...rest,
    };
  } finally {
    await speaker?.stop();
  }
}

async function measureRelisting(lab: Lab, services: number): Promise<Measured> {
  const program = join(REPOSITORY, "bench", "relist-program.ts");
  const bundle = join(REPOSITORY, "dist", "packet-thread.js");
  const tsx = join(REPOSITORY, "node_modules", "tsx", "dist", "loader.mjs");
  const argv = [process.execPath, "--import", tsx, program, bundle, FIRST_IPV4, String(services)];
  const env = { KUBECONFIG: lab.kubeconfig };
  const thread = lab.spawn("n1", argv, { env, log: "relist", cwd: REPOSITORY });
  try {
    const index = await clientIndex(lab);
    const last = { name: "relist", ipv4: FIRST_IPV4, ipv6: "", start: () => undefined };
    await poll(async () => (await answersAll(lab, last, services)) || undefined, {
      timeoutMs: ANSWER_LIMIT_MS,
      describe: () => "The packet thread beside a relisting main thread does not answer.",
    });
    const { tookUs = [] } = await askFrom(lab, [
      index,
      FIRST_IPV4,
      String(services),
      "latency",
      String(REQUESTS),
    ]);
    return { name: "Herald, relisting", services, arpUs: tookUs, ndpUs: [] };
  } finally {
    await thread.stop();
  }
}

interface Answers {
  readonly tookUs?: readonly number[];
  readonly perSecond?: number;
}

async function askFrom(lab: Lab, argv: readonly string[]): Promise<Answers> {
  const client = join(REPOSITORY, "bench", "arp-client.ts");
  const command = [process.execPath, "--import", "tsx", client, "eth0", ...argv];
  return JSON.parse((await lab.exec("client", command, { cwd: REPOSITORY })).stdout) as Answers;
}

async function clientIndex(lab: Lab): Promise<string> {
  const { stdout } = await lab.exec("client", ["ip", "-json", "link", "show", "eth0"]);
  const [{ ifindex }] = JSON.parse(stdout) as [{ ifindex: number }];
  return String(ifindex);
}

/** Whether the first and the last address answer. */
async function answersAll(lab: Lab, { ipv4 }: Contender, addresses: number): Promise<boolean> {
  const last = addresses - 1;
  const lastIpv4 = addresses === 1 ? ipv4 : `10.50.${last >> 8}.${last & 255}`;
  for (const address of new Set([ipv4, lastIpv4])) {
    const once = ["arping", "-q", "-c", "1", "-w", "1", "-i", "eth0", address];
    if ((await lab.exec("client", once, { check: false })).status !== 0) return false;
  }
  return true;
}

/** Waits until the process rests, then says what it uses: MiB resident, share of a core. */
async function whenIdle(pid: number): Promise<{ rssMib: number; cpuShare: number }> {
  const limitMs = performance.now() + IDLE_LIMIT_MS;
  while ((await cpuShareOf(pid, 2_000)) > IDLE_SHARE && performance.now() < limitMs);
  const cpuShare = await cpuShareOf(pid, IDLE_WINDOW_MS);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { rssMib: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024, cpuShare };
}

async function cpuShareOf(pid: number, windowMs: number): Promise<number> {
  const before = cpuMs(pid);
  const startMs = performance.now();
  await new Promise(resolve => setTimeout(resolve, windowMs));
  return (cpuMs(pid) - before) / (performance.now() - startMs);
}

/** User and system time so far; a tick is 10 ms. */
function cpuMs(pid: number): number {
  const words = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return 10 * (Number(words[11]) + Number(words[12]));
}
