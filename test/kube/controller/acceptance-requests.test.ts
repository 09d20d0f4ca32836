/** Acceptance cases of allocation on a real API server: what Services ask for and hold, and both families. */
import { expect } from "vitest";
import { A, ALL, B, C, E, kubeCases, LB_IPS, POOL } from "./cases";
import { addressesOf, countOf, type World } from "./world";

const kube = kubeCases();

/** The reasons of all Events of the Service, each as often as it was told. */
async function reasonsOf(w: World, name: string): Promise<readonly string[]> {
  await w.eventsSettled();
  const events = await w.events(name);
  return events.flatMap(event => Array.from({ length: event.count }, () => event.reason)).sort();
}

kube("1: a ClusterIP Service", ALL, async w => {
  await w.create("bare", { type: "ClusterIP" });
  await w.create("stale", {
    type: "ClusterIP",
    annotations: { "metallb.io/ip-allocated-from-pool": "a" },
  });
  await w.expect("bare", "-");
  await w.expect("stale", "-");
  expect(await reasonsOf(w, "stale")).toEqual([]);
});

kube("2: lowest first, and what is freed goes to who waits", [A], async w => {
  await w.create("s1");
  await w.expect("s1", ["1.2.3.0"], "a");
  await w.create("s2");
  await w.expect("s2", ["1.2.3.1"], "a");
  await w.create("s3");
  await w.expectEvents("s3", ["AllocationFailed"]);
  await w.delete("s1");
  await w.expect("s3", ["1.2.3.0"]);
  await w.expectEvents("s3", ["IPAllocated"]);
});

kube("3: spec.loadBalancerIP", ALL, async w => {
  await w.create("s", { loadBalancerIP: "1.2.3.1" });
  await w.expect("s", ["1.2.3.1"], "a");
});

kube("4: the annotation loadBalancerIPs with either prefix, with blanks", ALL, async w => {
  for (const prefix of ["metallb.io", "metallb.universe.tf"]) {
    for (const value of ["1.2.3.1", " 1.2.3.1 "]) {
      await w.create("s", { annotations: { [`${prefix}/loadBalancerIPs`]: value } });
      await w.expect("s", ["1.2.3.1"]);
      await w.delete("s");
    }
  }
});

kube("5: field and annotation together", ALL, async w => {
  await w.create("s", { loadBalancerIP: "1.2.3.1", annotations: { [LB_IPS]: "1.2.3.1" } });
  await w.expectEvents("s", ["AllocationFailed"]);
  await w.expect("s", "-");
});

kube("6: requests that cannot be read", ALL, async w => {
  const texts = ["hello", "1.2.3.0,", "1.2.3.0,1.2.3.1", "1.2.3.0,1000::,1.2.3.1"];
  for (const [index, text] of texts.entries()) {
    await w.create(`s${index}`, { annotations: { [LB_IPS]: text } });
    await w.expectEvents(`s${index}`, ["AllocationFailed"]);
    await w.expect(`s${index}`, "-");
  }
  await w.create("field", { loadBalancerIP: "hello" });
  await w.expectEvents("field", ["AllocationFailed"]);
  await w.create("held");
  await w.expect("held", ["1.2.3.0"]);
  for (const text of texts) {
    await w.annotate("held", { [LB_IPS]: text });
    await w.barrier();
    await w.expect("held", ["1.2.3.0"]);
  }
  await w.annotate("held", { [LB_IPS]: null });
  await w.patch("held", { spec: { loadBalancerIP: "hello" } });
  await w.expectEvents(
    "held",
    Array.from({ length: texts.length + 1 }, () => "LoadBalancerFailed"),
  );
  await w.expect("held", ["1.2.3.0"]);
});

kube("7: a request outside the requested pool books nothing", ALL, async w => {
  await w.create("s", { annotations: { [LB_IPS]: "1.2.3.1", [POOL]: "b" } });
  expect(await w.expectEvents("s", ["AllocationFailed"])).toContain('"b"');
  await w.create("second", { loadBalancerIP: "1.2.3.1" });
  await w.expect("second", ["1.2.3.1"]);
  await w.expect("s", "-");
});

kube("8: a wish that cannot be met keeps the address (D7)", ALL, async w => {
  await w.create("s", { loadBalancerIP: "1.2.3.1" });
  await w.expect("s", ["1.2.3.1"]);
  await w.patch("s", { spec: { loadBalancerIP: "9.9.9.9" } });
  await w.expectEvents("s", ["AllocationFailed"]);
  await w.expect("s", ["1.2.3.1"], "a");
});

kube("9: a manual pool by name", ALL, async w => {
  await w.create("s", { annotations: { [POOL]: "b" } });
  await w.expect("s", ["3.4.5.6"], "b");
  await w.delete("s");
  await w.create("t", { annotations: { [POOL]: "b", [LB_IPS]: "3.4.5.6" } });
  await w.expect("t", ["3.4.5.6"], "b");
});

