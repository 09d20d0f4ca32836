/** Words for why a Service has no address: pool by pool, so that the user sees which one to enlarge, open or ask for. */
import { quote } from "../config/problem";
import {
  compareAddresses,
  formatIpAddress,
  type IpAddress,
  type IpFamily,
} from "../net/ip-address";
import type { AddressBook } from "./address-book";
import type { PoolUse } from "./pool-index";
import { claimOf, type ServiceFamily, type ServiceView } from "./service";
import type { Conflict } from "./sharing";
import { familyName } from "./text";

/** Pools named in one message; the rest is only counted. */
const POOLS_NAMED_MAX = 12;

/** Other Services named in one message. */
const SERVICES_NAMED_MAX = 3;

/** Why the address cannot be had or kept beside those who hold it; `holders` is how the text calls them. */
export function conflictText(
  conflict: Conflict,
  on: { readonly address: IpAddress; readonly holders: string },
): string {
  const address = formatIpAddress(on.address);
  const { holders } = on;
  switch (conflict.type) {
    case "not-shared":
      return `${address} is in use by ${holders}, and not both have the same allow-shared-ip key`;
    case "sharing-key":
      return `${address} is in use by ${holders} with another allow-shared-ip key`;
    case "backend":
      return `${address} is shared with ${holders}, whose externalTrafficPolicy or, with Local, pod selector differs`;
    case "namespace":
      return `${address} is in use by ${holders} of another namespace, its pool shares within a namespace, and not both name the other's namespace in the annotation metallb.io/allow-shared-ip-namespaces`;
    case "port":
      return `port ${conflict.port} of ${address} is in use by ${holders}`;
  }
}

/** Why automatic allocation found nothing: every pool that has addresses of the family, by name. */
export function explainAutomatic(
  book: AddressBook,
  service: ServiceView,
  family: ServiceFamily,
): string {
  const all = book.pools.pools;
  if (all.length === 0) return "no available IPs: there is no IPAddressPool";
  const pools = all.filter(use => familiesOf(family).some(one => use[one].space.capacity > 0n));
  if (pools.length === 0)
    return `no available IPs: no IPAddressPool has ${wordsFor(family)} addresses`;
  const reasons = pools
    .slice(0, POOLS_NAMED_MAX)
    .map(pool => explainUnused(book, service, { pool, family }));
  if (pools.length > POOLS_NAMED_MAX) reasons.push(`${pools.length - POOLS_NAMED_MAX} more pools`);
  return `no available IPs: ${reasons.join("; ")}`;
}

/** `pool "A" is full`: why the pool has nothing for a Service that may use it. */
export function explainPool(
  book: AddressBook,
  service: ServiceView,
  on: { readonly pool: PoolUse; readonly family: ServiceFamily },
): string {
  const name = `pool ${quote(on.pool.pool.name)}`;
  const missing = missingFamilies(service, on);
  if (missing.length > 0)
    return `${name} has no ${missing.map(familyName).join(" and no ")} addresses`;
  if (isAtLimit(book, service, on.pool)) return limitText(service, on.pool);
  return `${name} is full${fullFamily(book, service, on)}${sharingText(book, service, on.pool)}`;
}

/** The namespace has as many addresses of the pool as one may have. */
function isAtLimit(book: AddressBook, service: ServiceView, use: PoolUse): boolean {
  const limit = use.pool.maxAddressesPerNamespace;
  return limit !== undefined && book.namespaceUse(claimOf(service), use, []).then >= limit;
}

export function limitText(service: ServiceView, use: PoolUse): string {
  const limit = use.pool.maxAddressesPerNamespace ?? 0;
  return `pool ${quote(use.pool.name)} gives a namespace at most ${limit} ${limit === 1 ? "address" : "addresses"} (maxAddressesPerNamespace), which ${quote(service.namespace)} has`;
}

/** The first reason, in the order in which a user would have to remove them. */
function explainUnused(
  book: AddressBook,
  service: ServiceView,
  on: { readonly pool: PoolUse; readonly family: ServiceFamily },
): string {
  const name = `pool ${quote(on.pool.pool.name)}`;
  if (missingFamilies(service, on).length > 0) return explainPool(book, service, on);
  if (!on.pool.pool.autoAssign) return `${name} has autoAssign off`;
  if (!book.pools.admits(on.pool, service)) {
    return `${name} does not admit the Service's namespace or labels (serviceAllocation)`;
  }
  return explainPool(book, service, on);
}

/** Families that the Service cannot do without and the pool does not have. */
function missingFamilies(
  service: ServiceView,
  on: { readonly pool: PoolUse; readonly family: ServiceFamily },
): readonly IpFamily[] {
  const families = familiesOf(on.family);
  const missing = families.filter(family => on.pool[family].space.capacity === 0n);
  const isEnough = service.ipFamilyPolicy === "PreferDualStack" && missing.length < families.length;
  return isEnough ? [] : missing;
}

/** For two families: which of them is used up. */
function fullFamily(
  book: AddressBook,
  service: ServiceView,
  on: { readonly pool: PoolUse; readonly family: ServiceFamily },
): string {
  if (on.family !== "dual") return "";
  const full = familiesOf(on.family).filter(family =>
    isUsedUp(book, service, { pool: on.pool, family }),
  );
  return full.length === 1 ? ` (${full.map(familyName).join()})` : "";
}

/** What the Service holds itself counts as free, as it does in choosing: so the words do not depend on what it is about to lose. */
function isUsedUp(
  book: AddressBook,
  service: ServiceView,
  on: { readonly pool: PoolUse; readonly family: IpFamily },
): boolean {
  const { space, free } = on.pool[on.family];
  if (space.capacity === 0n) return false;
  if (free.next() !== undefined || free.nextReserved() !== undefined) return false;
  const own = book.bookingOf(service.key)?.addresses ?? [];
  return !own.some(
    address => address.family === on.family && space.ordinalOf(address.value) !== undefined,
  );
}

/** With a sharing key: why the lowest address of that key in the pool does not do. */
function sharingText(book: AddressBook, service: ServiceView, pool: PoolUse): string {
  const claim = claimOf(service);
  const own = [...book.sharedBy(claim.sharingKey)]
    .filter(use => use.place?.pool === pool)
    .sort((left, right) => compareAddresses(left.address, right.address));
  for (const { address } of own) {
    const conflict = book.conflictOf(claim, address);
    if (conflict !== undefined) {
      return `, and ${conflictText(conflict, { address, holders: SOMEBODY })}`;
    }
  }
  return "";
}

/**
 * How a message calls the others on an address. They are named only to a Service that is on the address with them: who they are is
 * none of anybody else's business.
 */
export function nameHolders(
  book: AddressBook,
  address: IpAddress,
  key: string,
  conflict: Conflict,
): string {
  return book.usersOf(address).includes(key) ? nameServices(conflict.others) : SOMEBODY;
}

const SOMEBODY = "another Service";

function nameServices(keys: readonly string[]): string {
  const named = keys.slice(0, SERVICES_NAMED_MAX).map(quote).join(", ");
  const more = keys.length - SERVICES_NAMED_MAX;
  return more > 0 ? `${named} and ${more} more` : named;
}

function familiesOf(family: ServiceFamily): readonly IpFamily[] {
  return family === "dual" ? ["ipv4", "ipv6"] : [family];
}

function wordsFor(family: ServiceFamily): string {
  return familiesOf(family).map(familyName).join(" or ");
}
