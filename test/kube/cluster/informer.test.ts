import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ApiClient } from "../../../capabilities/cluster/api-client";
import type { Informer } from "../../../capabilities/cluster/informer";
import { TcpProxy } from "../../support/tcp-proxy";
import {
  clientThrough,
  DEFAULT_SERVICES,
  headless,
  percentile,
  recordingLog,
  serviceInformer,
  startTestCluster,
  times,
  until,
  untilEqualToList,
  type Kept,
  type TestCluster,
} from "./support";

const SERVICE_COUNT = 5_000;

/** How long the API server is away; HERALD_TEST_OUTAGE_SECONDS shortens it for work on this file. */
const OUTAGE_MS = Number(process.env["HERALD_TEST_OUTAGE_SECONDS"] ?? 60) * 1_000;

let cluster: TestCluster;
const openInformers: Informer<Kept>[] = [];

function watching(options: Parameters<typeof serviceInformer>[0]): Informer<Kept> {
  const informer = serviceInformer(options);
  openInformers.push(informer);
  informer.start();
  return informer;
}

function setValue(client: ApiClient, name: string, value: string): Promise<unknown> {
  return client.patch(`${DEFAULT_SERVICES}/${name}`, { metadata: { annotations: { value } } });
}

/** Resolves when a change has come by the watch, so that it is open. */
async function untilHeard(
  informer: Informer<Kept>,
  client: ApiClient,
  name: string,
): Promise<void> {
  const value = `heard-${performance.now()}`;
  await setValue(client, name, value);
  await until("the watch runs", 5_000, () => informer.get(`default/${name}`)?.value === value);
}

beforeAll(async () => {
  cluster = await startTestCluster();
  await times(SERVICE_COUNT, 16, index =>
    cluster.client.post(DEFAULT_SERVICES, headless(`churn-${index}`)),
  );
});

afterEach(() => {
  for (const informer of openInformers.splice(0)) informer.stop();
});

afterAll(() => cluster.end());

describe("5,000 Services", () => {
  it("are all in the copy, with every change, creation and deletion of a churn", async () => {
    const { client } = cluster;
    const deletions = new Set<string>();
    let events = 0;
    const informer = watching({
      client,
      onChange: (key, now) => {
        events += 1;
        if (now === undefined) deletions.add(key);
      },
    });
    await informer.whenSynced();
    expect(informer.size).toBe(SERVICE_COUNT + 1); // and `kubernetes`
    expect(events).toBe(SERVICE_COUNT + 1);

    const startedMs = performance.now();
    await times(4_000, 16, async index => {
      const name = `churn-${(index * 7) % SERVICE_COUNT}`;
      if (index % 4 !== 3) return setValue(client, name, String(index));
      await client.delete(`${DEFAULT_SERVICES}/churn-gone-${index}`).catch(() => undefined);
      await client.post(DEFAULT_SERVICES, headless(`churn-gone-${index}`));
      return client.delete(`${DEFAULT_SERVICES}/churn-gone-${index}`);
    });
    const seconds = (performance.now() - startedMs) / 1_000;
    await untilEqualToList(informer, client, 5_000);
    expect(deletions.size).toBe(1_000);
    expect(events - SERVICE_COUNT - 1).toBe(5_000);
    console.info(`churn: ${Math.round(5_000 / seconds)} events/s`);
  });

  it("tells a change soon after it was written", async () => {
    const { client } = cluster;
    const sentMs = new Map<string, number>();
    const latenciesMs: number[] = [];
    const informer = watching({
      client,
      onChange: (_key, now) => {
        const sent = sentMs.get(now?.value ?? "");
        if (sent !== undefined) latenciesMs.push(performance.now() - sent);
      },
    });
    await informer.whenSynced();
    await times(500, 1, async index => {
      sentMs.set(`latency-${index}`, performance.now());
      await setValue(client, `churn-${index}`, `latency-${index}`);
    });
    await until("all changes are told", 5_000, () => latenciesMs.length === 500);
    const p50 = percentile(latenciesMs, 0.5);
    const p99 = percentile(latenciesMs, 0.99);
    console.info(
      `from sending a write to onChange: p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} ms`,
    );
    expect(p50).toBeLessThan(100);
  });
});

