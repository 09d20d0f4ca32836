/** What readers of kubespray's, Lokomotive's and the Dutch document see: Services and the addresses they get. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { LegacyWorld } from "./world";

let w: LegacyWorld;
beforeAll(async () => {
  w = await LegacyWorld.start();
});
beforeEach(() => w.startController());
afterEach(async () => {
  await w.stopController();
  await w.clear();
});
afterAll(() => w.end());

const OLD_POOL = "metallb.universe.tf/address-pool";

/** Creates Services one after the other; resolves with their addresses. */
async function give(
  names: readonly string[],
  annotations: Record<string, string> = {},
): Promise<string[]> {
  const given: string[] = [];
  for (const name of names) {
    await w.service(name, { annotations });
    await w.until(`${name} has an address`, async () => (await w.addressOf(name)) !== "");
    given.push(await w.addressOf(name));
  }
  return given;
}

async function expectPending(name: string, ...texts: readonly string[]): Promise<void> {
  await w.until(`${name} waits`, async () => {
    const events = (await w.serviceEvents(name)).filter(text =>
      text.startsWith("AllocationFailed"),
    );
    return events.some(event => texts.every(text => event.includes(text)));
  });
  expect(await w.addressOf(name)).toBe("");
}

async function statusOf(pool: string): Promise<Readonly<Record<string, unknown>>> {
  const path = `/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/${pool}`;
  return (await w.client.get<{ status?: Record<string, unknown> }>(path)).status ?? {};
}

async function expectCapacity(pool: string, ipv4: number, ipv6 = 0): Promise<void> {
  let seen: unknown;
  await w.until(
    `${pool} counts ${ipv4} and ${ipv6}`,
    async () => {
      const status = await statusOf(pool);
      seen = status;
      return status["availableIPv4"] === ipv4 && status["availableIPv6"] === ipv6;
    },
    () => seen,
  );
}

it("1.2 avoids .0 and .255, and refuses a request for one of them", async () => {
  await w.configMap(
    "address-pools: [{name: loadbalanced, protocol: layer2, avoid-buggy-ips: true, addresses: [10.5.0.0/16]}]",
  );
  await w.until("the pool", async () => (await w.list("pools")).length === 1);
  await expectCapacity("loadbalanced", 65_024);
  expect(await give(["a", "b"])).toEqual(["10.5.0.1", "10.5.0.2"]);
  for (const [index, loadBalancerIP] of ["10.5.0.255", "10.5.1.0"].entries()) {
    await w.service(`buggy${index}`, { loadBalancerIP });
    await expectPending(`buggy${index}`, loadBalancerIP);
  }
});

it("1.8 pools of kubespray without automatic use, asked for by their old and new names", async () => {
  const pool = (name: string, range: string): string =>
    `{name: ${name}, protocol: bgp, auto-assign: false, avoid-buggy-ips: true, addresses: [${range}]}`;
  await w.configMap(
    `address-pools: [${pool("kube_service_pool_1", "10.6.0.0/16")}, ${pool("kube_service_pool_2", "10.10.0.0/16")}]`,
  );
  await w.until("both pools", async () => (await w.list("pools")).length === 2);
  await w.service("nobody");
  await expectPending("nobody");
  expect(await give(["one"], { [OLD_POOL]: "kube_service_pool_1" })).toEqual(["10.6.0.1"]);
  expect(await give(["two"], { [OLD_POOL]: "kube-service-pool-2" })).toEqual(["10.10.0.1"]);
});

it("2.1 2.7 2.8 2.9 Lokomotive's pools: one address and sixteen", async () => {
  await w.create("pools", "pool1", { addresses: ["147.63.8.20/32"] });
  await w.create("pools", "pool2", { addresses: ["147.85.47.16/29", "147.85.47.24/29"] });
  await expectCapacity("pool1", 1);
  await expectCapacity("pool2", 16);
  expect(await give(["nginx"], { [OLD_POOL]: "pool2" })).toEqual(["147.85.47.16"]);
  const [nginx] = await w.services();
  expect(nginx?.metadata.annotations).toMatchObject({
    "metallb.io/ip-allocated-from-pool": "pool2",
  });
  const deprecated = (await w.serviceEvents("nginx")).filter(text => text.startsWith("deprecated"));
  expect(deprecated).toHaveLength(1);
  expect(await give(["first", "second"])).toEqual(["147.63.8.20", "147.85.47.17"]);
  const more = await give(Array.from({ length: 14 }, (_, index) => `more${index}`));
  expect(new Set(more).size).toBe(14);
  for (const { status } of await w.services())
    expect(status?.loadBalancer?.ingress).toHaveLength(1);
  await w.service("eighteenth");
  await expectPending("eighteenth");
});