kube("10: a change of the requested pool", ALL, async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"]);
  await w.annotate("s", { [POOL]: "b" });
  await w.expect("s", ["3.4.5.6"], "b");
  await w.annotate("s", { [POOL]: null });
  await w.barrier();
  await w.expect("s", ["3.4.5.6"], "b");
});

kube("11: an unknown pool", ALL, async w => {
  await w.create("s", { annotations: { [POOL]: "does-not-exist" } });
  expect(await w.expectEvents("s", ["AllocationFailed"])).toContain("does-not-exist");
  await w.expect("s", "-");
});

kube("12, 13, 17, 27: what the status holds already", ALL, async w => {
  await w.whileDown(async () => {
    const holders = {
      foreign: [{ ip: "2.3.4.5" }],
      ours: [{ ip: "1.2.3.1" }],
      v6: [{ ip: "5.5.5.1" }],
    };
    for (const [name, ingress] of Object.entries(holders)) {
      await w.create(name, { families: name === "v6" ? "v6" : "v4" });
      await w.setStatus(name, ingress);
    }
  });
  await w.expect("foreign", ["1.2.3.0"], "a");
  await w.expect("ours", ["1.2.3.1"], "a");
  await w.expect("v6", ["1000::"], "c");
  await w.expectEvents("foreign", ["ClearAssignment", "IPAllocated"]);
  expect(await reasonsOf(w, "ours")).toEqual([]);
});

kube("13: entries with a host name vanish", ALL, async w => {
  await w.whileDown(async () => {
    await w.create("s");
    await w.setStatus("s", [{ hostname: "x.example" }, { ip: "10.10.10.10" }]);
  });
  await w.expect("s", ["1.2.3.0"]);
});

kube("17, 27: addresses of the wrong family, and too many", ALL, async w => {
  await w.whileDown(async () => {
    await w.create("v4");
    await w.setStatus("v4", [{ ip: "1000::" }]);
  });
  await w.expect("v4", ["1.2.3.0"]);
  await w.delete("v4");
  await w.whileDown(async () => {
    await w.create("many");
    await w.setStatus(
      "many",
      ["1.2.3.0", "1.2.3.1", "5.5.5.0"].map(ip => ({ ip })),
    );
  });
  await w.expect("many", ["1.2.3.0"]);
  await w.expectEvents("many", ["nolbIPsIPFamily"]);
});

kube("14: a NodePort Service gives its address back", ALL, async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"]);
  await w.patch("s", { spec: { type: "NodePort", allocateLoadBalancerNodePorts: null } });
  await w.expect("s", "-");
  await w.create("next");
  await w.expect("next", ["1.2.3.0"]);
});

kube("16: the family must be the Service's", ALL, async w => {
  await w.create("v4", { loadBalancerIP: "1000::1" });
  await w.create("v6", { families: "v6", loadBalancerIP: "1.2.3.1" });
  await w.expectEvents("v4", ["AllocationFailed"]);
  await w.expectEvents("v6", ["AllocationFailed"]);
  await w.expect("v4", "-");
  await w.expect("v6", "-");
});

kube("18: RequireDualStack", ALL, async w => {
  await w.create("s", { families: "dual", policy: "RequireDualStack" });
  await w.expect("s", ["5.5.5.0", "1001::"], "e");
});

kube("19: PreferDualStack takes one of the primary family", [A, C], async w => {
  await w.create("v4", { families: "dual" });
  await w.expect("v4", ["1.2.3.0"], "a");
  await w.create("v6", { families: "dual-v6-first" });
  await w.expect("v6", ["1000::"], "c");
});

kube("20, 21: PreferDualStack takes a pair, or what the requested pool has", [A, C, E], async w => {
  await w.create("pair", { families: "dual" });
  await w.expect("pair", ["5.5.5.0", "1001::"], "e");
  await w.create("one", { families: "dual", annotations: { [POOL]: "a" } });
  await w.expect("one", ["1.2.3.0"], "a");
});

kube("24: one address for a dual-stack Service", ALL, async w => {
  for (const policy of ["PreferDualStack", "RequireDualStack"] as const) {
    const name = policy.toLowerCase();
    await w.create(`${name}-field`, { families: "dual", policy, loadBalancerIP: "5.5.5.1" });
    await w.create(`${name}-text`, {
      families: "dual",
      policy,
      annotations: { [LB_IPS]: "5.5.5.1" },
    });
    for (const one of [`${name}-field`, `${name}-text`]) {
      await w.expectEvents(one, ["AllocationFailed"]);
      await w.expect(one, "-");
    }
  }
});

kube("25: a requested pair keeps its order", ALL, async w => {
  for (const order of [
    ["5.5.5.0", "1001::"],
    ["1001::", "5.5.5.0"],
  ]) {
    await w.create("s", { families: "dual", annotations: { [LB_IPS]: order.join() } });
    await w.expect("s", order);
    expect(await w.secondReconcile()).toEqual([]);
    await w.whileDown();
    expect(addressesOf(await w.get("s"))).toEqual(order);
    await w.delete("s");
  }
});

