import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { Lease, type LeaseOptions } from "../../../capabilities/cluster/lease";
import { TcpProxy } from "../../support/tcp-proxy";
import { clientThrough, quietLog, startTestCluster, until, type TestCluster } from "./support";

const DURATION_MS = 1_500;

let cluster: TestCluster;
const leases: Lease[] = [];
const children: ChildProcess[] = [];

function contender(name: string, identity: string, options: Partial<LeaseOptions> = {}): Lease {
  const lease = new Lease({
    client: cluster.client,
    namespace: "default",
    name,
    identity,
    durationMs: DURATION_MS,
    renewMs: 300,
    graceMs: 500,
    log: quietLog(),
    ...options,
  });
  leases.push(lease);
  lease.start();
  return lease;
}

beforeAll(async () => {
  cluster = await startTestCluster();
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(leases.splice(0).map(lease => lease.stop()));
});

afterAll(() => cluster.end());

it("is held by one of two, and by the other soon after the first gives it back", async () => {
  const first = contender("given-back", "first");
  await until("the first holds it", 2_000, () => first.isHeld());
  const second = contender("given-back", "second");
  let checks = 0;
  await until("the first has renewed for longer than the duration", 5_000, () => {
    checks += 1;
    expect(first.isHeld()).toBe(true);
    expect(second.isHeld()).toBe(false);
    return checks > 100;
  });
  const stopped = first.stop();
  expect(first.isHeld()).toBe(false);
  await stopped;
  await until("the second holds it", 1_000, () => second.isHeld());
  const stored = await cluster.client.get<{ spec: Record<string, unknown> }>(
    "/apis/coordination.k8s.io/v1/namespaces/default/leases/given-back",
  );
  expect(stored.spec).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
});

it("is lost by a holder that the API server no longer hears, before another one takes it", async () => {
  const proxy = await TcpProxy.listen(Number(new URL(cluster.server.url).port));
  const changes: string[] = [];
  const note = (who: string) => (isHeld: boolean) => changes.push(`${who} ${isHeld}`);
  const cutOff = contender("cut-off", "cut-off", {
    client: clientThrough(cluster.access, proxy.port),
    onChange: note("cut-off"),
  });
  await until("it is held", 2_000, () => cutOff.isHeld());
  const other = contender("cut-off", "other", { onChange: note("other") });
  proxy.freezeAll();
  const frozenMs = performance.now();
  await until("the other holds it", 6_000, () => {
    expect(cutOff.isHeld() && other.isHeld()).toBe(false);
    return other.isHeld();
  });
  expect(performance.now() - frozenMs).toBeGreaterThan(DURATION_MS);
  expect(changes).toEqual(["cut-off true", "cut-off false", "other true"]);
  await proxy.close();
});

it("is not believed in by a process that was stopped and wakes up after another took it", async () => {
  const child = spawn("node", ["--import", "tsx", "test/kube/cluster/lease-holder.ts"], {
    env: { PATH: process.env["PATH"], KUBECONFIG: cluster.server.kubeconfigPath },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const said: { readonly atMs: number; readonly isHeld: boolean }[] = [];
  createInterface(child.stdout).on("line", line => {
    const [at, what] = line.split(" ");
    said.push({ atMs: Number(at), isHeld: what === "held" });
  });
  await until("the child holds it", 10_000, () => said.at(-1)?.isHeld === true);
  child.kill("SIGSTOP");
  const other = contender("stopped", "other");
  await until("the other holds it", 8_000, () => other.isHeld());
  const takenAtMs = Date.now();
  child.kill("SIGCONT");
  await until("the child speaks again", 5_000, () => {
    return said.filter(line => line.atMs > takenAtMs).length > 500;
  });
  expect(other.isHeld()).toBe(true);
  expect(said.filter(line => line.atMs > takenAtMs && line.isHeld)).toEqual([]);
  child.kill("SIGTERM");
  await once(child, "exit");
});

it("outlives the API server's absence only for its duration, and comes back to its holder", async () => {
  const changes: boolean[] = [];
  const holder = contender("outage", "holder", { onChange: isHeld => changes.push(isHeld) });
  await until("it is held", 2_000, () => holder.isHeld());
  await cluster.server.kill();
  await until("it is lost", DURATION_MS + 500, () => !holder.isHeld());
  await cluster.server.restart();
  await until("it is held again", 3_000, () => holder.isHeld());
  expect(changes).toEqual([true, false, true]);
});
