/**
 * What admission costs a person who changes a pool: one client patches and creates pools through a real API server, with no webhook,
 * with Herald's two (validating, and mutating where a text may not be in normal form) and with MetalLB's one, in turns, beside 1 and
 * 1,000 pools. All the while a Lease is written ten times a second, as in a live cluster: it lets the API server's copies of quiet
 * kinds fall behind. Each created pool takes the addresses of the one that was deleted right before it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, createServerCertificate } from "../capabilities/admission/certificate";
import { WEBHOOK_CONFIGURATION } from "../capabilities/admission/webhook-configurations";
import { ApiClient } from "../capabilities/cluster/api-client";
import { loadClusterAccess } from "../capabilities/cluster/cluster-access";
import { freePorts, startApiServer, type ApiServer } from "../lab/api-server";
import { install } from "../lab/install";
import { REPOSITORY } from "../lab/paths";
import { poll, run } from "../lab/run";
import { ensurePeer, PEER_VERSION } from "./peer";
import { markdownTable, median, quantile } from "./statistics";

const NAMESPACE = "metallb-system";
const POOLS = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/ipaddresspools`;
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";
/** Fewer for a quick look. */
const ROUNDS = Number(process.env["HERALD_BENCH_ROUNDS"] ?? 6);
const CALLS = 150;
const LEASE_PERIOD_MS = 100;
/** Fixed in MetalLB. */
const PEER_PORT = 9443;
const PEER_NAME = `MetalLB ${PEER_VERSION}`;
const NO_WEBHOOK = "no webhook";

type Work = "patch" | "create";

interface Configuration {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

interface Contender {
  readonly name: string;
  readonly configurations: readonly Configuration[];
}

/** Milliseconds by contender, pools and work, one list a round. */
type Times = Map<string, number[][]>;

interface Bench {
  readonly client: ApiClient;
  readonly contenders: readonly Contender[];
  readonly times: Times;
}

/** Runs the bench and returns the report as Markdown. */
export async function benchAdmission(): Promise<string> {
  const peer = await ensurePeer();
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  const stateDir = mkdtempSync(join(tmpdir(), "herald-bench-admission-"));
  const server = await startApiServer({ stateDir });
  const access = loadClusterAccess({ kubeconfig: server.kubeconfigPath, env: {} });
  const client = new ApiClient(access);
  const children: ChildProcess[] = [];
  try {
    const contenders = [
      { name: NO_WEBHOOK, configurations: [] },
      await startHerald(server, client, children),
      await startPeer({ server, peer, stateDir, children }),
    ];
    const bench: Bench = { client, contenders, times: new Map() };
    const lease = await startLease(client);
    try {
      await measureAll(bench, 1);
      await addPools(client, 1_000);
      await measureAll(bench, 1_000);
    } finally {
      await lease.stop();
    }
    return report(bench.times);
  } finally {
    for (const child of children) child.kill("SIGTERM");
    client.close();
    await server.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function startHerald(
  server: ApiServer,
  client: ApiClient,
  children: ChildProcess[],
): Promise<Contender> {
  const [webhook = 0, metrics = 0, probe = 0] = await freePorts(3);
  const admissionUrl = `https://127.0.0.1:${webhook}`;
  await install({ kubectl: server.kubectl.bind(server), admissionUrl });
  const ports = [`--webhook-port=${webhook}`, `--port=${metrics}`, `--health-probe-port=${probe}`];
  const program = join(REPOSITORY, "dist", "admission.js");
  // The bench switches the configurations on and off, so nobody else may write them.
  const argv = [program, ...ports, "--disable-cert-rotation"];
  children.push(spawned(process.execPath, argv, { KUBECONFIG: server.kubeconfigPath }));
  const isReady = () =>
    fetch(`http://127.0.0.1:${probe}/readyz`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    );
  await poll(isReady, { timeoutMs: 30_000, describe: () => "Herald is not ready" });
  const configurations: Configuration[] = [];
  for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) {
    const path = `${REGISTRATION}/${kind.toLowerCase()}s/${WEBHOOK_CONFIGURATION}`;
    const found = await client.get<Configuration>(path);
    configurations.push({ ...found, kind, metadata: { name: WEBHOOK_CONFIGURATION } });
    await client.delete(path);
  }
  return { name: "Herald", configurations };
}

interface PeerPlace {
  readonly server: ApiServer;
  readonly peer: string;
  readonly stateDir: string;
  readonly children: ChildProcess[];
}

/** MetalLB's controller as a webhook endpoint alone, with a certificate of ours: its own rotation wants a Service and Pods. */
async function startPeer({ server, peer, stateDir, children }: PeerPlace): Promise<Contender> {
  const nowMs = Date.now();
  const authority = await createAuthority(nowMs);
  const { certificate, key } = await createServerCertificate(authority, ["127.0.0.1"], nowMs);
  // It looks for the pair there, whatever --cert-dir says.
  const folder = join(stateDir, "k8s-webhook-server", "serving-certs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tls.crt"), certificate);
  writeFileSync(join(folder, "tls.key"), key);
  const [metrics = 0] = await freePorts(1);
  const argv = [
    `--kubeconfig=${server.kubeconfigPath}`,
    `--namespace=${NAMESPACE}`,
    `--port=${metrics}`,
    "--disable-cert-rotation",
    "--webhook-mode=onlywebhook",
    "--log-level=warn",
  ];
  const env = { METALLB_BGP_TYPE: "native", TMPDIR: stateDir };
  children.push(spawned(join(peer, "controller"), argv, env));
  const webhook = {
    name: "ipaddresspoolvalidationwebhook.metallb.io",
    admissionReviewVersions: ["v1"],
    clientConfig: {
      url: `https://127.0.0.1:${PEER_PORT}/validate-metallb-io-v1beta1-ipaddresspool`,
      caBundle: Buffer.from(authority.certificate).toString("base64"),
    },
    failurePolicy: "Fail",
    sideEffects: "None",
    rules: [
      {
        apiGroups: ["metallb.io"],
        apiVersions: ["v1beta1"],
        operations: ["CREATE", "UPDATE"],
        resources: ["ipaddresspools"],
      },
    ],
  };
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: WEBHOOK_CONFIGURATION },
    webhooks: [webhook],
  };
  return { name: PEER_NAME, configurations: [configuration] };
}

