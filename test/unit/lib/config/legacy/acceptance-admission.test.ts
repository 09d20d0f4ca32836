/** Cases of the documents that admission answers. */
import { expect, it } from "vitest";
import { reviewChange, type Change } from "../../../../../lib/config/admission";
import type { ConfigurationResources } from "../../../../../lib/config/check";
import type { IPAddressPool } from "../../../../../lib/config/generated/resources";
import { formatProblem } from "../../../../../lib/config/problem";
import { installationObjects } from "../../../../../scripts/manifest/installation";
import { ipAddressPool, l2Advertisement, NAMESPACE } from "../../../../support/resources";

const CLUSTER: ConfigurationResources = {
  l2Advertisements: [l2Advertisement("all")],
  nodes: [
    { name: "n1", labels: {}, addresses: ["192.168.1.11"], podCidrs: ["10.244.1.0/24"] },
    { name: "n2", labels: {}, addresses: ["192.168.1.12"], podCidrs: ["10.244.2.0/24"] },
  ],
  serviceCidrs: ["10.96.0.0/16"],
};

function review(
  pool: IPAddressPool,
  live: ConfigurationResources,
  operation: Change["operation"] = "CREATE",
): { readonly refusals: string; readonly warnings: string } {
  const change: Change = { operation, kind: "IPAddressPool", object: pool };
  const { refusals, warnings } = reviewChange(change, live, { namespace: NAMESPACE });
  return {
    refusals: refusals.map(formatProblem).join("\n"),
    warnings: warnings.map(formatProblem).join("\n"),
  };
}

it.each([
  ["the Pods' addresses", "10.244.1.128/25", "10.244.1.0/24"],
  ["the cluster IPs", "10.96.10.0/24", "10.96.0.0/16"],
  ["the address of a node", "192.168.1.10-192.168.1.20", "n1"],
])(
  "0.2 a pool that holds %s is accepted, with a warning that names the clash",
  (_, range, named) => {
    const { refusals, warnings } = review(ipAddressPool("clash", [range]), CLUSTER);
    expect(refusals).toBe("");
    expect(warnings).toContain(named);
  },
);

it("3.6 a pool inside another one is refused by name and range, and accepted once that one is gone", () => {
  const big = ipAddressPool("big-pool", ["192.168.10.0/24"]);
  const first = ipAddressPool("first-pool", ["192.168.10.0/24", "192.168.9.1-192.168.9.5"]);
  const beside = { ...CLUSTER, ipAddressPools: [first] };
  const { refusals } = review(big, beside);
  for (const text of ["big-pool", "192.168.10.0/24", "first-pool"])
    expect(refusals).toContain(text);
  expect(review(big, CLUSTER).refusals).toBe("");
});

it("3.2 a pool in another namespace than Herald's is refused, with the right one named", () => {
  const change: Change = {
    operation: "CREATE",
    kind: "IPAddressPool",
    object: ipAddressPool("first-pool", ["192.168.10.0/24"]),
  };
  const { refusals } = reviewChange(change, CLUSTER, { namespace: "default" });
  expect(refusals.map(formatProblem).join("\n")).toContain("default");
});

it("3.1 4.2 the manifest brings the parts under MetalLB's names, and no configuration", () => {
  const installation = { namespace: NAMESPACE, image: "registry.example/herald:1" };
  const names = installationObjects(installation, []).map(
    ({ kind, metadata }) => `${kind} ${metadata.name}`,
  );
  for (const name of [
    "Namespace metallb-system",
    "Deployment controller",
    "DaemonSet speaker",
    "ServiceAccount controller",
    "ServiceAccount speaker",
  ]) {
    expect(names).toContain(name);
  }
  const configured = /^(?:IPAddressPool|L2Advertisement|BGP\w+|BFDProfile|Community) /;
  expect(names.filter(name => configured.test(name))).toEqual([]);
});
