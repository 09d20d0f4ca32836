/** The rules of allocation again, the slow and obvious way: every address is looked at, nothing is remembered. */
import {
  primaryFamily,
  requestAnnotation,
  type ServiceView,
} from "../../../../lib/allocation/service";
import type { Pool } from "../../../../lib/config/configuration";
import { formatIpAddress, parseIpAddress, type IpFamily } from "../../../../lib/net/ip-address";

export interface World {
  readonly pools: readonly Pool[];
  readonly services: readonly ServiceView[];
}

/** Addresses of the pool in the order of giving. */
function walk(pool: Pool, family: IpFamily): string[] {
  const texts: string[] = [];
  for (const { range } of pool.entries) {
    if (range.family !== family) continue;
    for (let value = range.first; value <= range.last; value += 1n) {
      const octet = value % 256n;
      const isAvoided = pool.avoidBuggyIps && family === "ipv4" && (octet === 0n || octet === 255n);
      if (!isAvoided) texts.push(formatIpAddress({ family, value }));
    }
  }
  return texts;
}

function sharingKey(service: ServiceView): string {
  return requestAnnotation(service, "allow-shared-ip") ?? "";
}

function backendKey(service: ServiceView): string {
  if (service.externalTrafficPolicy !== "Local") return "";
  const pairs = Object.entries(service.selector).map(([key, value]) => `${key}=${value}`);
  return pairs.sort().join(",");
}

/** Whether two Services may be on one address. */
export function maySit(one: ServiceView, other: ServiceView): boolean {
  return (
    sharingKey(one) !== "" &&
    sharingKey(one) === sharingKey(other) &&
    backendKey(one) === backendKey(other) &&
    !one.ports.some(port => other.ports.includes(port))
  );
}

function isUsable(world: World, service: ServiceView, address: string): boolean {
  return world.services
    .filter(other => other.key !== service.key)
    .filter(other => other.ingress.some(entry => entry.ip === address))
    .every(other => maySit(service, other));
}

function admits(pool: Pool, service: ServiceView): boolean {
  const pin = pool.serviceAllocation;
  if (pin === undefined) return true;
  const hasNamespaces = pin.namespaces.length + pin.namespaceSelectors.length > 0;
  return !hasNamespaces || pin.namespaces.includes(service.namespace);
}

/** Why this set may not be the Service's; empty when it may. */
export function illegalities(
  world: World,
  service: ServiceView,
  addresses: readonly string[],
): string[] {
  const homes = addresses.map(address =>
    world.pools.find(
      pool => walk(pool, "ipv4").includes(address) || walk(pool, "ipv6").includes(address),
    ),
  );
  const [home] = homes;
  const found: string[] = [];
  if (home === undefined || homes.some(other => other !== home)) found.push("not of one pool");
  else if (!admits(home, service)) found.push("not admitted");
  if (addresses.some(address => !isUsable(world, service, address))) found.push("conflict");
  return found;
}

function wanted(service: ServiceView): IpFamily[][] {
  if (service.clusterIps.length === 1)
    return [[service.clusterIps[0]?.includes(":") ? "ipv6" : "ipv4"]];
  if (service.ipFamilyPolicy === "RequireDualStack") return [["ipv4", "ipv6"]];
  const primary = primaryFamily(service);
  return [["ipv4", "ipv6"], [primary], [primary === "ipv4" ? "ipv6" : "ipv4"]];
}

/** The addresses that a Service without any gets; undefined: none. */
export function obviousChoice(world: World, service: ServiceView): string[] | undefined {
  const attempts = wanted(service);
  if (service.loadBalancerIp !== "") return obviousRequest(world, service, attempts);
  const tries = groups(world, service).flatMap(group =>
    attempts.flatMap(families =>
      group
        .filter(pool => admits(pool, service))
        .map(pool =>
          families.map(family =>
            walk(pool, family).find(address => isUsable(world, service, address)),
          ),
        ),
    ),
  );
  return tries.find((found): found is string[] => !found.includes(undefined));
}

function obviousRequest(
  world: World,
  service: ServiceView,
  attempts: IpFamily[][],
): string[] | undefined {
  const poolName = requestAnnotation(service, "address-pool") ?? "";
  const address = parseIpAddress(service.loadBalancerIp);
  if (!address.ok || attempts[0]?.length !== 1) return undefined;
  if (!attempts[0].includes(address.value.family)) return undefined;
  const text = formatIpAddress(address.value);
  const pools = world.pools.filter(pool => poolName === "" || pool.name === poolName);
  return illegalities({ ...world, pools }, service, [text]).length === 0 ? [text] : undefined;
}

/** The pool that is asked for, else the pinned ones by priority, then the open ones; by name where nothing else decides. */
function groups(world: World, service: ServiceView): Pool[][] {
  const poolName = requestAnnotation(service, "address-pool") ?? "";
  const byName = world.pools.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  if (poolName !== "") return [byName.filter(pool => pool.name === poolName)];
  const automatic = byName.filter(pool => pool.autoAssign);
  const rank = (pool: Pool): number => {
    const priority = pool.serviceAllocation?.priority ?? 0;
    return priority > 0 ? priority : 1_000;
  };
  const pinned = automatic.filter(pool => pool.serviceAllocation !== undefined);
  return [
    pinned.sort((left, right) => rank(left) - rank(right)),
    automatic.filter(pool => pool.serviceAllocation === undefined),
  ];
}