function spawned(
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const path = process.env["PATH"] ?? "";
  return spawn(program, argv, {
    env: { PATH: path, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Writes one Lease ten times a second until it is stopped. */
async function startLease(client: ApiClient): Promise<{ stop(): Promise<void> }> {
  const name = "bench";
  await client.post(LEASES, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "default" },
    spec: { leaseTransitions: 0 },
  });
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    last = client.patch(`${LEASES}/${name}`, { spec: { leaseTransitions: ++count } });
  }, LEASE_PERIOD_MS);
  return {
    async stop() {
      clearInterval(timer);
      await last;
    },
  };
}

function pool(name: string, number: number): object {
  const spec = { addresses: [`10.${(number >> 8) & 255}.${number & 255}.0/24`] };
  const metadata = { name, namespace: NAMESPACE };
  return { apiVersion: "metallb.io/v1beta1", kind: "IPAddressPool", metadata, spec };
}

async function addPools(client: ApiClient, count: number): Promise<void> {
  const numbers = Array.from({ length: count - 1 }, (_, index) => index + 1);
  await Promise.all(numbers.map(number => client.post(POOLS, pool(`pool-${number}`, number))));
}

/** Every contender in each round, forwards and backwards in turns, so that noise on the machine meets all alike. */
async function measureAll(bench: Bench, pools: number): Promise<void> {
  const { client, contenders } = bench;
  if (pools === 1) await client.post(POOLS, pool("pool-0", 0));
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? contenders : [...contenders].reverse();
    for (const contender of order) {
      await inForce(client, contender);
      try {
        note(bench, { contender, pools, work: "patch" }, await patches(client));
        note(bench, { contender, pools, work: "create" }, await creations(client));
      } finally {
        await removed(client, contender);
      }
    }
  }
}

function note(
  { times }: Bench,
  { contender, pools, work }: { contender: Contender; pools: number; work: Work },
  tookMs: number[],
): void {
  const key = keyOf(contender.name, pools, work);
  times.set(key, [...(times.get(key) ?? []), tookMs]);
}

