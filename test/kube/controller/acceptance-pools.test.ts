/** Acceptance cases of allocation on a real API server: pinned pools, sharing, changes of pools, numbers and reasons. */
import { expect } from "vitest";
import { A, ALL, B, C, D, E, kubeCases, LB_IPS, POOL, S, SHARE } from "./cases";
import { addressesOf, countOf, toPort, type PoolSpec, type ServiceSpec, type World } from "./world";

const kube = kubeCases();

const labels = { x: "y" };
const serviceSelectors = [{ matchLabels: labels }];
const PINNED: readonly PoolSpec[] = [
  A,
  {
    name: "p1",
    addresses: ["10.1.0.0/32"],
    serviceAllocation: { namespaces: ["team"], priority: 10 },
  },
  {
    name: "p2",
    addresses: ["10.2.0.0/32"],
    serviceAllocation: { namespaces: ["team"], priority: 11 },
  },
  { name: "p3", addresses: ["10.3.0.0/30"], serviceAllocation: { serviceSelectors, priority: 9 } },
  {
    name: "p4",
    addresses: ["10.4.0.0/32"],
    serviceAllocation: { namespaces: ["team"], serviceSelectors, priority: 5 },
  },
  { name: "p5", addresses: ["10.5.0.0/32"], serviceAllocation: { namespaces: ["team"] } },
];

/** A Service with the sharing key "k". */
async function share(w: World, name: string, spec: ServiceSpec = {}): Promise<void> {
  await w.create(name, { annotations: { [SHARE]: "k" }, ...spec });
}

async function createInTurn(
  w: World,
  wanted: readonly (readonly [string, string, ServiceSpec?])[],
): Promise<void> {
  for (const [name, address, spec = {}] of wanted) {
    const [namespace, bare = name] = name.split("/");
    await w.create(bare, { ...spec, ...(name.includes("/") && { namespace: namespace ?? "" }) });
    await w.expect(name, [address]);
  }
}

kube("28: pinned pools by priority, then open ones", PINNED, w =>
  createInTurn(w, [
    ["team/t1", "10.1.0.0"],
    ["team/t2", "10.2.0.0"],
    ["team/t3", "10.5.0.0"],
    ["team/t4", "1.2.3.0"],
    ["team/x1", "10.4.0.0", { labels }],
    ["team/x2", "10.3.0.0", { labels }],
    ["other/o1", "10.3.0.1", { labels }],
    ["other/o2", "1.2.3.1"],
  ]),
);

kube("29: a pinned pool is closed to explicit requests too", PINNED, async w => {
  await w.create("pool", { namespace: "other", annotations: { [POOL]: "p1" } });
  await w.create("ip", { namespace: "other", annotations: { [LB_IPS]: "10.1.0.0" } });
  for (const name of ["other/pool", "other/ip"]) {
    await w.expectEvents(name, ["AllocationFailed"]);
    await w.expect(name, "-");
  }
});

const Q: PoolSpec = { name: "q", addresses: ["10.6.0.0/32"], serviceAllocation: { priority: 5 } };

kube("30: a pin without conditions admits everybody", [A, Q], w =>
  createInTurn(w, [
    ["s1", "10.6.0.0"],
    ["s2", "1.2.3.0"],
  ]),
);

kube("31: one key, two ports, either prefix", [S], async w => {
  await share(w, "t1");
  await share(w, "t2", {
    ports: ["TCP/81"],
    annotations: { "metallb.universe.tf/allow-shared-ip": "k" },
  });
  await w.expect("t1", ["9.9.9.9"]);
  await w.expect("t2", ["9.9.9.9"]);
  await untilStatus(w, "s", { assignedIPv4: 1, availableIPv4: 0 });
});

