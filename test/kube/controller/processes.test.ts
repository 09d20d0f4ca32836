/** The controller as processes: killed and restarted, two at a time, paused and woken, without the API server. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Informer } from "../../../capabilities/cluster/informer";
import { quietLog, startTestCluster, until, type TestCluster } from "../cluster/support";
import { addressesOf, servicePath, toService, type StoredService } from "./world";

const POOL = {
  apiVersion: "metallb.io/v1beta1",
  kind: "IPAddressPool",
  metadata: { name: "p", namespace: "metallb-system" },
  spec: { addresses: ["10.0.0.0/16"] },
};

let cluster: TestCluster;
let observer: Observer;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.server.kubectl(["apply", "-f", "crds"]);
  for (const name of ["metallb-system", "ns1"]) {
    await cluster.client.post("/api/v1/namespaces", { metadata: { name } });
  }
  await cluster.client.post(
    "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools",
    POOL,
  );
  observer = new Observer(cluster);
  await observer.start();
});

afterEach(async () => {
  for (const child of running) await kill(child);
  const { items } = await cluster.client.get<{ items: StoredService[] }>(servicePath("", "ns1"));
  for (const one of items) await cluster.client.delete(servicePath(one.metadata.name, "ns1"));
  observer.reset();
});

afterAll(async () => {
  observer.stop();
  await cluster.end();
});

/** Follows the Services, and counts how often each was changed after its creation: once, by its one status write. */
class Observer {
  readonly changes = new Map<string, number>();
  readonly firstAddress = new Map<string, string>();
  /** Names of Services whose address was another one before. */
  readonly moved = new Set<string>();
  readonly #informer: Informer<StoredService>;

  constructor({ client }: TestCluster) {
    this.#informer = new Informer<StoredService>({
      client,
      path: servicePath("", "ns1"),
      store: object => object as unknown as StoredService,
      onChange: (key, now, before) => this.#note(key, now, before),
      log: quietLog(),
    });
  }

  async start(): Promise<void> {
    this.#informer.start();
    await this.#informer.whenSynced();
  }

  stop(): void {
    this.#informer.stop();
  }

  reset(): void {
    this.changes.clear();
    this.firstAddress.clear();
    this.moved.clear();
  }

  #note(key: string, now: StoredService | undefined, before: StoredService | undefined): void {
    if (now === undefined) return;
    if (before !== undefined) this.changes.set(key, (this.changes.get(key) ?? 0) + 1);
    const [address] = addressesOf(now);
    const known = this.firstAddress.get(key);
    if (known !== undefined && known !== address) this.moved.add(key);
    if (address !== undefined && known === undefined) this.firstAddress.set(key, address);
  }
}

function startProcess(): ChildProcess {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "test/kube/controller/controller-process.ts"],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        KUBECONFIG: cluster.server.kubeconfigPath,
        METALLB_METRICS_PORT: "0",
        METALLB_HEALTH_PROBE_PORT: "0",
      },
    },
  );
  running.add(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function create(from: number, to: number): Promise<void> {
  for (let index = from; index < to; index += 1) {
    await cluster.client.post(servicePath("", "ns1"), toService(`s${index}`, {}));
  }
}

/** Resolves once so many Services have an address, all different. */
async function untilServed(count: number, timeoutMs = 30_000): Promise<void> {
  await until(`${count} Services have an address`, timeoutMs, () => {
    return observer.firstAddress.size >= count;
  });
  expect(new Set(observer.firstAddress.values()).size).toBe(observer.firstAddress.size);
}

/** Resolves with the name of the process in the Lease. */
async function holder(): Promise<string> {
  const path = "/apis/coordination.k8s.io/v1/namespaces/metallb-system/leases/herald-controller";
  const lease = await cluster.client.get<{ spec: { holderIdentity: string } }>(path);
  return lease.spec.holderIdentity;
}

function isHolder(child: ChildProcess): Promise<boolean> {
  return holder().then(
    identity => identity.includes(`_${child.pid ?? 0}_`),
    () => false,
  );
}

describe("kill -9", () => {
  it("200 Services: no address changed, no status written twice", async () => {
    const first = startProcess();
    await until("the first controller leads", 30_000, () => isHolder(first));
    const creating = create(0, 200);
    await untilServed(60);
    await kill(first);
    const second = startProcess();
    await creating;
    await untilServed(200);
    await kill(second);
    const third = startProcess();
    const startedMs = performance.now();
    await create(200, 201);
    await untilServed(201);
    // The Lease of a process that is surely dead is not waited for.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    await kill(third);
    expect([...observer.changes.values()].filter(count => count !== 1)).toEqual([]);
    expect(observer.moved).toEqual(new Set());
  });

  it("a warm second controller takes over within 10 s", async () => {
    const first = startProcess();
    await until("the first controller leads", 30_000, () => isHolder(first));
    const second = startProcess();
    await until("the second controller watches", 30_000, () =>
      hasSaid(second, "all resources are listed"),
    );
    await create(0, 5);
    await untilServed(5);
    await kill(first);
    const killedMs = performance.now();
    await create(5, 10);
    await untilServed(10);
    expect(performance.now() - killedMs).toBeLessThan(10_000);
    expect([...observer.changes.values()].filter(count => count !== 1)).toEqual([]);
  });
});

it("a controller that was paused writes nothing when it wakes after another took over", async () => {
  const first = startProcess();
  await until("the first controller leads", 30_000, () => isHolder(first));
  const second = startProcess();
  await until("the second controller watches", 30_000, () =>
    hasSaid(second, "all resources are listed"),
  );
  const creating = create(0, 60);
  await untilServed(10);
  first.kill("SIGSTOP");
  await creating;
  await untilServed(60);
  first.kill("SIGCONT");
  await create(60, 90);
  await untilServed(90);
  expect(await isHolder(second)).toBe(true);
  // A write that was under way when the process stopped may have reached the server before: still one for each Service.
  expect([...observer.changes.values()].filter(count => count !== 1)).toEqual([]);
  expect(observer.moved).toEqual(new Set());
});

it("SIGTERM gives the Lease back and ends the process with 0", async () => {
  const only = startProcess();
  await until("the controller leads", 30_000, () => isHolder(only));
  only.kill("SIGTERM");
  await once(only, "exit");
  running.delete(only);
  expect(only.exitCode).toBe(0);
  expect(await holder()).toBe("");
});

it("starts while the API server is away, and outlives its absence", async () => {
  await cluster.server.kill();
  const only = startProcess();
  await until("the controller tries", 30_000, () => hasSaid(only, "watch interrupted"));
  await cluster.server.restart();
  await until("the controller leads", 30_000, () => isHolder(only));
  await create(0, 3);
  await untilServed(3);
  await cluster.server.kill();
  await cluster.server.restart();
  await create(3, 6);
  await untilServed(6, 30_000);
  expect(only.exitCode).toBeNull();
  expect(observer.moved).toEqual(new Set());
});

const said = new WeakMap<ChildProcess, string>();

/** Whether the process has logged a line with the text so far. */
function hasSaid(child: ChildProcess, text: string): boolean {
  if (!said.has(child)) {
    said.set(child, "");
    child.stdout?.on("data", (chunk: Buffer) => {
      said.set(child, `${said.get(child) ?? ""}${chunk.toString()}`);
    });
  }
  return said.get(child)?.includes(text) ?? false;
}
