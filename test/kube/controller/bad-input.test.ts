/**
 * What people and tenants put into Services, on a real API server (the objects and tenants of the fault list): no address but by the
 * rules, nobody else's address moves, and the Event says what is wrong and what is allowed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Informer } from "../../../capabilities/cluster/informer";
import { quietLog } from "../cluster/support";
import { World, type PoolSpec, type ServiceSpec, type StoredService } from "./world";

const IPS = "metallb.io/loadBalancerIPs";
const POOL = "metallb.io/address-pool";
const SHARE = "metallb.io/allow-shared-ip";
const P: PoolSpec = { name: "p", addresses: ["192.0.2.0/28"] };
const TEAM: PoolSpec = {
  name: "team",
  addresses: ["198.51.100.0/28"],
  serviceAllocation: { namespaces: ["team"] },
};

let world: World;
/** Holds 192.0.2.0 before each case and must not notice anything. */
let bystander: StoredService;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.end());

beforeEach(async () => {
  await world.clear();
  await world.load([P, TEAM]);
  await world.create("bystander", { namespace: "other" });
  await world.expect("other/bystander", ["192.0.2.0"]);
  bystander = await world.get("bystander", "other");
});

afterEach(async () => {
  await world.barrier();
  const { metadata } = await world.get("bystander", "other");
  expect(metadata.resourceVersion).toBe(bystander.metadata.resourceVersion);
});

describe("a request that cannot be met", () => {
  const wrong: readonly (readonly [what: string, spec: ServiceSpec, said: string])[] = [
    ["no address", { annotations: { [IPS]: "999.1.1.1" } }, '"999.1.1.1" is not an IP address'],
    [
      "the same address twice",
      { annotations: { [IPS]: "192.0.2.10,192.0.2.10" } },
      "are of one family",
    ],
    ["two of one family", { annotations: { [IPS]: "192.0.2.4,192.0.2.5" } }, "are of one family"],
    ["a comma too many", { annotations: { [IPS]: "192.0.2.10," } }, '"" is not an IP address'],
    ["a prefix", { annotations: { [IPS]: "192.0.2.10/32" } }, '"192.0.2.10/32" is not an IP'],
    ["a number in base 16", { annotations: { [IPS]: "0x7f.1" } }, '"0x7f.1" is not an IP'],
    ["a number", { annotations: { [IPS]: "3221225994" } }, '"3221225994" is not an IP'],
    ["10,000 characters", { annotations: { [IPS]: "1".repeat(10_000) } }, "is not an IP address"],
    [
      "quotes, a line break, a bidirectional mark",
      { annotations: { [IPS]: '"}\n\u202e../' } },
      '\\"}\\u000a\\u202e',
    ],
    ["an unknown pool", { annotations: { [POOL]: "nowhere" } }, '"nowhere"'],
    [
      "field and annotation",
      { loadBalancerIP: "192.0.2.4", annotations: { [IPS]: "192.0.2.4" } },
      "use only one of them",
    ],
    ["a pool for others", { annotations: { [POOL]: "team" } }, "serviceAllocation"],
    ["an address for others", { annotations: { [IPS]: "198.51.100.1" } }, "serviceAllocation"],
  ];

  it.each(wrong)("%s: no address, and the Event says why", async (_what, spec, said) => {
    await world.create("wrong", spec);
    const message = await world.expectEvents("wrong", ["AllocationFailed"]);
    expect(message).toContain(said);
    expect(message.split("\n").every(line => line.startsWith("AllocationFailed: "))).toBe(true);
    expect(message.length).toBeLessThan(1_024);
    await world.expect("wrong", "-");
  });
});

describe("a status that somebody filled in", () => {
  it.each([
    ["an address outside every pool", [{ ip: "203.0.113.9" }]],
    ["a host name", [{ hostname: "lb.example.com" }]],
    ["what another Service has", [{ ip: "192.0.2.0" }]],
    ["three addresses", [{ ip: "192.0.2.3" }, { ip: "192.0.2.4" }, { ip: "2001:db8::1" }]],
  ])("with %s is put right", async (_what, ingress) => {
    await world.create("odd");
    await world.expect("odd", ["192.0.2.1"]);
    await world.setStatus("odd", ingress);
    await world.barrier();
    await world.expect("odd", ["192.0.2.1"]);
  });
});