describe("the memory of a process", () => {
  it("that copies 5,000 Services stays small, and does not grow with lists and changes", async () => {
    const { client, server } = cluster;
    const dir = mkdtempSync(join(tmpdir(), "herald-cluster-memory-"));
    const outfile = join(dir, "informer-process.js");
    const entry = join(import.meta.dirname, "informer-process.ts");
    await build({ entryPoints: [entry], outfile, bundle: true, platform: "node" });
    const child = fork(outfile, {
      env: { KUBECONFIG: server.kubeconfigPath },
      execArgv: ["--expose-gc"],
    });
    const heard: { readonly rssMb: number; readonly heapMb: number }[] = [];
    child.on("message", message => heard.push(message as (typeof heard)[number]));
    const ask = async (command: "list" | "measure"): Promise<void> => {
      const before = heard.length;
      child.send(command);
      await until("the process answers", 20_000, () => heard.length > before);
    };
    await until("the process has its copy", 10_000, () => heard.length > 0);
    for (let list = 0; list < 3; list += 1) await ask("list");
    const settled = heard.at(-1)!;
    for (let list = 0; list < 10; list += 1) await ask("list");
    await times(1_000, 16, index => setValue(client, `churn-${index}`, `memory-${index}`));
    await ask("measure");
    child.kill();
    await once(child, "exit");
    rmSync(dir, { recursive: true });
    const end = heard.at(-1)!;
    console.info(
      `5,000 Services: RSS ${end.rssMb} MB (first ${heard[0]!.rssMb}), heap ${end.heapMb} MB`,
    );
    expect(end.heapMb).toBeLessThan(settled.heapMb + 2);
    expect(end.rssMb).toBeLessThan(200);
  });
});

describe("history that the server has forgotten", () => {
  it("is replaced by a list after 410 Gone, deletions included", async () => {
    const { server, client, access } = cluster;
    const proxy = await TcpProxy.listen(Number(new URL(server.url).port));
    const { log, lines } = recordingLog();
    const gone: string[] = [];
    const informer = watching({
      client: clientThrough(access, proxy.port),
      log,
      onChange: (key, now) => {
        if (now === undefined) gone.push(key);
      },
    });
    await informer.whenSynced();
    await client.post(DEFAULT_SERVICES, headless("vanishes"));
    await until("the watch runs", 5_000, () => informer.get("default/vanishes") !== undefined);

    // The watch hears nothing of what follows; a restarted server knows no history from before its start.
    proxy.freezeOpen();
    await client.delete(`${DEFAULT_SERVICES}/vanishes`);
    await setValue(client, "churn-1", "unheard");
    await server.compact();
    await server.kill();
    await server.restart();
    await times(20, 4, index => setValue(client, `churn-${index}`, "after the restart"));
    proxy.sever();
    await untilEqualToList(informer, client, 10_000);
    expect(gone).toEqual(["default/vanishes"]);
    expect(lines.filter(line => line.includes('"status":410')).length).toBe(1);
    informer.stop();
    await proxy.close();
  });
});

describe("an API server that is killed", () => {
  it("is watched again soon after its return, and nothing is lost", async () => {
    const { server, client } = cluster;
    const informer = watching({ client });
    await informer.whenSynced();
    const lastMs = informer.lastContactMs ?? 0;
    await server.kill();
    const outageEndMs = performance.now() + OUTAGE_MS;
    await until("the outage is over", OUTAGE_MS + 1_000, () => performance.now() > outageEndMs);
    expect(informer.lastContactMs).toBeLessThan(outageEndMs - OUTAGE_MS / 2);
    expect(informer.size).toBe(SERVICE_COUNT + 1); // the last state stays
    await server.restart();
    await client.post(DEFAULT_SERVICES, headless("after-outage"));
    // 4 s of back-off at most, and the list.
    await untilEqualToList(informer, client, 7_000);
    expect(informer.get("default/after-outage")).toBeDefined();
    expect(informer.lastContactMs).toBeGreaterThan(lastMs);
  });
});

describe("a connection that is dead without a word", () => {
  it("is given up after the silence that was set", async () => {
    const { server, client, access } = cluster;
    const proxy = await TcpProxy.listen(Number(new URL(server.url).port));
    const informer = watching({ client: clientThrough(access, proxy.port), silenceMs: 1_000 });
    await informer.whenSynced();
    await untilHeard(informer, client, "churn-3");
    proxy.freezeOpen();
    const frozenMs = performance.now();
    await setValue(client, "churn-2", "through a new connection");
    await untilEqualToList(informer, client, 4_000);
    expect(informer.get("default/churn-2")?.value).toBe("through a new connection");
    expect(performance.now() - frozenMs).toBeGreaterThan(800);
    informer.stop();
    await proxy.close();
  });
});
