/**
 * Two admission replicas behind a balancer, under load: a rolling restart and rotations of certificate and token lose no call.
 * HERALD_ROTATIONS sets how many rotations are made (20 for the whole series).
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROTATE_ANNOTATION } from "../../../capabilities/admission/rotation";
import { WEBHOOK_CONFIGURATION } from "../../../capabilities/admission/webhook-configurations";
import { WEBHOOK_SECRET } from "../../../capabilities/admission/webhook-secret";
import { ApiClient } from "../../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../../capabilities/cluster/cluster-access";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { install } from "../../../lab/install";
import { poll } from "../../../lab/run";
import { TcpBalancer } from "../../support/tcp-balancer";
import { accountKubeconfig, Part } from "./part";

const NAMESPACE = "metallb-system";
const POOLS = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/ipaddresspools`;
const ROTATIONS = Number(process.env["HERALD_ROTATIONS"] ?? 1);
const SETTLE_MS = 500;
const PERIOD_MS = 20;

interface Replica {
  readonly webhook: number;
  readonly metrics: number;
  readonly probe: number;
}

interface StoredSecret {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly data: Readonly<Record<string, string>>;
}

let stateDir: string;
let server: ApiServer;
let client: ApiClient;
let balancer: TcpBalancer;
let kubeconfig: string;
let replicas: readonly Replica[];
let parts: Part[];

function start({ webhook, metrics, probe }: Replica): Part {
  const ports = [`--webhook-port=${webhook}`, `--port=${metrics}`, `--health-probe-port=${probe}`];
  const flags = [...ports, `--cert-settle-ms=${SETTLE_MS}`];
  return Part.start("admission", flags, { KUBECONFIG: kubeconfig });
}

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-availability-"));
  server = await startApiServer({ stateDir });
  client = new ApiClient(loadClusterAccess({ kubeconfig: server.kubeconfigPath, env: {} }));
  const ports = await freePorts(7);
  replicas = [0, 3].map(first => ({
    webhook: ports[first]!,
    metrics: ports[first + 1]!,
    probe: ports[first + 2]!,
  }));
  const backends = replicas.map(({ webhook, probe }) => ({ port: webhook, probePort: probe }));
  balancer = await TcpBalancer.listen(ports[6]!, backends);
  const admissionUrl = `https://127.0.0.1:${balancer.port}`;
  await install({ kubectl: server.kubectl.bind(server), admissionUrl });
  kubeconfig = await accountKubeconfig(server, "admission", stateDir);
  parts = replicas.map(start);
  await untilAllReady();
});

afterAll(async () => {
  for (const part of parts) await part.end("SIGKILL");
  client.close();
  await balancer.close();
  await server.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

async function untilAllReady(): Promise<void> {
  for (const [index, part] of parts.entries()) await part.untilReady(replicas[index]!.probe);
  const all = () => Promise.resolve(balancer.readyCount === replicas.length || undefined);
  await poll(all, { timeoutMs: 5_000, describe: () => "the balancer does not see both" });
}

interface Load {
  /** Resolves when the last call has been answered. */
  stop(): Promise<{ readonly calls: number; readonly failures: readonly string[] }>;
}

/** Creates and deletes a pool in turns: 50 creations a second. A bare address passes the mutating and the validating webhook. */
function startLoad(prefix: string): Load {
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  let calls = 0;
  const once = async (number: number): Promise<void> => {
    const name = `${prefix}-${number}`;
    const spec = { addresses: [`10.${(number >> 8) & 255}.${number & 255}.1`] };
    const pool = { apiVersion: "metallb.io/v1beta1", kind: "IPAddressPool", spec };
    try {
      await client.post(POOLS, { ...pool, metadata: { name, namespace: NAMESPACE } });
      await client.delete(`${POOLS}/${name}`);
    } catch (error) {
      failures.push(String(error));
    }
  };
  const timer = setInterval(() => {
    const call = once(calls++);
    underWay.add(call);
    void call.then(() => underWay.delete(call));
  }, PERIOD_MS);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      return { calls, failures };
    },
  };
}

const readSecret = () =>
  client.get<StoredSecret>(`/api/v1/namespaces/${NAMESPACE}/secrets/${WEBHOOK_SECRET}`);

/** Asks for a rotation and resolves when nothing of the old certificate and token is left. */
async function rotate(): Promise<StoredSecret> {
  const before = await readSecret();
  await server.kubectl([
    "annotate",
    "secret",
    WEBHOOK_SECRET,
    "-n",
    NAMESPACE,
    `${ROTATE_ANNOTATION}=now`,
  ]);
  const rotated = async () => {
    const { metadata, data } = await readSecret();
    const isOver = Object.keys(data).length === Object.keys(before.data).length;
    const isNew = data["tls.crt"] !== before.data["tls.crt"];
    return isOver && isNew ? { metadata, data } : undefined;
  };
  const describe = () => `no rotation:\n${parts.map(({ output }) => output).join("\n")}`;
  return poll(rotated, { timeoutMs: 30_000, describe });
}