it("2.12 a Service that is older than everything gets its address without being touched", async () => {
  await w.stopController();
  await w.service("early");
  await w.startController();
  expect(await w.addressOf("early")).toBe("");
  await w.create("pools", "late", { addresses: ["10.0.0.0/24"] });
  await w.expectAddress("early", "10.0.0.0");
});

it("3.3 a pool of a prefix, a range and an IPv6 prefix", async () => {
  await w.create("pools", "first-pool", {
    addresses: ["192.168.10.0/24", "192.168.9.1-192.168.9.5", "fc00:f853:0ccd:e799::/124"],
  });
  await expectCapacity("first-pool", 261, 16);
  expect(await give(["v4"])).toEqual(["192.168.10.0"]);
  await w.service("v6", { families: "v6" });
  await w.expectAddress("v6", "fc00:f853:ccd:e799::");
});

async function bigAndSmall(): Promise<void> {
  await w.create("pools", "big-pool", { addresses: ["192.168.10.0/24"] });
  await w.create("pools", "small-pool", { addresses: ["172.16.12.64/30"] });
  await expectCapacity("small-pool", 4);
}

it("3.7 3.8 the small pool has four addresses; without a wish the pool comes first by name", async () => {
  await bigAndSmall();
  expect(await give(["any"])).toEqual(["192.168.10.0"]);
});

it("3.9 autoAssign: false takes nothing from those who have it, and gives nothing to others", async () => {
  await bigAndSmall();
  const wish = { [OLD_POOL]: "small-pool" };
  expect(await give(["has"], wish)).toEqual(["172.16.12.64"]);
  await w.client.patch("/api/v1/namespaces/ns1/services/has", {
    metadata: { annotations: { [OLD_POOL]: null } },
  });
  await w.edit("pools", "small-pool", { autoAssign: false });
  const names = Array.from({ length: 257 }, (_, index) => `s${index}`);
  for (const name of names) await w.service(name);
  await w.until("256 have one", async () => {
    const services = await w.services();
    return services.filter(({ status }) => status?.loadBalancer?.ingress).length === 257;
  });
  const waiting = (await w.services()).filter(({ status }) => !status?.loadBalancer?.ingress);
  expect(waiting).toHaveLength(1);
  expect(await w.addressOf("has")).toBe("172.16.12.64");
  const given = (await w.services()).flatMap(({ status }) => status?.loadBalancer?.ingress ?? []);
  expect(given.filter(({ ip = "" }) => ip.startsWith("192.168.10."))).toHaveLength(256);
});

it("3.10 3.11 four Services fill the small pool, and the fifth is told so", async () => {
  await bigAndSmall();
  const wish = { [OLD_POOL]: "small-pool" };
  expect(await give(["a", "b", "c", "d"], wish)).toEqual(
    ["64", "65", "66", "67"].map(last => `172.16.12.${last}`),
  );
  await w.service("fifth", { annotations: wish });
  await expectPending("fifth", "small-pool");
});

it("3.12 a ClusterIP Service that becomes a LoadBalancer, and nothing else", async () => {
  await bigAndSmall();
  await w.service("web", { type: "ClusterIP" });
  expect(await w.addressOf("web")).toBe("");
  await w.client.patch("/api/v1/namespaces/ns1/services/web", { spec: { type: "LoadBalancer" } });
  await w.expectAddress("web", "192.168.10.0");
});

it("0.8 3.13 what has lost its indentation is refused by kubectl itself, and nothing is made", async () => {
  const texts = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\nnamespace: metallb-system\nname: config\ndata:\nconfig: |\naddress-pools:\n- name: default\n",
    "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata:\nname: small-pool\nnamespace: metallb-system\nspec:\naddresses:\n- 172.16.12.64/30\nautoAssign: false\n",
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: nginx\n  annotations: metallb.universe.tf/address-pool: small-pool\nspec: {}\n",
  ];
  for (const input of texts) {
    const applying = w.cluster.server.kubectl(["apply", "-f", "-"], { input });
    await expect(applying).rejects.toThrow(/error/i);
  }
  expect(await w.list("pools")).toEqual([]);
  expect(await w.services()).toEqual([]);
});
