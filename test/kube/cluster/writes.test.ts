import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ApiClient } from "../../../capabilities/cluster/api-client";
import { ApiError, isNotFound } from "../../../capabilities/cluster/api-error";
import { loadClusterAccess } from "../../../capabilities/cluster/cluster-access";
import { EventRecorder } from "../../../capabilities/cluster/events";
import { Informer } from "../../../capabilities/cluster/informer";
import { KeyQueue } from "../../../capabilities/cluster/key-queue";
import { TcpProxy } from "../../support/tcp-proxy";
import {
  clientThrough,
  DEFAULT_SERVICES,
  headless,
  percentile,
  quietLog,
  startTestCluster,
  times,
  until,
  type Service,
  type TestCluster,
} from "./support";

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  await times(100, 8, index => cluster.client.post(DEFAULT_SERVICES, headless(`write-${index}`)));
});

afterAll(() => cluster.end());

it("keeps to its connections, however many writes there are", async () => {
  const proxy = await TcpProxy.listen(Number(new URL(cluster.server.url).port));
  const client = clientThrough(cluster.access, proxy.port, { maxSockets: 16 });
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  await times(2_000, 16, async index => {
    const sentMs = performance.now();
    const path = `${DEFAULT_SERVICES}/write-${index % 100}`;
    await client.patch(path, { metadata: { annotations: { value: String(index) } } });
    latenciesMs.push(performance.now() - sentMs);
  });
  const perSecond = Math.round(2_000 / ((performance.now() - startedMs) / 1_000));
  const p50 = percentile(latenciesMs, 0.5).toFixed(1);
  const p99 = percentile(latenciesMs, 0.99).toFixed(1);
  console.info(`16 connections: ${perSecond} writes/s, p50 ${p50} p99 ${p99} ms`);
  expect(proxy.acceptedCount).toBeLessThanOrEqual(16);
  client.close();
  await until("the connections are closed", 2_000, () => proxy.openCount === 0);
  await proxy.close();
});

it("reads again through the same client after the server was killed and came back", async () => {
  const { client, server } = cluster;
  await client.get("/api");
  await server.kill();
  await server.restart();
  await expect(client.get("/api")).resolves.toMatchObject({ kind: "APIVersions" });
});

it("gives the server's status, reason and sentence", async () => {
  const { client } = cluster;
  const path = `${DEFAULT_SERVICES}/absent`;
  const error = await client.get(path).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ code: "status", status: 404, reason: "NotFound" });
  expect(isNotFound(error)).toBe(true);
  expect(String(error)).toBe(`ApiError: GET ${path}: 404 NotFound: services "absent" not found`);
});

it("never writes on an old version: two writers of one Service lose no update", async () => {
  const { client } = cluster;
  await client.post(DEFAULT_SERVICES, headless("counter", { value: "0" }));
  const path = `${DEFAULT_SERVICES}/counter`;
  let conflicts = 0;
  const writers = [1, 2].map(() => {
    const informer = new Informer<Service>({
      client,
      path: DEFAULT_SERVICES,
      store: (service: Service) => service,
      log: quietLog(),
    });
    informer.start();
    let written = 0;
    const queue = new KeyQueue({
      concurrency: 4,
      minBackoffMs: 5,
      maxBackoffMs: 1_000,
      log: quietLog(),
      reconcile: async key => {
        const service = informer.get(key)!;
        const value = Number(service.metadata.annotations?.["value"]) + 1;
        const metadata = { ...service.metadata, annotations: { value: String(value) } };
        try {
          await client.put(path, { ...service, metadata });
        } catch (error) {
          conflicts += 1;
          throw error;
        }
        written += 1;
        return written < 40 ? { requeueAfterMs: 0 } : {};
      },
    });
    return { informer, queue };
  });
  await Promise.all(writers.map(({ informer }) => informer.whenSynced()));
  for (const { queue } of writers) queue.add("default/counter");
  await until("all is counted", 30_000, async () => {
    const service = await client.get<Service>(path);
    return service.metadata.annotations?.["value"] === "80";
  });
  expect(conflicts).toBeGreaterThan(0);
  for (const { informer, queue } of writers) {
    informer.stop();
    await queue.stop();
  }
});

it("reads the token file again when the server refuses the token", async () => {
  const { client, server } = cluster;
  const account = "/api/v1/namespaces/default/serviceaccounts";
  await client.post(account, { metadata: { name: "reader" } });
  const request = await client.post<{ status: { token: string } }>(`${account}/reader/token`, {
    spec: { expirationSeconds: 600 },
  });
  const dir = mkdtempSync(join(tmpdir(), "herald-cluster-account-"));
  writeFileSync(join(dir, "token"), "out-of-date");
  writeFileSync(join(dir, "namespace"), "default");
  writeFileSync(join(dir, "ca.crt"), cluster.access.tls.ca ?? "");
  const url = new URL(server.url);
  const pod = new ApiClient(
    loadClusterAccess({
      env: { KUBERNETES_SERVICE_HOST: url.hostname, KUBERNETES_SERVICE_PORT: url.port },
      serviceAccountDir: dir,
    }),
  );
  await expect(pod.get("/api")).rejects.toMatchObject({ status: 401 });
  writeFileSync(join(dir, "token"), request.status.token);
  await expect(pod.get("/api")).resolves.toMatchObject({ kind: "APIVersions" });
  pod.close();
  rmSync(dir, { recursive: true });
});

it("writes an event once and then counts", async () => {
  const { client } = cluster;
  const recorder = new EventRecorder({
    client,
    component: "metallb-controller",
    host: "node-a",
    log: quietLog(),
  });
  const service = await client.get<Service>(`${DEFAULT_SERVICES}/write-1`);
  const { uid } = service.metadata;
  const regarding = {
    apiVersion: "v1",
    kind: "Service",
    namespace: "default",
    name: "write-1",
    uid,
  };
  for (const message of ["no pool", "no pool", "no pool", "pool is full"]) {
    recorder.record(regarding, { type: "Warning", reason: "AllocationFailed", message });
    await recorder.whenSent();
  }
  await recorder.stop();
  const { items } = await client.get<{ items: Record<string, unknown>[] }>(
    "/api/v1/namespaces/default/events",
    { query: { fieldSelector: `involvedObject.uid=${uid ?? ""}` } },
  );
  expect(
    items.map(({ message, count, type, source }) => ({ message, count, type, source })),
  ).toEqual(
    expect.arrayContaining([
      {
        message: "no pool",
        count: 3,
        type: "Warning",
        source: { component: "metallb-controller", host: "node-a" },
      },
      expect.objectContaining({ message: "pool is full", count: 1 }),
    ]),
  );
  expect(items.length).toBe(2);
  expect(recorder.droppedCount).toBe(0);
});
