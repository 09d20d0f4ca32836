/** Pools and keys of the acceptance cases, and a fresh cluster per case in which a second pass must do nothing. */
import { afterEach, expect } from "vitest";
import type { Pool } from "../../../../lib/config/configuration";
import { pool, TestCluster } from "../../../support/services";

export const A = pool("A", ["1.2.3.0/31"]);
export const B = pool("B", ["3.4.5.6/32"], { autoAssign: false });
export const C = pool("C", ["1000::/127"]);
export const D = pool("D", ["2000::1/128"], { autoAssign: false });
export const E = pool("E", ["5.5.5.0/31", "1001::/127"]);
export const S = pool("S", ["9.9.9.9/32"]);
export const ALL = [A, B, C, D, E];

export const LB_IPS = "metallb.io/loadBalancerIPs";
export const POOL = "metallb.io/address-pool";
export const SHARE = "metallb.io/allow-shared-ip";

export type World = (pools: readonly Pool[], options?: { lbClass?: string }) => TestCluster;

/** Makes the cluster of a case; after the case, passes over the last one must write nothing and tell nothing. */
export function settledWorlds(): World {
  let cluster: TestCluster | undefined;
  afterEach(() => {
    const before = cluster?.activity();
    cluster?.pass();
    cluster?.pass();
    expect(cluster?.activity()).toEqual(before);
    cluster = undefined;
  });
  return (pools, options = {}) => {
    cluster = new TestCluster(pools, options);
    return cluster;
  };
}
