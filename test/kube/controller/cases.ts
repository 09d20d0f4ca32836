/** Pools and keys of the acceptance cases, and what surrounds each case. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { World, type PoolSpec } from "./world";

export const A: PoolSpec = { name: "a", addresses: ["1.2.3.0/31"] };
export const B: PoolSpec = { name: "b", addresses: ["3.4.5.6/32"], autoAssign: false };
export const C: PoolSpec = { name: "c", addresses: ["1000::/127"] };
export const D: PoolSpec = { name: "d", addresses: ["2000::1/128"], autoAssign: false };
export const E: PoolSpec = { name: "e", addresses: ["5.5.5.0/31", "1001::/127"] };
export const S: PoolSpec = { name: "s", addresses: ["9.9.9.9/32"] };
export const ALL = [A, B, C, D, E];

export const LB_IPS = "metallb.io/loadBalancerIPs";
export const POOL = "metallb.io/address-pool";
export const SHARE = "metallb.io/allow-shared-ip";

export type Case = (
  title: string,
  pools: readonly PoolSpec[],
  run: (w: World) => Promise<void>,
) => void;

/**
 * Registers cases on one API server and controller. Each begins with its pools and without Services; at its end every Service is
 * touched, and the controller must neither write nor tell anything.
 */
export function kubeCases(): Case {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.end());
  return (title, pools, run) =>
    it(title, async () => {
      await world.clear();
      await world.load(pools);
      await run(world);
      expect(await world.secondReconcile()).toEqual([]);
    });
}
