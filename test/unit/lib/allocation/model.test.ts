/** Random histories against the oracle: no address twice, none lost, a held address stays, and order does not matter. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { countPools } from "../../../../lib/allocation/counters";
import type { ServiceView } from "../../../../lib/allocation/service";
import type { Pool } from "../../../../lib/config/configuration";
import { parseIpAddress } from "../../../../lib/net/ip-address";
import { rangeContains } from "../../../../lib/net/ip-prefix";
import { DUAL, pool, service, TestCluster, V4, V6 } from "../../../support/services";
import { illegalities, maySit, obviousChoice, type World } from "./oracle";

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

const pools = fc
  .tuple(somePool("P", 1), somePool("Q", 2), somePool("R", 3), fc.nat())
  .map(([P, Q, R, turn]) => [[P, Q, R], [R, P], [Q, R, P], [Q]][turn % 4] ?? [P]);

const shape = fc.record({
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

function toService(given: Shape): ServiceView {
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

function ipsOf(view: ServiceView | undefined): string[] {
  return (view?.ingress ?? []).flatMap(entry => entry.ip ?? []);
}

/** What must hold whenever everything has settled. */
function checkSettled(cluster: TestCluster, world: World): void {
  for (const view of world.services) {
    const ips = ipsOf(view);
    if (ips.length > 0) {
      expect(illegalities(world, view, ips), `${view.key} on ${ips.join()}`).toEqual([]);
      continue;
    }
    expect(obviousChoice(world, view), `${view.key} waits`).toBeUndefined();
  }
  for (const counters of countPools(cluster.allocator.book)) {
    const source = world.pools.find(candidate => candidate.name === counters.pool);
    const used = new Set(world.services.flatMap(ipsOf).filter(ip => isIn(source, ip)));
    expect(counters.total.assigned).toBe(BigInt(used.size));
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

  constructor(initial: readonly Pool[]) {
    this.loaded = initial;
    this.cluster = new TestCluster(initial);
  }

  world(): World {
    return { pools: this.loaded, services: [...this.cluster.services.values()] };
  }

  run(current: Step): void {
    const before = new Map(this.cluster.services);
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
        this.cluster.restart();
        expect(new Map(this.cluster.services)).toEqual(before);
    }
  }

  private apply(view: ServiceView): void {
    const known = ipsOf(this.cluster.services.get(view.key));
    const expected = obviousChoice(this.world(), view);
    this.cluster.apply(view);
    if (known.length > 0) return;
    expect(ipsOf(this.cluster.services.get(view.key))).toEqual(expected ?? []);
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
    if (!isWaiting) expect(now.slice(0, had.length)).toEqual(had);
  }
}

/** Whether the Service asks for something, so that it may move when that becomes free. */
function obviousWish(view: ServiceView): boolean {
  return view.loadBalancerIp !== "" || "metallb.io/address-pool" in view.annotations;
}

test.prop([pools, fc.array(step, { maxLength: 30 })], { numRuns: 300 })(
  "no address twice, none lost, a held one stays",
  (initial, steps) => {
    const history = new History(initial);
    for (const current of steps) {
      history.run(current);
      checkSettled(history.cluster, history.world());
    }
    const { writes } = history.cluster.activity();
    // Why somebody waits may read differently by now, once.
    history.cluster.pass();
    const settled = history.cluster.activity();
    expect(settled.writes).toBe(writes);
    history.cluster.pass();
    expect(history.cluster.activity()).toEqual(settled);
  },
);

test.prop([pools, fc.array(shape, { maxLength: 12 }), fc.nat()], { numRuns: 200 })(
  "the order in which pools are listed and Services are read does not matter",
  (loaded, shapes, turn) => {
    const views = [
      ...new Map(shapes.map(given => [toService(given).key, toService(given)])).values(),
    ];
    const turned = (list: readonly Pool[]): Pool[] => {
      const at = list.length === 0 ? 0 : turn % list.length;
      return [...list.slice(at), ...list.slice(0, at)];
    };
    const results = [loaded, turned(loaded)].map((order, index) => {
      const cluster = new TestCluster(order);
      const read = index === 0 ? views : views.toReversed();
      for (const view of read) cluster.services.set(view.key, view);
      cluster.pass();
      return new Map(views.map(view => [view.key, ipsOf(cluster.services.get(view.key))]));
    });
    expect(results[1]).toEqual(results[0]);
  },
);

test.prop([shape, shape])("sharing is symmetric", (one, other) => {
  expect(maySit(toService(one), toService(other))).toBe(maySit(toService(other), toService(one)));
});
