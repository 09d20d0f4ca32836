/**
 * What one Service is to have, decided from the book and the Service as it is (MetalLB's order of checks): first whether it is
 * ours at all, then whether it may keep what it holds, then whether what it holds is what it asks for, and only then which
 * address it gets. A wish that cannot be met never costs the address the Service has.
 */
import { quote } from "../config/problem";
import { formatIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import type { AddressBook } from "./address-book";
import { chooseAddresses, namedPools } from "./choose";
import { ingressAddresses, judgeHeld, type Held } from "./held";
import type { EventReason, PlanStep, Report, ServicePlan, WrittenState } from "./plan";
import { firstUsable, isSameSet, type Choice } from "./pick";
import { isNamed, type PoolUse } from "./pool-index";
import { explainPool } from "./refusals";
import { parseRequest, type AddressRequest } from "./request";
import {
  ALLOCATED_FROM_POOL,
  claimOf,
  deprecatedAnnotations,
  isOurClass,
  parseAddresses,
  serviceFamily,
  type PendingCondition,
  type ServiceView,
} from "./service";
import { addressList, cutMessage, poolText } from "./text";

export interface PlanOptions {
  /** `--lb-class`; empty: Services without a class. */
  readonly lbClass: string;
}

/**
 * Plans for a Service that exists. Reads the book and changes nothing: `applyPlan` does. Planning again for the Service as the
 * plan leaves it gives a plan without write.
 */
export function planService(
  book: AddressBook,
  service: ServiceView,
  options: PlanOptions,
): ServicePlan {
  const isBooked = book.bookingOf(service.key) !== undefined;
  const isLoadBalancer = service.type === "LoadBalancer";
  if (!isOurClass(service, options.lbClass) && (isLoadBalancer || !isBooked)) {
    return new Draft(book, service).letGo();
  }
  const draft = new Draft(book, service);
  if (!isLoadBalancer) return draft.clear(`the Service's type is ${service.type}`);
  if (book.pools.pools.length === 0) return withoutPools(draft);
  if (service.clusterIps.length === 0) return draft.clear("the Service has no cluster IP");
  if (service.ipFamilyPolicy === "RequireDualStack" && service.clusterIps.length < 2) {
    const cause = `has ipFamilyPolicy RequireDualStack but only the cluster IP ${service.clusterIps.join(", ")}`;
    return draft.refuse(
      { reason: "NotEnoughClusterIPs", message: `The Service ${cause}.` },
      { reason: "not enough clusterips", message: `${subject(service)} ${cause}` },
    );
  }
  return planAddresses(draft, judgeHeld(book, service));
}

/** Plans for a Service that is gone. */
export function planDeletion(book: AddressBook, key: string): ServicePlan {
  const booked = book.bookingOf(key);
  const steps: PlanStep[] =
    booked === undefined
      ? []
      : [{ type: "release", addresses: booked.addresses, reason: "the Service was deleted" }];
  return { key, booking: undefined, steps, isWaiting: false };
}

/** Does to the book what the plan says. Returns whether that may help a Service that waits. */
export function applyPlan(book: AddressBook, plan: ServicePlan): boolean {
  if (plan.booking === undefined) return book.release(plan.key);
  return book.book(plan.booking);
}

/**
 * Books what the Service holds by right and nothing else: the first phase of a start, before any address is given. Services in
 * `comparePassOrder`, so that of two that hold one address the same one keeps it each time.
 */
export function adoptHeld(book: AddressBook, service: ServiceView, options: PlanOptions): void {
  if (service.type !== "LoadBalancer" || !isOurClass(service, options.lbClass)) return;
  const held = judgeHeld(book, service);
  if (held.type === "kept") book.book({ claim: claimOf(service), addresses: held.addresses });
}

/** One plan in the making. */
class Draft {
  readonly steps: PlanStep[] = [];
  isWaiting = false;

  constructor(
    readonly book: AddressBook,
    readonly service: ServiceView,
  ) {}

  /** Not ours: frees what it had with us, touches nothing. */
  letGo(): ServicePlan {
    this.releaseBooked("the Service is of another class");
    return this.finish(undefined);
  }

  /** Takes away everything, whoever wrote it. `pending` says why the Service, which wants an address, has none. */
  clear(reason: string, pending?: PendingCondition): ServicePlan {
    this.releaseBooked(reason);
    this.write({ ingress: [], pool: undefined, pending });
    return this.finish(undefined);
  }

  /** As `clear`, and tells the user: an Event, and a condition with the same text. */
  refuse(pending: PendingCondition, event: { reason: EventReason; message: string }): ServicePlan {
    this.warn(event.reason, event.message);
    return this.clear(pending.message, { ...pending, message: cutMessage(pending.message) });
  }

  keep(addresses: readonly IpAddress[], pool: string): ServicePlan {
    this.steps.push({ type: "keep", addresses, pool });
    return this.settle(addresses, pool);
  }

  assign(choice: Choice): ServicePlan {
    this.steps.push({ type: "assign", addresses: choice.addresses, pool: choice.pool });
    this.announce(choice.addresses, choice.pool);
    return this.settle(choice.addresses, choice.pool);
  }

  announce(addresses: readonly IpAddress[], pool: string): void {
    const texts = `"${addresses.map(formatIpAddress).join('" "')}"`;
    this.report("occurrence", "IPAllocated", `Assigned IP [${texts}] from pool ${quote(pool)}`);
  }

  lose(addresses: readonly IpAddress[], reason: string): void {
    this.steps.push({ type: "release", addresses, reason });
    const message = `${subject(this.service)} loses ${addressList(addresses)}: ${reason}`;
    this.report("occurrence", "ClearAssignment", message);
  }

  warn(reason: EventReason, message: string): void {
    this.report("state", reason, message);
  }

  report(nature: Report["nature"], reason: EventReason, message: string): void {
    const type = NORMAL_REASONS.has(reason) ? "Normal" : "Warning";
    const report = { nature, type, reason, message: cutMessage(message) } as const;
    this.steps.push({ type: "report", report });
  }

  finish(addresses: readonly IpAddress[] | undefined): ServicePlan {
    const { key } = this.service;
    const booking =
      addresses === undefined ? undefined : { claim: claimOf(this.service), addresses };
    return { key, booking, steps: this.steps, isWaiting: this.isWaiting };
  }

  settle(addresses: readonly IpAddress[], pool: string): ServicePlan {
    const ingress = inWrittenOrder(this.service, addresses).map(formatIpAddress);
    this.write({ ingress, pool, pending: undefined });
    return this.finish(addresses);
  }

  private releaseBooked(reason: string): void {
    const booked = this.book.bookingOf(this.service.key);
    const isTold = this.steps.some(step => step.type === "release");
    if (booked === undefined || isTold) return;
    this.steps.push({ type: "release", addresses: booked.addresses, reason });
  }

  private write(wanted: WrittenState): void {
    if (isWritten(this.service, wanted)) return;
    this.steps.push({ type: "write", ...wanted });
    for (const key of deprecatedAnnotations(this.service)) {
      this.report(
        "notice",
        "deprecatedAnnotation",
        `annotation ${quote(key)} is deprecated: use the prefix metallb.io/`,
      );
    }
  }
}

const NORMAL_REASONS: ReadonlySet<EventReason> = new Set([
  "IPAllocated",
  "ClearAssignment",
  "AdditionalAssignFailed",
] as const);

/** With no pool at all only what this controller wrote is taken away: another one may serve the cluster. */
function withoutPools(draft: Draft): ServicePlan {
  const { book, service } = draft;
  const isOurs =
    Object.hasOwn(service.annotations, ALLOCATED_FROM_POOL) ||
    book.bookingOf(service.key) !== undefined;
  if (!isOurs && service.ingress.length > 0) return draft.finish(undefined);
  const held = parseAddresses(ingressAddresses(service)) ?? [];
  if (held.length > 0) draft.lose(held, NO_POOL);
  draft.isWaiting = true;
  draft.warn("AllocationFailed", `${failed(service)} no available IPs: ${NO_POOL}`);
  return draft.clear(NO_POOL);
}

const NO_POOL = "there is no IPAddressPool";

function planAddresses(draft: Draft, held: Held): ServicePlan {
  const { service } = draft;
  const request = parseRequest(service);
  if (held.type === "unclear") {
    const texts = held.texts.map(quote).join(", ");
    draft.report(
      "occurrence",
      "nolbIPsIPFamily",
      `${subject(service)} has ${texts} in its status, which is not one address, or one of each family`,
    );
  }
  if (held.type !== "none" && serviceFamily(service) === undefined) return stopUnclear(draft);
  if (held.type === "lost") draft.lose(held.addresses, held.reason);
  if (!request.ok) return planWrongRequest(draft, request.error.message, held);
  return held.type === "kept"
    ? planHeld(draft, request.value, held)
    : allocate(draft, request.value);
}

/** The request cannot be read: nothing is done for it, and nothing is lost for it. */
function planWrongRequest(draft: Draft, problem: string, held: Held): ServicePlan {
  const message = `${failed(draft.service)} ${problem}`;
  if (held.type === "kept") {
    draft.warn("LoadBalancerFailed", `${message}; it keeps ${addressList(held.addresses)}`);
    return draft.keep(held.addresses, poolText(held.pools));
  }
  if (held.type !== "none") draft.report("occurrence", "LoadBalancerFailed", message);
  return draft.refuse(
    { reason: "WrongRequest", message: problem },
    { reason: "AllocationFailed", message },
  );
}

/** The cluster IPs are no family: an error of the Service, nothing is taken away for it. */
function stopUnclear(draft: Draft): ServicePlan {
  const { service, book } = draft;
  draft.warn(
    "noclusterIPsIPFamily",
    `${subject(service)} has cluster IPs ${service.clusterIps.map(quote).join(", ")}, which are not one address, or one of each family`,
  );
  return draft.finish(book.bookingOf(service.key)?.addresses);
}

interface KeptAddresses {
  readonly addresses: readonly IpAddress[];
  readonly pools: readonly PoolUse[];
}

function planHeld(draft: Draft, request: AddressRequest, held: KeptAddresses): ServicePlan {
  const isHalf = held.addresses.length === 1 && draft.service.clusterIps.length === 2;
  const isFulfilled = fulfils(held, request);
  if (isHalf && isFulfilled && request.addresses.length === 0) {
    const added = addOtherFamily(draft, held, request);
    if (added !== undefined) return added;
  }
  if (isHalf && draft.service.ipFamilyPolicy !== "PreferDualStack") {
    draft.lose(
      held.addresses,
      `ipFamilyPolicy ${draft.service.ipFamilyPolicy} needs an address of each family`,
    );
    return allocate(draft, request);
  }
  if (isFulfilled) return draft.keep(held.addresses, poolText(held.pools));
  return move(draft, request, held);
}

function fulfils(held: KeptAddresses, request: AddressRequest): boolean {
  const { pools } = request;
  if (pools.length > 0 && !held.pools.every(use => isNamed(use, pools))) return false;
  return request.addresses.length === 0 || isSameSet(request.addresses, held.addresses);
}

/**
 * Tries to add the family that a dual-stack Service lacks, from the pool it is in or from the other one it asks for; undefined when
 * that fails.
 */
function addOtherFamily(
  draft: Draft,
  held: KeptAddresses,
  request: AddressRequest,
): ServicePlan | undefined {
  const { book, service } = draft;
  const named = namedPools(book, request.pools);
  const others = named.ok ? named.value.filter(pool => book.pools.admits(pool, service)) : [];
  const pools = [...new Set([...held.pools, ...others])];
  const added = firstUsable(book, claimOf(service), {
    pools,
    family: otherFamily(held.addresses),
    chosen: held.addresses,
    mayTakeReserved: true,
  });
  if (added === undefined) {
    if (service.ipFamilyPolicy === "PreferDualStack")
      warnHalf(draft, { addresses: held.addresses, pools });
    return undefined;
  }
  const { address, pool } = added;
  const addresses = [...held.addresses, address];
  const heldText = poolText(held.pools);
  draft.steps.push({ type: "keep", addresses: held.addresses, pool: heldText });
  draft.announce([address], pool.pool.name);
  draft.steps.push({ type: "assign", addresses: [address], pool: pool.pool.name });
  return draft.settle(addresses, poolText([...new Set([...held.pools, pool])]));
}

/** PreferDualStack with one address: it waits for the other family, and says once what is missing. */
function warnHalf(draft: Draft, held: KeptAddresses): void {
  const { book, service } = draft;
  const family = otherFamily(held.addresses);
  const causes = held.pools.map(pool => explainPool(book, service, { pool, family }));
  draft.isWaiting = true;
  draft.warn(
    "AdditionalAssignFailed",
    `${subject(service)} has ${addressList(held.addresses)} alone: ${causes.join("; ")}`,
  );
}

function otherFamily(addresses: readonly IpAddress[]): IpFamily {
  return addresses[0]?.family === "ipv4" ? "ipv6" : "ipv4";
}

/** The Service asks for something else than it holds: it moves when that can be had, and else stays where it is. */
function move(draft: Draft, request: AddressRequest, held: KeptAddresses): ServicePlan {
  const choice = chooseAddresses(draft.book, draft.service, request);
  if (choice.ok) {
    draft.steps.push({
      type: "release",
      addresses: held.addresses,
      reason: "the Service asks for another address",
    });
    return assign(draft, choice.value);
  }
  draft.isWaiting = true;
  draft.warn(
    "AllocationFailed",
    `${failed(draft.service)} ${choice.error.message}; it keeps ${addressList(held.addresses)}`,
  );
  return draft.keep(held.addresses, poolText(held.pools));
}

function assign(draft: Draft, choice: Choice): ServicePlan {
  const { addresses } = choice;
  const isHalf = addresses.length === 1 && draft.service.clusterIps.length === 2;
  if (isHalf) {
    const pool = draft.book.pools.named(choice.pool);
    warnHalf(draft, { addresses, pools: pool === undefined ? [] : [pool] });
  }
  return draft.assign(choice);
}

function allocate(draft: Draft, request: AddressRequest): ServicePlan {
  const choice = chooseAddresses(draft.book, draft.service, request);
  if (choice.ok) return assign(draft, choice.value);
  draft.isWaiting = true;
  const { message } = choice.error;
  return draft.refuse(
    { reason: "NoAddress", message },
    { reason: "AllocationFailed", message: `${failed(draft.service)} ${message}` },
  );
}

function failed(service: ServiceView): string {
  return `Failed to allocate IP for ${quote(service.key)}:`;
}

function subject(service: ServiceView): string {
  return `Service ${quote(service.key)}`;
}

/** A pair stays in the order in which the status has it. */
function inWrittenOrder(
  service: ServiceView,
  addresses: readonly IpAddress[],
): readonly IpAddress[] {
  if (addresses.length < 2) return addresses;
  const written = parseAddresses(ingressAddresses(service));
  return written !== undefined && isSameSet(written, addresses) ? written : addresses;
}

/** Whether status and annotation are so already; `ipMode: VIP`, which the API server adds, is no difference. */
function isWritten(service: ServiceView, { ingress, pool, pending }: WrittenState): boolean {
  if (service.annotations[ALLOCATED_FROM_POOL] !== pool) return false;
  if (service.pending?.reason !== pending?.reason) return false;
  if (service.pending?.message !== pending?.message) return false;
  if (service.ingress.length !== ingress.length) return false;
  return service.ingress.every((entry, index) => {
    const isPlain = (entry.hostname ?? "") === "" && (entry.ports ?? []).length === 0;
    return isPlain && entry.ip === ingress[index] && (entry.ipMode ?? "VIP") === "VIP";
  });
}
