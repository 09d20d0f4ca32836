/**
 * Random histories of Services, pools and restarts, each step held against the oracle: no address twice, none lost, a held one
 * stays, and whoever waits waits rightly. Short runs belong to the unit tests, the long one is allocation-long.ts.
 */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { countPools } from "../../lib/allocation/counters";
import type { ServiceView } from "../../lib/allocation/service";
import type { Pool } from "../../lib/config/configuration";
import { parseIpAddress } from "../../lib/net/ip-address";
import { rangeContains } from "../../lib/net/ip-prefix";
import { DUAL, pool, service, TestCluster, V4, V6 } from "../support/services";
import { illegalities, obviousChoice, type World } from "../unit/lib/allocation/oracle";

const names = ["a", "b", "c", "d", "e", "f"];

/** Each name has its ranges, so that no two pools of a set overlap. */
const somePool = (name: string, third: number): fc.Arbitrary<Pool> =>
  fc
    .record({
      addresses: fc.subarray(
        [`10.0.${third}.0/31`, `10.0.${third}.254-10.0.${third}.255`, `fd00:${third}::/127`],
        { minLength: 1 },
      ),
      autoAssign: fc.boolean(),
      avoidBuggyIps: fc.boolean(),
      serviceAllocation: fc.option(
        fc.record({
          priority: fc.integer({ min: -1, max: 2 }),
          namespaces: fc.subarray(["ns1", "ns2"]),
        }),
        { nil: undefined },
      ),
    })
    .map(({ addresses, serviceAllocation, ...rest }) =>
      pool(name, addresses, {
        ...rest,
        ...(serviceAllocation === undefined ? {} : { serviceAllocation }),
      }),
    );

/** Up to three pools. */
export const pools = fc
  .tuple(somePool("P", 1), somePool("Q", 2), somePool("R", 3), fc.nat())
  .map(([P, Q, R, turn]) => [[P, Q, R], [R, P], [Q, R, P], [Q]][turn % 4] ?? [P]);

/** A Service as a user might have it. */
export const shape = fc.record({
  name: fc.constantFrom(...names),
  namespace: fc.constantFrom("ns1", "ns2"),
  family: fc.constantFrom(
    { clusterIps: V4, ipFamilyPolicy: "SingleStack" },
    { clusterIps: V4, ipFamilyPolicy: "PreferDualStack" },
    { clusterIps: V6, ipFamilyPolicy: "SingleStack" },
    { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack" },
    { clusterIps: DUAL, ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv6", "IPv4"] },
    { clusterIps: DUAL, ipFamilyPolicy: "RequireDualStack" },
  ),
  ports: fc.subarray(["TCP/80", "TCP/81", "UDP/80"], { minLength: 1 }),
  key: fc.constantFrom("", "", "k", "l"),
  traffic: fc.constantFrom("Cluster", "Local"),
  app: fc.constantFrom("x", "y"),
  pool: fc.constantFrom("", "", "", "P", "Q", "none"),
  address: fc.constantFrom("", "", "", "10.0.1.0", "10.0.2.254", "fd00:1::1"),
});

const step = fc.oneof(
  { weight: 6, arbitrary: shape.map(given => ({ do: "apply", given }) as const) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), given: shape }) },
  { weight: 1, arbitrary: pools.map(given => ({ do: "load", given }) as const) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" } as const) },
);

type Shape = typeof shape extends fc.Arbitrary<infer Value> ? Value : never;

export function toService(given: Shape): ServiceView {
  return service(given.name, {
    namespace: given.namespace,
    ...given.family,
    ports: given.ports,
    externalTrafficPolicy: given.traffic,
    selector: { app: given.app },
    loadBalancerIp: given.address,
    annotations: {
      ...(given.key === "" ? {} : { "metallb.io/allow-shared-ip": given.key }),
      ...(given.pool === "" ? {} : { "metallb.io/address-pool": given.pool }),
    },
  });
}

export function ipsOf(view: ServiceView | undefined): string[] {
  return (view?.ingress ?? []).flatMap(entry => entry.ip ?? []);
}

/** Without pools nothing is written on a Service that has nothing. */
function hasTold(cluster: TestCluster, view: ServiceView): boolean {
  return cluster.allocator.book.pools.pools.length > 0 && view.type === "LoadBalancer";
}