describe("a tenant", () => {
  it("who asks for another's address gets none, and does not learn whose it is", async () => {
    await world.create("thief", { annotations: { [IPS]: "192.0.2.0" } });
    const message = await world.expectEvents("thief", ["AllocationFailed"]);
    expect(message).toContain("192.0.2.0 is in use");
    expect(message).not.toContain("bystander");
    await world.expect("thief", "-");
  });

  it("who guesses a sharing key gets nothing from a Service that shares with nobody", async () => {
    const annotations = { [IPS]: "192.0.2.0", [SHARE]: "key" };
    await world.create("guess", { annotations, ports: ["TCP/443"] });
    await world.expectEvents("guess", ["AllocationFailed"]);
    await world.expect("guess", "-");
  });

  it("who asks again right after a restart finds the owner there first", async () => {
    const asks = { annotations: { [IPS]: "192.0.2.0" } };
    await world.whileDown(() => world.create("early", asks));
    await world.expectEvents("early", ["AllocationFailed"]);
    await world.expect("early", "-");
  });
});

it("a type that goes back and forth costs at most two writes for each change, and ends with one address", async () => {
  await world.create("flapping");
  await world.expect("flapping", ["192.0.2.1"]);
  let seen = 0;
  const informer = new Informer<string>({
    client: world.client,
    path: "/api/v1/namespaces/ns1/services",
    selectors: { fieldSelector: "metadata.name=flapping" },
    store: object => object.metadata?.resourceVersion,
    onChange: () => (seen += 1),
    log: quietLog(),
  });
  informer.start();
  await informer.whenSynced();
  const changes = 60;
  for (let change = 0; change < changes; change += 1) {
    const type = change % 2 === 0 ? "ClusterIP" : "LoadBalancer";
    await world.patch("flapping", { spec: { type } });
    await sleep(20);
  }
  await world.barrier();
  await world.expect("flapping", ["192.0.2.1"]);
  informer.stop();
  // Each change itself is one, and the list before them.
  expect(seen).toBeLessThanOrEqual(1 + 3 * changes);
  await world.create("next");
  await world.expect("next", ["192.0.2.2"]);
});

it("a hundred Services for ninety addresses: ten wait and are told so, and get what is freed within 5 s", async () => {
  await world.load([{ name: "p", addresses: ["192.0.2.0-192.0.2.90"] }, TEAM]);
  const names = Array.from({ length: 100 }, (_, index) => `s${index}`);
  await Promise.all(names.map(name => world.create(name)));
  const count = async (): Promise<number> =>
    (await world.services()).filter(
      ({ metadata, status }) =>
        metadata.namespace === "ns1" && (status?.loadBalancer?.ingress ?? []).length > 0,
    ).length;
  const until = async (wanted: number, limitMs: number): Promise<void> => {
    const deadlineMs = performance.now() + limitMs;
    while ((await count()) !== wanted && performance.now() < deadlineMs) await sleep(50);
    expect(await count()).toBe(wanted);
  };
  await until(90, 15_000);
  await world.barrier();
  const waiting = (await world.services()).filter(
    ({ metadata, status }) =>
      metadata.namespace === "ns1" && (status?.loadBalancer?.ingress ?? []).length === 0,
  );
  expect(waiting).toHaveLength(10);
  for (const { metadata } of waiting) {
    expect(await world.expectEvents(metadata.name, ["AllocationFailed"])).toContain("is full");
  }
  const served = names.filter(name => !waiting.some(({ metadata }) => metadata.name === name));
  await Promise.all(served.slice(0, 10).map(name => world.delete(name)));
  await until(90, 5_000);
});

it("a Service with as much in its annotations as may be (250 kB) gets its address like any other", async () => {
  const annotations = Object.fromEntries(
    Array.from({ length: 5 }, (_, index) => [`example.com/large-${index}`, "x".repeat(50_000)]),
  );
  await world.create("large", { annotations });
  await world.expect("large", ["192.0.2.1"]);
});