kube("32: externalTrafficPolicy and selector step by step", [S], async w => {
  await share(w, "t1");
  await w.expect("t1", ["9.9.9.9"]);
  await share(w, "t2", { ports: ["TCP/81"] });
  await w.expect("t2", ["9.9.9.9"]);
  const first = await w.get("t1");
  await w.patch("t2", { spec: { externalTrafficPolicy: "Local" } });
  await w.expect("t2", "-");
  expect((await w.get("t1")).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  await w.patch("t1", { spec: { externalTrafficPolicy: "Local" } });
  await w.expect("t2", ["9.9.9.9"]);
  await w.expect("t1", ["9.9.9.9"]);
  const second = await w.get("t2");
  await w.patch("t1", { spec: { selector: { app: "other" } } });
  await w.expect("t1", "-");
  expect((await w.get("t2")).metadata.resourceVersion).toBe(second.metadata.resourceVersion);
  await w.patch("t2", { spec: { selector: { app: "other" } } });
  await w.expect("t1", ["9.9.9.9"]);
  await w.expect("t2", ["9.9.9.9"]);
});

kube("33: TCP and UDP of one port", [S], async w => {
  await share(w, "t1", { ports: ["TCP/53"] });
  await share(w, "t2", { ports: ["UDP/53"] });
  await w.expect("t1", ["9.9.9.9"]);
  await w.expect("t2", ["9.9.9.9"]);
});

kube("34: a port in use is named", [S], async w => {
  await share(w, "t1", { ports: ["TCP/53"] });
  await w.expect("t1", ["9.9.9.9"]);
  await share(w, "t2", { ports: ["TCP/53"] });
  expect(await w.expectEvents("t2", ["AllocationFailed"])).toMatch(/TCP\/53.*9\.9\.9\.9/);
  await w.expect("t2", "-");
  await w.patch("t2", { spec: { ports: [toPort("TCP/54")] } });
  await w.expect("t2", ["9.9.9.9"]);
});

kube(
  "35: avoidBuggyIPs",
  [{ name: "f", addresses: ["1.2.4.0/24"], avoidBuggyIPs: true }],
  async w => {
    for (const address of ["1.2.4.0", "1.2.4.255"]) {
      const name = address.replaceAll(".", "-");
      await w.create(`r${name}`, { loadBalancerIP: address });
      await w.expectEvents(`r${name}`, ["AllocationFailed"]);
      await w.delete(`r${name}`);
    }
    for (let count = 1; count <= 255; count += 1) await w.create(`s${count}`);
    await w.expect("s1", ["1.2.4.1"]);
    await w.expect("s254", ["1.2.4.254"]);
    await w.expectEvents("s255", ["AllocationFailed"]);
    await w.expect("s255", "-");
    await untilStatus(w, "f", { assignedIPv4: 254, availableIPv4: 0 });
  },
);

const X = (...addresses: string[]): PoolSpec => ({ name: "x", addresses });
const Y = (...addresses: string[]): PoolSpec => ({ name: "y", addresses });

kube("36: an address that stays in some pool is kept", [X("1.2.3.0/30")], async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"], "x");
  await w.load([X("1.2.3.0/24")]);
  await w.load([X("1.2.3.0/30")]);
  await w.expect("s", ["1.2.3.0"], "x");
  // The second of two overlapping pools is not in force; when the first goes, one load replaces it.
  await w.putPool(Y("1.2.3.0/30"));
  await w.deletePool("x");
  await w.inForce([Y("1.2.3.0/30")]);
  await w.expect("s", ["1.2.3.0"], "y");
  await w.load([Y("1.2.3.0/31", "1.2.3.2/31")]);
  await w.expect("s", ["1.2.3.0"], "y");
  await w.eventsSettled();
  expect(countOf(await w.events("s"), "ClearAssignment")).toBe(0);
});

kube("37: an address outside all pools moves", [X("1.2.3.0/30")], async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"]);
  await w.load([X("1.2.3.2/31")]);
  await w.expect("s", ["1.2.3.2"]);
  await w.expectEvents("s", ["ClearAssignment"]);
});

kube("38: avoidBuggyIPs moves .0", [X("1.2.3.0/30")], async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"]);
  await w.load([{ ...X("1.2.3.0/30"), avoidBuggyIPs: true }]);
  await w.expect("s", ["1.2.3.1"]);
  await w.expectEvents("s", ["ClearAssignment"]);
});

kube("39: deleted pools", [A, E], async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"], "a");
  await w.load([E]);
  await w.expect("s", ["5.5.5.0"], "e");
  await w.expectEvents("s", ["ClearAssignment"]);
  await w.load([]);
  await w.expect("s", "-");
});

kube("40: restarts change nothing", [A], async w => {
  for (const name of ["d", "c", "b", "a"]) {
    await w.create(name);
    await w.barrier();
  }
  const before = await w.services();
  await w.eventsSettled();
  for (let count = 0; count < 5; count += 1) await w.whileDown();
  const versions = (list: typeof before): unknown =>
    list.map(one => [one.metadata.name, one.metadata.resourceVersion, addressesOf(one)]);
  expect(versions(await w.services())).toEqual(versions(before));
  expect(countOf(await w.events("d"), "IPAllocated")).toBe(1);
});

