/**
 * How fast an address is answered: one Service, one node, one client on the same bridge. Herald's speaker, MetalLB's and the kernel
 * (an address of the node itself) are asked in turns, A B K K B A, so that noise on the machine meets all alike.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { firstPool, nginx } from "../lab/demo-manifests";
import type { LabProcess } from "../lab/host-process";
import { PAUSE_IMAGE } from "../lab/images";
import { Lab } from "../lab/lab";
import { REPOSITORY } from "../lab/paths";
import { consoleProgress } from "../lab/progress";
import { poll, run } from "../lab/run";
import { ensurePeer, PEER_VERSION } from "./peer";
import { markdownTable, median, quantile } from "./statistics";

const ADDRESS = "192.168.1.240";
const KERNEL_ADDRESS = "192.168.1.250";
const ROUNDS = 6;
const REQUESTS = 1_000;
const NAMESPACE = "metallb-system";
const ANSWER_LIMIT_MS = 30_000;

interface Contender {
  readonly name: string;
  readonly address: string;
  start(): LabProcess | undefined;
}

/** Runs the bench and returns the report as Markdown. */
export async function benchArp(): Promise<string> {
  const peer = await ensurePeer();
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  const lab = await Lab.up({ name: "bench-arp", nodes: 1, progress: consoleProgress() });
  try {
    await prepare(lab);
    const contenders = contendersIn(lab, peer);
    const rounds = new Map<string, number[][]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      const order = round % 2 === 0 ? contenders : [...contenders].reverse();
      for (const contender of order) {
        rounds.get(contender.name)?.push(await measure(lab, contender));
      }
    }
    return report(rounds);
  } finally {
    await lab.down();
  }
}

function contendersIn(lab: Lab, peer: string): readonly Contender[] {
  const env = {
    METALLB_NODE_NAME: "n1",
    METALLB_POD_NAME: "speaker",
    METALLB_NAMESPACE: NAMESPACE,
  };
  const start = (argv: readonly string[], log: string): LabProcess =>
    lab.spawn("n1", argv, { env, log });
  const program = join(REPOSITORY, "dist", "speaker.js");
  return [
    {
      name: "Herald",
      address: ADDRESS,
      start: () => start([process.execPath, program], "herald"),
    },
    {
      name: `MetalLB ${PEER_VERSION}`,
      address: ADDRESS,
      start: () => start([join(peer, "speaker"), `--kubeconfig=${lab.kubeconfig}`], "metallb"),
    },
    { name: "kernel", address: KERNEL_ADDRESS, start: () => undefined },
  ];
}

/** Definitions, a pool, a Service with its address written by hand: no controller and no webhook takes part. */
async function prepare(lab: Lab): Promise<void> {
  const folder = join(REPOSITORY, "crds");
  const files = readdirSync(folder).filter(file => file.endsWith(".yaml"));
  const definitions = files.map(file => readFileSync(join(folder, file), "utf8")).join("\n---\n");
  await lab.kubectl(["apply", "--server-side", "-f", "-"], { input: definitions });
  await lab.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]);
  await lab.kubectl(["create", "namespace", NAMESPACE]);
  await lab.apply(firstPool);
  await lab.apply(nginx);
  const status = { status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } } };
  const patch = ["--subresource=status", "--type=merge", "-p", JSON.stringify(status)];
  await lab.kubectl(["patch", "service", "nginx", ...patch]);
  await lab.kubectl(["rollout", "status", "deployment/nginx", "--timeout=60s"]);
  // MetalLB's speaker wants to see its own Pod.
  const image = [`--image=${PAUSE_IMAGE}`, "--image-pull-policy=IfNotPresent"];
  await lab.kubectl(["run", "speaker", "-n", NAMESPACE, ...image]);
  await lab.exec("n1", ["ip", "addr", "add", `${KERNEL_ADDRESS}/32`, "dev", "eth0"]);
}

/** Times of the answers in one round, µs. */
async function measure(lab: Lab, contender: Contender): Promise<number[]> {
  const speaker = contender.start();
  try {
    const once = ["arping", "-q", "-c", "1", "-w", "1", "-i", "eth0", contender.address];
    await poll(
      async () =>
        (await lab.exec("client", once, { check: false })).status === 0 ? true : undefined,
      { timeoutMs: ANSWER_LIMIT_MS, describe: () => `${contender.name} does not answer.` },
    );
    const client = join(REPOSITORY, "bench", "arp-client.ts");
    const link = await lab.exec("client", ["ip", "-json", "link", "show", "eth0"]);
    const [{ ifindex }] = JSON.parse(link.stdout) as [{ ifindex: number }];
    const argv = ["eth0", String(ifindex), contender.address, String(REQUESTS)];
    const { stdout } = await lab.exec(
      "client",
      [process.execPath, "--import", "tsx", client, ...argv],
      { cwd: REPOSITORY },
    );
    return JSON.parse(stdout) as number[];
  } finally {
    await speaker?.stop();
  }
}

function report(rounds: ReadonlyMap<string, readonly number[][]>): string {
  const medians = (name: string, share: number): readonly number[] =>
    (rounds.get(name) ?? []).map(values => quantile(values, share) ?? Number.NaN);
  const peerName = `MetalLB ${PEER_VERSION}`;
  const ours = median(medians("Herald", 0.5));
  const ratioTo = (name: string): string => (ours / median(medians(name, 0.5))).toFixed(2);
  const rows = [...rounds.keys()].map(name => {
    const p50s = medians(name, 0.5);
    const spread = `${Math.min(...p50s).toFixed(0)}–${Math.max(...p50s).toFixed(0)}`;
    return [
      name,
      median(p50s).toFixed(1),
      spread,
      median(medians(name, 0.9)).toFixed(1),
      median(medians(name, 0.99)).toFixed(0),
      ratioTo(name),
    ];
  });
  return [
    "# ARP answers, one address",
    "",
    `${ROUNDS} rounds of ${REQUESTS} requests each, one request a millisecond, interleaved; medians over the rounds, µs from the request handed to the kernel to the answer read.`,
    "",
    markdownTable([
      ["who answers", "p50", "p50 of the rounds", "p90", "p99", "Herald's p50 ÷ this"],
      ...rows,
    ]),
    "",
    `Target: Herald's p50 at most 1.2 × ${peerName}'s. Measured: ${ratioTo(peerName)} ×.`,
    "",
  ].join("\n");
}