function keyOf(name: string, pools: number, work: Work): string {
  return `${name}/${pools}/${work}`;
}

async function patches(client: ApiClient): Promise<number[]> {
  const tookMs: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const startMs = performance.now();
    await client.patch(`${POOLS}/pool-0`, { spec: { autoAssign: call % 2 === 0 } });
    tookMs.push(performance.now() - startMs);
  }
  return tookMs;
}

async function creations(client: ApiClient): Promise<number[]> {
  const tookMs: number[] = [];
  for (let call = 0; call < CALLS / 3; call += 1) {
    const name = `created-${call}`;
    const startMs = performance.now();
    await client.post(POOLS, pool(name, 60_000));
    tookMs.push(performance.now() - startMs);
    await client.delete(`${POOLS}/${name}`);
  }
  return tookMs;
}

const overlapping = pool("probe", 0);

/** Writes the configurations and waits until a pool that overlaps is refused: each API server takes a moment. */
async function inForce(client: ApiClient, { name, configurations }: Contender): Promise<void> {
  for (const configuration of configurations) {
    await client.post(`${REGISTRATION}/${configuration.kind.toLowerCase()}s`, configuration);
  }
  if (configurations.length === 0) return;
  const describe = () => `${name} does not refuse an overlapping pool`;
  const refuses = async () => (await probe(client)) === "refused" || undefined;
  await poll(refuses, { timeoutMs: 20_000, describe });
  for (let call = 0; call < 20; call += 1) {
    await client.patch(`${POOLS}/pool-0`, { spec: { autoAssign: call % 2 === 0 } });
  }
}

async function removed(client: ApiClient, { name, configurations }: Contender): Promise<void> {
  for (const { kind } of configurations) {
    await client.delete(`${REGISTRATION}/${kind.toLowerCase()}s/${WEBHOOK_CONFIGURATION}`);
  }
  const accepts = async () => (await probe(client)) === "accepted" || undefined;
  await poll(accepts, { timeoutMs: 20_000, describe: () => `${name} is still in force` });
}

/** What happens to a pool that overlaps; `failed` while the webhook's server is not there. */
function probe(client: ApiClient): Promise<"accepted" | "refused" | "failed"> {
  return client.post(POOLS, overlapping, { query: { dryRun: "All" } }).then(
    () => "accepted" as const,
    (error: unknown) => (/denied the request/.test(String(error)) ? "refused" : "failed"),
  );
}

function report(times: Times): string {
  const names = [NO_WEBHOOK, "Herald", PEER_NAME];
  const at = (share: number) => (key: string) =>
    median((times.get(key) ?? []).map(round => quantile(round, share) ?? Number.NaN));
  const [p50, p99] = [at(0.5), at(0.99)];
  const rows = [1, 1_000].flatMap(pools =>
    (["patch", "create"] as const).flatMap(work =>
      names.map(name => {
        const key = keyOf(name, pools, work);
        const bare = keyOf(NO_WEBHOOK, pools, work);
        return [
          String(pools),
          work,
          name,
          p50(key).toFixed(1),
          p99(key).toFixed(1),
          (p50(key) / p50(bare)).toFixed(2),
          (p99(key) - p99(bare)).toFixed(1),
        ];
      }),
    ),
  );
  return [
    "# Admission through the API server",
    "",
    `One client, one call after the other; ${ROUNDS} rounds of ${CALLS} patches and ${CALLS / 3} creations each, interleaved; medians over the rounds, milliseconds. A Lease is written every ${LEASE_PERIOD_MS} ms beside it.`,
    "Herald's validating webhook is called for each of them; its mutating webhook is in force, and is called only for an object that may not be in normal form; the pools here are in it and cost one call. MetalLB has a validating one.",
    "",
    markdownTable([
      ["pools", "call", "admission", "p50", "p99", "p50 ÷ no webhook", "p99 − no webhook"],
      ...rows,
    ]),
    "",
    `Load average of the last five minutes: ${(loadavg()[1] ?? 0).toFixed(1)} on ${cpus().length} cores; above 1 for each core, the p99 is the machine's.`,
    "",
    "Target: p50 at most 2 × and p99 at most 10 ms above no webhook.",
    "",
  ].join("\n");
}
