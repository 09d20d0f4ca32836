/**
 * Which addresses a Service gets: those it asks for, else the first usable of the pool it asks for, else the first usable of
 * the pinned pools that admit it, else of the open pools. Reads the book, changes nothing. What the Service holds itself
 * counts as free.
 */
import { quote } from "../config/problem";
import { formatIpAddress, type IpAddress } from "../net/ip-address";
import { err, ok, type Result } from "../net/result";
import type { AddressBook } from "./address-book";
import { isNamed, type AddressPlace, type PoolUse } from "./pool-index";
import { isWithinLimit, pickFromPools, pickFromTiers, type Attempts, type Choice } from "./pick";
import { conflictText, explainAutomatic, explainPool, limitText, nameHolders } from "./refusals";
import type { AddressRequest } from "./request";
import {
  ALLOCATED_FROM_POOL,
  claimOf,
  familyOf,
  primaryFamily,
  requestAnnotation,
  serviceFamily,
  splitPoolNames,
  type ServiceFamily,
  type ServiceView,
} from "./service";
import { addressList, cutMessage, familyName, poolText } from "./text";

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
  if (request.pools.length > 0)
    return chooseFromPools(book, service, { names: request.pools, family });
  return chooseAutomatic(book, service, family);
}

/**
 * The pools of the addresses, when the Service may have them, whoever asks for them: they lie in one pool (or in the two that it
 * names), it is admitted, and it may share them with those who are there.
 */
export function checkAddresses(
  book: AddressBook,
  service: ServiceView,
  addresses: readonly IpAddress[],
): Result<readonly PoolUse[], Refusal> {
  const pools: PoolUse[] = [];
  for (const address of addresses) {
    const place = book.pools.locate(address);
    const problem = placeProblem(address, place, { service, before: pools[0] });
    if (problem !== undefined) return refuse(problem);
    if (place !== undefined && !pools.includes(place.pool)) pools.push(place.pool);
  }
  if (pools.length === 0) return refuse("there is no address");
  const closed = pools.find(pool => !book.pools.admits(pool, service));
  if (closed !== undefined) return refuse(notAdmitted(closed));
  const claim = claimOf(service);
  for (const address of addresses) {
    const conflict = book.conflictOf(claim, address);
    if (conflict === undefined) continue;
    const holders = nameHolders(book, address, service.key, conflict);
    return refuse(conflictText(conflict, { address, holders }));
  }
  return ok(pools);
}

function placeProblem(
  address: IpAddress,
  place: AddressPlace | undefined,
  beside: { readonly service: ServiceView; readonly before: PoolUse | undefined },
): string | undefined {
  const { service, before } = beside;
  const text = formatIpAddress(address);
  if (place === undefined) return `${text} is in no IPAddressPool`;
  const name = quote(place.pool.pool.name);
  if (place.ordinal === undefined) return `pool ${name} avoids ${text} (avoidBuggyIPs)`;
  if (before === undefined || before === place.pool) return undefined;
  if (namesBoth(service, [before, place.pool])) return undefined;
  return `${text} is in pool ${name}, the other address in pool ${quote(before.pool.name)}; both must be of one pool, or the annotation address-pool must name both pools`;
}

/** Whether the Service asks for an address of each of the pools, or has been given them so. */
function namesBoth(service: ServiceView, pools: readonly PoolUse[]): boolean {
  const texts = [
    requestAnnotation(service, "address-pool"),
    service.annotations[ALLOCATED_FROM_POOL],
  ];
  return texts.some(text => {
    const names = splitPoolNames(text ?? "");
    return pools.every(use => isNamed(use, names));
  });
}

function notAdmitted(use: PoolUse): string {
  return `the serviceAllocation of pool ${quote(use.pool.name)} does not admit the Service's namespace or labels`;
}