for (const policy of ["PreferDualStack", "RequireDualStack"] as const) {
  const DUAL_X: PoolSpec = { name: "x", addresses: ["6.6.6.0/31", "1002::/127"] };
  kube(`43: a dual pool loses a family, ${policy}`, [DUAL_X], async w => {
    await w.create("s", { families: "dual", policy });
    await w.expect("s", ["6.6.6.0", "1002::"], "x");
    await w.load([DUAL_X, E]);
    await w.load([{ ...DUAL_X, addresses: ["1002::/127"] }, E]);
    await w.expect("s", ["5.5.5.0", "1001::"], "e");
    await w.expectEvents("s", ["ClearAssignment"]);
    await w.load([{ ...DUAL_X, addresses: ["1002::/127"] }]);
    await w.expect("s", policy === "PreferDualStack" ? ["1002::"] : "-");
  });
}

kube(
  "46: one of 1000 settled Services goes",
  [{ name: "p", addresses: ["10.0.0.0/16"] }],
  async w => {
    const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`);
    for (let at = 0; at < names.length; at += 20) {
      await Promise.all(names.slice(at, at + 20).map(name => w.create(name)));
    }
    for (const name of names.slice(-20)) await w.expect(name, addressesOf(await w.get(name)), "p");
    await untilStatus(w, "p", { assignedIPv4: 1_000 });
    const before = await w.services();
    await w.delete("s500");
    await w.barrier();
    const after = await w.services();
    const versions = new Map(before.map(one => [one.metadata.name, one.metadata.resourceVersion]));
    expect(after).toHaveLength(999);
    expect(
      after.filter(one => versions.get(one.metadata.name) !== one.metadata.resourceVersion),
    ).toEqual([]);
    expect(new Set(after.flatMap(addressesOf)).size).toBe(999);
  },
);

kube(
  "48: several entries and families in one pool",
  [
    {
      name: "k",
      addresses: ["192.168.10.0/24", "192.168.9.1-192.168.9.5", "fc00:f853:0ccd:e799::/124"],
    },
  ],
  async w => {
    await w.create("v4");
    await w.create("v6", { families: "v6" });
    await w.expect("v4", ["192.168.10.0"]);
    await w.expect("v6", ["fc00:f853:ccd:e799::"]);
    await untilStatus(w, "k", {
      assignedIPv4: 1,
      availableIPv4: 260,
      assignedIPv6: 1,
      availableIPv6: 15,
    });
  },
);

const pinnedToNs1 = { serviceAllocation: { namespaces: ["ns1"] } };

kube(
  "50: pools without order by name (D3)",
  [
    { name: "z", addresses: ["10.9.0.0/32"] },
    { name: "m", addresses: ["10.8.0.0/32"] },
    { name: "q", addresses: ["10.10.0.0/32"], ...pinnedToNs1 },
    { name: "p", addresses: ["10.11.0.0/32"], ...pinnedToNs1 },
  ],
  w =>
    createInTurn(w, [
      ["s1", "10.11.0.0"],
      ["s2", "10.10.0.0"],
      ["s3", "10.8.0.0"],
      ["s4", "10.9.0.0"],
    ]),
);

const nowhere = { namespaceSelectors: [{ matchLabels: { no: "where" } }] };

for (const selectors of [{}, { serviceSelectors }]) {
  const N: PoolSpec = {
    name: "n",
    addresses: ["10.7.0.0/30"],
    serviceAllocation: { ...nowhere, ...selectors },
  };
  kube(
    `51: namespace selectors that match nothing close the pool (D5) ${JSON.stringify(selectors)}`,
    [N],
    async w => {
      const wishes = { auto: {}, pool: { [POOL]: "n" }, ip: { [LB_IPS]: "10.7.0.1" } };
      for (const [name, annotations] of Object.entries(wishes)) {
        await w.create(name, { labels, annotations });
        await w.expectEvents(name, ["AllocationFailed"]);
        await w.expect(name, "-");
      }
    },
  );
}

kube(
  "51: the labels of the namespace open it",
  [
    {
      name: "n",
      addresses: ["10.7.0.0/30"],
      serviceAllocation: { namespaceSelectors: [{ matchLabels: { herald: "yes" } }] },
    },
  ],
  async w => {
    await w.create("s");
    await w.expectEvents("s", ["AllocationFailed"]);
    await w.client.patch("/api/v1/namespaces/ns1", { metadata: { labels: { herald: "yes" } } });
    await w.expect("s", ["10.7.0.0"]);
    await w.client.patch("/api/v1/namespaces/ns1", { metadata: { labels: { herald: null } } });
    await w.expect("s", "-");
  },
);

kube("52: what moves, and ports that are dropped, help who waits (D6)", [A, B, S], async w => {
  await createInTurn(w, [
    ["s1", "1.2.3.0"],
    ["s2", "1.2.3.1"],
    ["s4", "9.9.9.9"],
  ]);
  await w.create("s3");
  await w.expectEvents("s3", ["AllocationFailed"]);
  await w.annotate("s1", { [POOL]: "b" });
  await w.expect("s1", ["3.4.5.6"]);
  await w.expect("s3", ["1.2.3.0"]);
  await w.delete("s4");
  await share(w, "t1", { ports: ["TCP/80", "TCP/81"] });
  await w.expect("t1", ["9.9.9.9"]);
  await share(w, "t2");
  await w.expectEvents("t2", ["AllocationFailed"]);
  await w.patch("t1", { spec: { ports: [toPort("TCP/81")] } });
  await w.expect("t2", ["9.9.9.9"]);
});

kube(
  "55: counters saturate and keep their digits (D4)",
  [
    { name: "big", addresses: ["2001:db8::/48", "1.2.3.0/24"] },
    { name: "none", addresses: ["1.2.4.0/32"], avoidBuggyIPs: true },
  ],
  async w => {
    await untilStatus(w, "none", { assignedIPv4: 0, availableIPv4: 0 });
    await w.create("s", { families: "v6" });
    await w.expect("s", ["2001:db8::"]);
    await untilStatus(w, "big", { assignedIPv6: 1, availableIPv4: 256 });
    const { stdout } = await w.cluster.server.kubectl([
      "get",
      "--raw",
      "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/big",
    ]);
    expect(stdout).toContain('"availableIPv6":9223372036854775806');
    const metrics = await w.controller.metrics.registry.metrics();
    expect(metrics).toContain('metallb_allocator_ipv4_addresses_total{pool="big"} 256');
    expect(metrics).toContain('metallb_allocator_addresses_total{pool="big"} 9223372036854776000');
    expect(metrics).toContain('metallb_allocator_addresses_in_use_total{pool="big"} 1');
    // An edit of the status by hand is put right.
    await w.client.patch(
      "/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/none/status",
      {
        status: { assignedIPv4: 7 },
      },
    );
    await untilStatus(w, "none", { assignedIPv4: 0 });
  },
);

kube("56: reasons per pool, one Event per state (D9, D10)", [A, B, C, D], async w => {
  await createInTurn(w, [
    ["s1", "1.2.3.0"],
    ["s2", "1.2.3.1"],
  ]);
  await w.create("s3");
  const told = await w.expectEvents("s3", ["AllocationFailed"]);
  expect(told).toMatch(/pool "a" is full.*pool "b" has autoAssign off/);
  expect(told).not.toMatch(/"c"|"d"/);
  for (let count = 0; count < 5; count += 1) {
    await w.patch("s3", { metadata: { labels: { count: String(count) } } });
  }
  await w.eventsSettled();
  expect(countOf(await w.events("s3"), "AllocationFailed")).toBe(1);
});

kube("what was edited by hand is put right", ALL, async w => {
  await w.create("s", { loadBalancerIP: "1.2.3.1" });
  await w.expect("s", ["1.2.3.1"], "a");
  await w.patch("s", { spec: { loadBalancerIP: null } });
  await w.setStatus("s", []);
  await w.expect("s", ["1.2.3.1"], "a");
  await w.annotate("s", { "metallb.io/ip-allocated-from-pool": "edited" });
  await w.expect("s", ["1.2.3.1"], "a");
  await w.setStatus("s", [{ ip: "1.2.3.0" }]);
  await w.barrier();
  await w.expect("s", ["1.2.3.0"], "a");
  await w.setStatus("s", [{ ip: "8.8.8.8" }]);
  await w.expectEvents("s", ["ClearAssignment"]);
  await w.expect("s", ["1.2.3.0"], "a");
});

async function untilStatus(
  w: World,
  name: string,
  wanted: Readonly<Record<string, number>>,
): Promise<void> {
  await expect
    .poll(async () => (await w.pool(name)).status, { timeout: 15_000, interval: 50 })
    .toMatchObject(wanted);
}
