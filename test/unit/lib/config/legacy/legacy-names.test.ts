import { expect, it } from "vitest";
import { PoolIndex } from "../../../../../lib/allocation/pool-index";
import { checkConfiguration } from "../../../../../lib/config/check";
import type { IPAddressPool } from "../../../../../lib/config/generated/resources";
import { withLegacyNames } from "../../../../../lib/config/legacy/legacy-names";
import { LEGACY_NAME_ANNOTATION } from "../../../../../lib/config/legacy/resources";

function pool(name: string, address: string, legacyName?: string): IPAddressPool {
  const annotations = legacyName === undefined ? {} : { [LEGACY_NAME_ANNOTATION]: legacyName };
  return {
    metadata: { name, namespace: "metallb-system", annotations },
    spec: { addresses: [address] },
  };
}

function indexOf(...pools: readonly IPAddressPool[]): PoolIndex {
  const { configuration } = checkConfiguration({ ipAddressPools: pools });
  return new PoolIndex(withLegacyNames(configuration.pools, pools), new Map());
}

it("finds a pool by the name that it had in a ConfigMap", () => {
  const index = indexOf(pool("kube-service-pool-1", "10.6.0.0/16", "kube_service_pool_1"));
  expect(index.named("kube_service_pool_1")?.pool.name).toBe("kube-service-pool-1");
  expect(index.named("kube_service_pool_2")).toBeUndefined();
});

it("prefers the object that has the name", () => {
  const index = indexOf(pool("one", "10.0.0.0/24", "two"), pool("two", "10.0.1.0/24"));
  expect(index.named("two")?.pool.name).toBe("two");
});

it("gives an old name that two pools claim to the first alone", () => {
  const index = indexOf(pool("one", "10.0.0.0/24", "Old"), pool("two", "10.0.1.0/24", "Old"));
  expect(index.named("Old")?.pool.name).toBe("one");
});