function chooseRequested(
  book: AddressBook,
  service: ServiceView,
  wanted: { readonly request: AddressRequest; readonly family: ServiceFamily },
): Result<Choice, Refusal> {
  const { addresses, pools: names } = wanted.request;
  if (familyOf(addresses) !== wanted.family) {
    return refuse(
      `requested ${addressList(addresses)}, but the Service's family is ${describeFamily(wanted.family)} (cluster IPs ${list(service.clusterIps)})`,
    );
  }
  const named = namedPools(book, names);
  if (!named.ok) return named;
  const outside =
    names.length === 0
      ? undefined
      : addresses.find(address => !isIn(named.value, book.pools.locate(address)?.pool));
  if (outside !== undefined) {
    return refuse(
      `requested ${formatIpAddress(outside)} is not in the requested pool ${names.map(quote).join(" or ")}`,
    );
  }
  const checked = checkAddresses(book, service, addresses);
  if (!checked.ok) return refuse(`requested ${addressList(addresses)}: ${checked.error.message}`);
  const limited = overLimit(book, service, { pools: checked.value, addresses });
  if (limited !== undefined) {
    return refuse(`requested ${addressList(addresses)}: ${limitText(service, limited)}`);
  }
  return ok({ pool: poolText(checked.value), addresses });
}

function isIn(pools: readonly PoolUse[], pool: PoolUse | undefined): boolean {
  return pool !== undefined && pools.includes(pool);
}

/** The first pool of which the namespace would hold too many addresses. */
function overLimit(
  book: AddressBook,
  service: ServiceView,
  on: { readonly pools: readonly PoolUse[]; readonly addresses: readonly IpAddress[] },
): PoolUse | undefined {
  const claim = claimOf(service);
  const { addresses } = on;
  return on.pools.find(pool => !isWithinLimit(book, claim, { pool, addresses }));
}

/** The pools with these names; a wrong name is refused. */
export function namedPools(
  book: AddressBook,
  names: readonly string[],
): Result<readonly PoolUse[], Refusal> {
  const pools: PoolUse[] = [];
  for (const name of names) {
    const pool = book.pools.named(name);
    if (pool === undefined) return refuse(unknownPool(name));
    pools.push(pool);
  }
  return ok(pools);
}

function chooseFromPools(
  book: AddressBook,
  service: ServiceView,
  wanted: { readonly names: readonly string[]; readonly family: ServiceFamily },
): Result<Choice, Refusal> {
  const { family } = wanted;
  const named = namedPools(book, wanted.names);
  if (!named.ok) return named;
  const pools = named.value.filter(pool => book.pools.admits(pool, service));
  const [closed] = named.value;
  if (pools.length === 0 && closed !== undefined) return refuse(notAdmitted(closed));
  const attempts = attemptsFor(service, family);
  const choice = pickFromPools(book, claimOf(service), { pools, attempts });
  if (choice === undefined) {
    const reasons = pools.map(pool => explainPool(book, service, { pool, family }));
    return refuse(`requested ${reasons.join("; ")}`);
  }
  return ok(preferReserved(book, service, { choice, mayUse: pool => pools.includes(pool) }));
}

function chooseAutomatic(
  book: AddressBook,
  service: ServiceView,
  family: ServiceFamily,
): Result<Choice, Refusal> {
  const claim = claimOf(service);
  const attempts = attemptsFor(service, family);
  for (const group of book.pools.groups) {
    const tiers = group.map(tier => tier.filter(use => book.pools.admits(use, service)));
    const choice = pickFromTiers(book, claim, { tiers, attempts });
    if (choice === undefined) continue;
    return ok(preferReserved(book, service, { choice, mayUse: use => use.pool.autoAssign }));
  }
  return refuse(explainAutomatic(book, service, family));
}

/** What was kept for the Service since it was deleted, when that is as much as the choice and still to be had. */
function preferReserved(
  book: AddressBook,
  service: ServiceView,
  given: { readonly choice: Choice; readonly mayUse: (pool: PoolUse) => boolean },
): Choice {
  const { choice, mayUse } = given;
  const kept = book.reservationOf(service.key)?.addresses;
  if (kept === undefined) return choice;
  const addresses = choice.addresses.flatMap(({ family }) =>
    kept.filter(address => address.family === family),
  );
  if (addresses.length < choice.addresses.length) return choice;
  const checked = checkAddresses(book, service, addresses);
  if (!checked.ok || !checked.value.every(mayUse)) return choice;
  const limited = overLimit(book, service, { pools: checked.value, addresses });
  return limited === undefined ? { pool: poolText(checked.value), addresses } : choice;
}

/** What would do, best first: PreferDualStack is content with one address of the primary family, then of the other. */
function attemptsFor(service: ServiceView, family: ServiceFamily): Attempts {
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
