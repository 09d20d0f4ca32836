/**
 * Which addresses a Service gets: those it asks for, else the first usable of the pool it asks for, else the first usable of
 * the pinned pools that admit it, else of the open pools. Reads the book, changes nothing. What the Service holds itself
 * counts as free.
 */
import { quote } from "../config/problem";
import { formatIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import { err, ok, type Result } from "../net/result";
import type { AddressBook } from "./address-book";
import type { AddressPlace, PoolUse } from "./pool-index";
import { conflictText, explainAutomatic, explainPool, nameHolders } from "./refusals";
import type { AddressRequest } from "./request";
import {
  claimOf,
  familyOf,
  primaryFamily,
  serviceFamily,
  type Claim,
  type ServiceFamily,
  type ServiceView,
} from "./service";
import { addressList, cutMessage, familyName } from "./text";

export interface Choice {
  readonly pool: string;
  /** In the order to be written: as requested, else IPv4 first. */
  readonly addresses: readonly IpAddress[];
}

/** Why there is no address: a clause for an event, saying which pools were looked at and what each lacks. */
export interface Refusal {
  readonly message: string;
}

/** Chooses without booking. */
export function chooseAddresses(
  book: AddressBook,
  service: ServiceView,
  request: AddressRequest,
): Result<Choice, Refusal> {
  const family = serviceFamily(service);
  if (family === undefined)
    return refuse(
      `cluster IPs ${list(service.clusterIps)} are not one address, or one of each family`,
    );
  if (request.addresses.length > 0) return chooseRequested(book, service, { request, family });
  if (family === "dual" && !isDualPolicy(service.ipFamilyPolicy)) {
    return refuse(`ipFamilyPolicy ${quote(service.ipFamilyPolicy)} with two cluster IPs`);
  }
  if (request.pool !== undefined)
    return chooseFromPool(book, service, { name: request.pool, family });
  return chooseAutomatic(book, service, family);
}

/** The lowest address of the family that the claim can use in the pool: unused, its own, or shareable. */
export function lowestUsable(
  book: AddressBook,
  claim: Claim,
  place: { readonly pool: PoolUse; readonly family: IpFamily },
): IpAddress | undefined {
  const { space, free } = place.pool[place.family];
  let lowest = free.lowest();
  const consider = (address: IpAddress): void => {
    if (address.family !== place.family) return;
    const ordinal = space.ordinalOf(address.value);
    if (ordinal === undefined || (lowest !== undefined && lowest <= ordinal)) return;
    if (book.conflictOf(claim, address) === undefined) lowest = ordinal;
  };
  for (const address of book.bookingOf(claim.key)?.addresses ?? []) consider(address);
  for (const use of book.sharedBy(claim.sharingKey)) consider(use.address);
  const value = lowest === undefined ? undefined : space.addressAt(lowest);
  return value === undefined ? undefined : { family: place.family, value };
}

/** Why the addresses may not be the Service's, whoever asks for them; undefined when they may, with the pool they are of. */
export function checkAddresses(
  book: AddressBook,
  service: ServiceView,
  addresses: readonly IpAddress[],
): Result<PoolUse, Refusal> {
  let pool: PoolUse | undefined;
  for (const address of addresses) {
    const place = book.pools.locate(address);
    const problem = placeProblem(address, place, pool);
    if (problem !== undefined) return refuse(problem);
    pool = place?.pool;
  }
  if (pool === undefined) return refuse("there is no address");
  if (!book.pools.admits(pool, service)) return refuse(notAdmitted(pool));
  const claim = claimOf(service);
  for (const address of addresses) {
    const conflict = book.conflictOf(claim, address);
    if (conflict === undefined) continue;
    const holders = nameHolders(book, address, service.key, conflict);
    return refuse(conflictText(conflict, { address, holders }));
  }
  return ok(pool);
}

function placeProblem(
  address: IpAddress,
  place: AddressPlace | undefined,
  before: PoolUse | undefined,
): string | undefined {
  const text = formatIpAddress(address);
  if (place === undefined) return `${text} is in no IPAddressPool`;
  const name = quote(place.pool.pool.name);
  if (place.ordinal === undefined) return `pool ${name} avoids ${text} (avoidBuggyIPs)`;
  if (before !== undefined && before !== place.pool) {
    return `${text} is in pool ${name}, the other address in pool ${quote(before.pool.name)}; both must be of one pool`;
  }
  return undefined;
}

function notAdmitted(use: PoolUse): string {
  return `the serviceAllocation of pool ${quote(use.pool.name)} does not admit the Service's namespace or labels`;
}

function chooseRequested(
  book: AddressBook,
  service: ServiceView,
  wanted: { readonly request: AddressRequest; readonly family: ServiceFamily },
): Result<Choice, Refusal> {
  const { addresses, pool: poolName } = wanted.request;
  if (familyOf(addresses) !== wanted.family) {
    return refuse(
      `requested ${addressList(addresses)}, but the Service's family is ${describeFamily(wanted.family)} (cluster IPs ${list(service.clusterIps)})`,
    );
  }
  if (poolName !== undefined && book.pools.named(poolName) === undefined)
    return refuse(unknownPool(poolName));
  const outside =
    poolName === undefined
      ? undefined
      : addresses.find(address => book.pools.locate(address)?.pool.pool.name !== poolName);
  if (outside !== undefined) {
    return refuse(
      `requested ${formatIpAddress(outside)} is not in the requested pool ${quote(poolName ?? "")}`,
    );
  }
  const checked = checkAddresses(book, service, addresses);
  if (!checked.ok) return refuse(`requested ${addressList(addresses)}: ${checked.error.message}`);
  return ok({ pool: checked.value.pool.name, addresses });
}

function chooseFromPool(
  book: AddressBook,
  service: ServiceView,
  wanted: { readonly name: string; readonly family: ServiceFamily },
): Result<Choice, Refusal> {
  const pool = book.pools.named(wanted.name);
  if (pool === undefined) return refuse(unknownPool(wanted.name));
  if (!book.pools.admits(pool, service)) return refuse(notAdmitted(pool));
  const choice = firstOf(book, claimOf(service), {
    pools: [pool],
    attempts: attemptsFor(service, wanted.family),
  });
  return choice === undefined
    ? refuse(`requested ${explainPool(book, service, { pool, family: wanted.family })}`)
    : ok(choice);
}

function chooseAutomatic(
  book: AddressBook,
  service: ServiceView,
  family: ServiceFamily,
): Result<Choice, Refusal> {
  const claim = claimOf(service);
  const attempts = attemptsFor(service, family);
  for (const group of book.pools.groups) {
    const pools = group.filter(use => book.pools.admits(use, service));
    const choice = firstOf(book, claim, { pools, attempts });
    if (choice !== undefined) return ok(choice);
  }
  return refuse(explainAutomatic(book, service, family));
}

/** The first attempt that some pool satisfies, the pools in order. */
function firstOf(
  book: AddressBook,
  claim: Claim,
  wanted: {
    readonly pools: readonly PoolUse[];
    readonly attempts: readonly (readonly IpFamily[])[];
  },
): Choice | undefined {
  for (const families of wanted.attempts) {
    for (const pool of wanted.pools) {
      const addresses = families.map(family => lowestUsable(book, claim, { pool, family }));
      if (isComplete(addresses)) return { pool: pool.pool.name, addresses };
    }
  }
  return undefined;
}

function isComplete<Element>(list: readonly (Element | undefined)[]): list is readonly Element[] {
  return !list.includes(undefined);
}

/** What would do, best first: PreferDualStack is content with one address of the primary family, then of the other. */
function attemptsFor(
  service: ServiceView,
  family: ServiceFamily,
): readonly (readonly IpFamily[])[] {
  if (family !== "dual") return [[family]];
  if (service.ipFamilyPolicy === "RequireDualStack") return [["ipv4", "ipv6"]];
  return primaryFamily(service) === "ipv4"
    ? [["ipv4", "ipv6"], ["ipv4"], ["ipv6"]]
    : [["ipv4", "ipv6"], ["ipv6"], ["ipv4"]];
}

function isDualPolicy(policy: string): boolean {
  return policy === "PreferDualStack" || policy === "RequireDualStack";
}

function unknownPool(name: string): string {
  return `there is no IPAddressPool ${quote(name)}, which the annotation address-pool asks for`;
}

function describeFamily(family: ServiceFamily): string {
  return family === "dual" ? "IPv4 and IPv6" : `${familyName(family)} alone`;
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? "(none)" : texts.map(quote).join(", ");
}

function refuse(message: string): Result<never, Refusal> {
  return err({ message: cutMessage(message) });
}