it("a rolling restart under 50 creations a second loses none", async () => {
  const load = startLoad("restart");
  for (const [index, part] of parts.entries()) {
    expect((await part.end("SIGTERM")).code).toBe(0);
    parts[index] = start(replicas[index]!);
    await untilAllReady();
  }
  const { calls, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(100);
  expect(balancer.refusedCount).toBe(0);
});

it(`${ROTATIONS} rotations of certificate and token under load lose no call`, async () => {
  const load = startLoad("rotate");
  const seen = new Set([(await readSecret()).data["ca.crt"]]);
  for (let count = 0; count < ROTATIONS; count += 1) seen.add((await rotate()).data["ca.crt"]);
  const { calls, failures } = await load.stop();
  console.log(
    `${ROTATIONS} rotations, ${calls} creations and deletions, ${failures.length} failed`,
  );
  expect(failures).toEqual([]);
  expect(seen.size).toBe(ROTATIONS + 1);
}, 600_000);

it("after a rotation the API server trusts the new authority alone, and asks for it no more", async () => {
  const { metadata, data } = await readSecret();
  expect(metadata.annotations?.[ROTATE_ANNOTATION]).toBeUndefined();
  const kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations";
  const { stdout } = await server.kubectl(["get", kinds, "-o", "json"]);
  interface Found {
    readonly items: readonly {
      readonly metadata: { readonly name: string };
      readonly webhooks: readonly { clientConfig: { url: string; caBundle: string } }[];
    }[];
  }
  const { items } = JSON.parse(stdout) as Found;
  expect(items.map(({ metadata: { name } }) => name)).toEqual(Array(2).fill(WEBHOOK_CONFIGURATION));
  const token = Buffer.from(data["token"]!, "base64").toString();
  for (const { clientConfig } of items.flatMap(({ webhooks }) => webhooks)) {
    expect(digest(clientConfig.caBundle)).toBe(digest(data["ca.crt"]!));
    expect(clientConfig.url.endsWith(`/${token}`)).toBe(true);
  }
});

it("a Secret that is deleted is put back as it was, and no call fails", async () => {
  const load = startLoad("deleted");
  const before = await readSecret();
  await server.kubectl(["delete", "secret", WEBHOOK_SECRET, "-n", NAMESPACE]);
  const back = () => readSecret().catch(() => undefined);
  const { data } = await poll(back, { timeoutMs: 5_000, describe: () => "no Secret" });
  expect(digest(JSON.stringify(data))).toBe(digest(JSON.stringify(before.data)));
  const { failures } = await load.stop();
  expect(failures).toEqual([]);
});

it("a Secret that somebody mangles is put back as it was, and no call fails", async () => {
  const load = startLoad("mangled");
  const before = await readSecret();
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets/${WEBHOOK_SECRET}`;
  for (const data of [
    { "tls.crt": "eA==" },
    { "tls.key": "eA==", "ca.crt": "eA==" },
    { token: "" },
  ]) {
    await client.patch(path, { data });
    const isBack = async () =>
      JSON.stringify((await readSecret()).data) === JSON.stringify(before.data) || undefined;
    await poll(isBack, { timeoutMs: 5_000, describe: () => "the Secret is not put back" });
  }
  const { failures } = await load.stop();
  expect(failures).toEqual([]);
});

it("what one client writes one after the other is judged in this order, however fast it is", async () => {
  const outcomes = new Map<string, number>();
  const note = (what: string, call: Promise<unknown>): Promise<unknown> =>
    call
      .then(
        () => `${what}: stored`,
        (error: unknown) =>
          `${what}: ${/overlaps/.test(String(error)) ? "refused" : String(error)}`,
      )
      .then(outcome => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1));
  for (let number = 0; number < 60; number += 1) {
    const pool = (name: string) => ({
      apiVersion: "metallb.io/v1beta1",
      kind: "IPAddressPool",
      metadata: { name: `${name}-${number}`, namespace: NAMESPACE },
      spec: { addresses: [`172.16.${number}.0/24`] },
    });
    await note("first", client.post(POOLS, pool("first")));
    await note("second beside the first", client.post(POOLS, pool("second")));
    await client.delete(`${POOLS}/first-${number}`);
    await note("second after the first", client.post(POOLS, pool("second")));
  }
  expect(Object.fromEntries(outcomes)).toEqual({
    "first: stored": 60,
    "second beside the first: refused": 60,
    "second after the first: stored": 60,
  });
});

/** Keys stay out of the reports of tests. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
