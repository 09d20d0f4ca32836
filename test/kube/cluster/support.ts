/** What the tests of this folder share: an API server of their own, clients, Services, and polling with a deadline. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino, type Logger } from "pino";
import { startApiServer, type ApiServer, type ApiServerOptions } from "../../../lab/api-server";
import { ApiClient, type ApiClientOptions } from "../../../capabilities/cluster/api-client";
import {
  loadClusterAccess,
  type ClusterAccess,
} from "../../../capabilities/cluster/cluster-access";
import { Informer, type InformerOptions } from "../../../capabilities/cluster/informer";
import type { ApiObject } from "../../../capabilities/cluster/api-object";

export const SERVICES = "/api/v1/services";
export const DEFAULT_SERVICES = "/api/v1/namespaces/default/services";

export interface TestCluster {
  readonly server: ApiServer;
  readonly access: ClusterAccess;
  readonly client: ApiClient;
  end(): Promise<void>;
}

/** A fresh API server in a folder of its own, removed by `end`. */
export async function startTestCluster(
  options: Partial<ApiServerOptions> = {},
): Promise<TestCluster> {
  const stateDir = mkdtempSync(join(tmpdir(), "herald-cluster-"));
  const server = await startApiServer({ stateDir, ...options });
  const access = loadClusterAccess({ kubeconfig: server.kubeconfigPath, env: {} });
  const client = new ApiClient(access);
  return {
    server,
    access,
    client,
    async end() {
      client.close();
      await server.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** A client that reaches the API server through a local port. */
export function clientThrough(
  access: ClusterAccess,
  port: number,
  options?: ApiClientOptions,
): ApiClient {
  return new ApiClient({ ...access, server: new URL(`https://127.0.0.1:${port}`) }, options);
}

/** A Service that costs the API server little: no address is allocated for it. */
export function headless(name: string, annotations: Record<string, string> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", annotations },
    spec: { clusterIP: "None", ports: [{ port: 80, protocol: "TCP" }], selector: { app: "nginx" } },
  };
}

export interface Service {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Record<string, string>;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** What the test informers keep of an object. */
export interface Kept {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: string;
}

export function keep(object: ApiObject): Kept {
  const { uid = "", resourceVersion = "", annotations } = object.metadata as Service["metadata"];
  return { uid, resourceVersion, value: annotations?.["value"] ?? "" };
}

/** An informer of all Services. */
export function serviceInformer(
  options: Pick<InformerOptions<Kept>, "client"> & Partial<InformerOptions<Kept>>,
): Informer<Kept> {
  return new Informer<Kept>({ path: SERVICES, store: keep, log: quietLog(), ...options });
}

/** What a fresh, most recent list says, in the form of the informers' copies. */
export async function listed(client: ApiClient): Promise<Map<string, Kept>> {
  const list = await client.get<{ items: Service[] }>(SERVICES);
  return new Map(
    list.items.map(item => [`${item.metadata.namespace ?? ""}/${item.metadata.name}`, keep(item)]),
  );
}

/** Resolves when the informer's copy is what a fresh list says; fails with the difference after `timeoutMs`. */
export async function untilEqualToList(
  informer: Informer<Kept>,
  client: ApiClient,
  timeoutMs: number,
): Promise<void> {
  const list = await listed(client);
  await until(`the copy equals a list of ${list.size}`, timeoutMs, () => {
    const copies = new Map(informer.entries());
    if (copies.size !== list.size) return false;
    return [...list].every(
      ([key, kept]) => copies.get(key)?.resourceVersion === kept.resourceVersion,
    );
  });
}

/** Polls until `isTrue`; rejects after `timeoutMs`. */
export async function until(
  what: string,
  timeoutMs: number,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Runs `work` for 0 … count - 1, `concurrency` at a time. */
export async function times(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

export function quietLog(): Logger {
  return pino({ level: "silent" });
}

/** A logger and the lines that it wrote. */
export function recordingLog(): { readonly log: Logger; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { log: pino({ level: "debug" }, stream), lines };
}

/** The value below which `share` (0 … 1) of `values` lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