kube("26: a pair from two pools", ALL, async w => {
  await w.create("s", { families: "dual", annotations: { [LB_IPS]: "1.2.3.0,1000::" } });
  await w.expectEvents("s", ["AllocationFailed"]);
  await w.expect("s", "-");
});

kube(
  "41: the other family is added when the pool gains it",
  [{ ...E, addresses: ["5.5.5.0/31"] }],
  async w => {
    await w.create("s", { families: "dual" });
    await w.expect("s", ["5.5.5.0"]);
    await w.load([E]);
    await w.expect("s", ["5.5.5.0", "1001::"]);
    expect(await w.expectEvents("s", ["IPAllocated", "IPAllocated"])).toContain("1001::");
  },
);

kube("42: from Prefer to Require and back with one family", [A], async w => {
  await w.create("s", { families: "dual" });
  await w.expect("s", ["1.2.3.0"]);
  await w.patch("s", { spec: { ipFamilyPolicy: "RequireDualStack" } });
  await w.expect("s", "-");
  await w.expectEvents("s", ["AllocationFailed"]);
  await w.patch("s", { spec: { ipFamilyPolicy: "PreferDualStack" } });
  await w.expect("s", ["1.2.3.0"]);
});

kube("44: another pool does not move a Service with one address", [A], async w => {
  await w.create("s", { families: "dual" });
  await w.expect("s", ["1.2.3.0"]);
  await w.load([A, E]);
  await w.expect("s", ["1.2.3.0"]);
  const events = await w.events("s");
  expect(countOf(events, "AdditionalAssignFailed")).toBeLessThanOrEqual(1);
});

kube("K20: families back and forth end where they began", [E], async w => {
  await w.create("s");
  await w.expect("s", ["5.5.5.0"]);
  await w.patch("s", { spec: { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv4", "IPv6"] } });
  await w.expect("s", ["5.5.5.0", "1001::"]);
  await w.patch("s", { spec: { ipFamilyPolicy: "RequireDualStack" } });
  await w.barrier();
  await w.expect("s", ["5.5.5.0", "1001::"]);
  const single = { ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"] };
  const { spec } = await w.client.get<{ spec: { clusterIP: string } }>(
    "/api/v1/namespaces/ns1/services/s",
  );
  await w.patch("s", { spec: { ...single, clusterIPs: [spec.clusterIP] } });
  await w.expect("s", ["5.5.5.0"]);
});

kube("45: only our class", ALL, async w => {
  await w.create("empty", { loadBalancerClass: "test.example/a" });
  await w.create("filled", { loadBalancerClass: "test.example/a" });
  await w.setStatus("filled", [{ ip: "203.0.113.9" }]);
  await w.barrier();
  await w.expect("empty", "-");
  expect(addressesOf(await w.get("filled"))).toEqual(["203.0.113.9"]);
  await w.delete("filled");
  await w.whileDown(
    async () => {
      await w.create("none");
      await w.create("b", { loadBalancerClass: "test.example/b" });
    },
    { lbClass: "test.example/a" },
  );
  await w.expect("empty", ["1.2.3.0"]);
  await w.expect("none", "-");
  await w.expect("b", "-");
  await w.delete("none");
  await w.whileDown();
});

kube("47: the deprecated prefix works and is noticed once", ALL, async w => {
  await w.create("s", { annotations: { "metallb.universe.tf/address-pool": "b" } });
  await w.expect("s", ["3.4.5.6"], "b");
  for (let count = 0; count < 10; count += 1) {
    await w.patch("s", { metadata: { labels: { count: String(count) } } });
  }
  expect(await w.expectEvents("s", ["deprecatedAnnotation"])).toContain("universe.tf/address-pool");
  expect(await reasonsOf(w, "s")).toEqual(["IPAllocated", "deprecatedAnnotation"]);
});

kube("49: a present current key wins, even empty", ALL, async w => {
  await w.create("s", { annotations: { [POOL]: "", "metallb.universe.tf/address-pool": "b" } });
  await w.expect("s", ["1.2.3.0"], "a");
  await w.expectEvents("s", ["deprecatedAnnotation"]);
});

kube("53: with no pool at all a foreign address is left alone (D8)", [], async w => {
  await w.create("s");
  await w.setStatus("s", [{ ip: "203.0.113.9" }]);
  await w.barrier();
  const stored = await w.get("s");
  expect(addressesOf(stored)).toEqual(["203.0.113.9"]);
  expect(stored.metadata.annotations).toBeUndefined();
});

kube("54: a Service that leaves our class gives its address back unseen (D11)", [A, B], async w => {
  await w.create("s");
  await w.expect("s", ["1.2.3.0"]);
  await w.patch("s", { spec: { type: "ClusterIP", allocateLoadBalancerNodePorts: null } });
  await w.patch("s", { spec: { type: "LoadBalancer", loadBalancerClass: "test.example/other" } });
  await w.create("next");
  await w.expect("next", ["1.2.3.0"]);
});