/** What must hold whenever everything has settled. */
function checkSettled(cluster: TestCluster, world: World): void {
  for (const view of world.services) {
    const ips = ipsOf(view);
    if (ips.length > 0) {
      deepStrictEqual(illegalities(world, view, ips), [], `${view.key} on ${ips.join()}`);
      continue;
    }
    strictEqual(obviousChoice(world, view), undefined, `${view.key} waits`);
    strictEqual(view.pending !== undefined, hasTold(cluster, view), `condition of ${view.key}`);
  }
  for (const counters of countPools(cluster.allocator.book)) {
    const source = world.pools.find(candidate => candidate.name === counters.pool);
    const used = new Set(world.services.flatMap(ipsOf).filter(ip => isIn(source, ip)));
    strictEqual(counters.total.assigned, BigInt(used.size));
  }
}

function isIn(source: Pool | undefined, ip: string): boolean {
  const address = parseIpAddress(ip);
  return (
    address.ok && (source?.entries ?? []).some(entry => rangeContains(entry.range, address.value))
  );
}

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A cluster, and what is loaded in it. */
class History {
  readonly cluster: TestCluster;
  private loaded: readonly Pool[];

  private readonly reservationMs: number;

  constructor(initial: readonly Pool[], reservationMs: number) {
    this.loaded = initial;
    this.reservationMs = reservationMs;
    this.cluster = new TestCluster(initial, { reservationMs });
  }

  world(): World {
    return { pools: this.loaded, services: [...this.cluster.services.values()] };
  }

  run(current: Step): void {
    const before = new Map(this.cluster.services);
    this.cluster.nowMs += 1;
    switch (current.do) {
      case "apply":
        this.apply(toService(current.given));
        checkOthers(before, this.cluster, toService(current.given).key);
        break;
      case "delete":
        this.cluster.delete(toService(current.given).key);
        checkOthers(before, this.cluster, "");
        break;
      case "load":
        this.loaded = current.given;
        this.cluster.load(this.loaded);
        break;
      case "restart":
        this.restart();
    }
  }

  private restart(): void {
    // Nobody plans a Service that waits only because the words for it have changed: the restart would.
    this.cluster.pass();
    const before = new Map(this.cluster.services);
    this.cluster.restart();
    deepStrictEqual(new Map(this.cluster.services), before);
  }

  private apply(view: ServiceView): void {
    const known = ipsOf(this.cluster.services.get(view.key));
    const expected = obviousChoice(this.world(), view);
    this.cluster.apply(view);
    if (known.length > 0) return;
    // What is kept for Services that are gone is not the oracle's business.
    if (this.reservationMs === 0) {
      deepStrictEqual(ipsOf(this.cluster.services.get(view.key)), expected ?? []);
    }
  }
}

/** The others keep what they have; PreferDualStack may gain a second address. */
function checkOthers(
  before: ReadonlyMap<string, ServiceView>,
  cluster: TestCluster,
  changed: string,
): void {
  for (const [key, view] of before) {
    const had = ipsOf(view);
    if (key === changed || had.length === 0 || !cluster.services.has(key)) continue;
    const now = ipsOf(cluster.services.get(key));
    // A wish that could not be met before may be met now: then the Service moves.
    const isWaiting = obviousWish(view);
    if (!isWaiting) deepStrictEqual(now.slice(0, had.length), had);
  }
}

/** Whether the Service asks for something, so that it may move when that becomes free. */
function obviousWish(view: ServiceView): boolean {
  return view.loadBalancerIp !== "" || "metallb.io/address-pool" in view.annotations;
}

/** Everything of one history: where it begins, what happens, and for how many steps the address of a deleted Service is kept. */
export const history = fc.record({
  initial: pools,
  steps: fc.array(step, { maxLength: 30 }),
  reservationMs: fc.constantFrom(0, 0, 3, 1_000),
});

/** Runs a history; throws at the first step after which something is wrong. */
export function checkHistory(
  given: typeof history extends fc.Arbitrary<infer Value> ? Value : never,
): void {
  const running = new History(given.initial, given.reservationMs);
  for (const current of given.steps) {
    running.run(current);
    checkSettled(running.cluster, running.world());
  }
  // Why somebody waits may read differently by now, once.
  running.cluster.pass();
  const settled = running.cluster.activity();
  running.cluster.pass();
  deepStrictEqual(running.cluster.activity(), settled);
}
