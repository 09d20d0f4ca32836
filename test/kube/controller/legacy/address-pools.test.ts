/** AddressPool objects of 0.13 that are still stored. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { LegacyWorld } from "./world";

let w: LegacyWorld;
beforeAll(async () => {
  w = await LegacyWorld.start();
});
afterAll(() => w.end());

const OPEN = {
  type: "object",
  properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
};
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const POOLS = "/apis/metallb.io/v1beta1/namespaces/metallb-system/addresspools";

async function installKind(): Promise<void> {
  await w.client.post(DEFINITIONS, {
    metadata: { name: "addresspools.metallb.io" },
    spec: {
      group: "metallb.io",
      scope: "Namespaced",
      names: { kind: "AddressPool", plural: "addresspools", singular: "addresspool" },
      versions: [
        { name: "v1alpha1", served: true, storage: false, schema: { openAPIV3Schema: OPEN } },
        { name: "v1beta1", served: true, storage: true, schema: { openAPIV3Schema: OPEN } },
      ],
    },
  });
  await w.until("the kind is served", () =>
    w.client.get(POOLS).then(
      () => true,
      () => false,
    ),
  );
}

it("5.15 are in force, stay as they are, and their kind can be deleted", async () => {
  await installKind();
  await w.client.post(POOLS.replace("v1beta1", "v1alpha1"), {
    apiVersion: "metallb.io/v1alpha1",
    kind: "AddressPool",
    metadata: { name: "old-l2" },
    spec: { protocol: "layer2", addresses: ["10.2.0.0/30"] },
  });
  await w.client.post(POOLS, {
    apiVersion: "metallb.io/v1beta1",
    kind: "AddressPool",
    metadata: { name: "old-bgp" },
    spec: {
      protocol: "bgp",
      addresses: ["10.3.0.0/24"],
      bgpAdvertisements: [{ aggregationLength: 24, communities: ["1:2"] }],
    },
  });
  await w.startController();
  const defaults = { autoAssign: true, avoidBuggyIPs: false };
  await w.expectObjects("pools", {
    "old-bgp": { addresses: ["10.3.0.0/24"], ...defaults },
    "old-l2": { addresses: ["10.2.0.0/30"], ...defaults },
  });
  await w.expectObjects("l2", { "old-l2": { ipAddressPools: ["old-l2"] } });
  await w.expectObjects("bgp", {
    "old-bgp": {
      aggregationLength: 24,
      aggregationLengthV6: 128,
      communities: ["1:2"],
      ipAddressPools: ["old-bgp"],
    },
  });
  const { items } = await w.client.get<{ items: { metadata: { finalizers?: string[] } }[] }>(POOLS);
  expect(items.map(({ metadata }) => metadata.finalizers)).toEqual([undefined, undefined]);
  await w.client.delete(`${DEFINITIONS}/addresspools.metallb.io`);
  await w.until("the kind is gone", () =>
    w.client.get(`${DEFINITIONS}/addresspools.metallb.io`).then(
      () => false,
      () => true,
    ),
  );
  expect((await w.list("pools")).map(({ metadata }) => metadata.name)).toEqual([
    "old-bgp",
    "old-l2",
  ]);
});
