/**
 * Who holds which address. The only state of allocation: rebuilt from the Services after a restart, moved as a whole to new
 * pools when the configuration changes. A planner reads it, `applyPlan` writes it; nobody else.
 */
import type { Pool } from "../config/configuration";
import { formatIpAddress, type IpAddress } from "../net/ip-address";
import { assert } from "../net/result";
import { PoolIndex, type FamilyUse, type NamespaceLabels, type PoolUse } from "./pool-index";
import type { Claim } from "./service";

/** The addresses of one Service: one, or two of different families. */
export interface Booking {
  readonly claim: Claim;
  readonly addresses: readonly IpAddress[];
}

/** Why a Service may not be on an address that others hold. `others` are their keys. */
export type Conflict =
  | { readonly type: "not-shared"; readonly others: readonly string[] }
  | { readonly type: "sharing-key"; readonly others: readonly string[] }
  | { readonly type: "backend"; readonly others: readonly string[] }
  | { readonly type: "port"; readonly port: string; readonly others: readonly string[] };

/** One address in use. Its users are allowed to share it, so they have the same keys and distinct ports. */
export interface AddressUse {
  readonly address: IpAddress;
  readonly users: Set<string>;
  readonly portUsers: Map<string, string>;
  sharingKey: string;
  backendKey: string;
  /** Undefined while no pool gives the address away. */
  place:
    | { readonly pool: PoolUse; readonly family: FamilyUse; readonly ordinal: bigint }
    | undefined;
}

export class AddressBook {
  private index = new PoolIndex([], new Map());
  private readonly bookings = new Map<string, Booking>();
  private readonly uses = {
    ipv4: new Map<bigint, AddressUse>(),
    ipv6: new Map<bigint, AddressUse>(),
  };
  private readonly sharedUses = new Map<string, Set<AddressUse>>();
  private serviceCounts = new Map<string, number>();

  /** The pools as they are now. */
  get pools(): PoolIndex {
    return this.index;
  }

  /** Replaces the pools. Bookings stay, also those that no pool covers any more: the next plan of their Service ends them. */
  setPools(pools: readonly Pool[], namespaces: NamespaceLabels): void {
    this.index = new PoolIndex(pools, namespaces);
    this.serviceCounts = new Map();
    for (const uses of [this.uses.ipv4, this.uses.ipv6]) {
      for (const use of uses.values()) this.place(use);
    }
    for (const booking of this.bookings.values()) this.countService(booking, 1);
  }

  bookingOf(key: string): Booking | undefined {
    return this.bookings.get(key);
  }

  /** Keys of all Services with an address. */
  bookedKeys(): Iterable<string> {
    return this.bookings.keys();
  }

  /** Keys of the Services on an address, in the order they came. */
  usersOf(address: IpAddress): readonly string[] {
    return [...(this.uses[address.family].get(address.value)?.users ?? [])];
  }

  /** How many Services have their addresses from the pool. */
  serviceCount(poolName: string): number {
    return this.serviceCounts.get(poolName) ?? 0;
  }

  /** Addresses in use by Services with this sharing key. */
  sharedBy(sharingKey: string): Iterable<AddressUse> {
    return sharingKey === "" ? [] : (this.sharedUses.get(sharingKey) ?? []);
  }

  /** What forbids the claim on the address; undefined when nobody else is on it or all may share. */
  conflictOf(claim: Claim, address: IpAddress): Conflict | undefined {
    const use = this.uses[address.family].get(address.value);
    if (use === undefined || isOnlyUser(use, claim.key)) return undefined;
    const others = (): readonly string[] => [...use.users].filter(user => user !== claim.key);
    if (use.sharingKey === "" || claim.sharingKey === "") {
      const type = use.users.has(claim.key) ? "sharing-key" : "not-shared";
      return { type, others: others() };
    }
    if (use.sharingKey !== claim.sharingKey) return { type: "sharing-key", others: others() };
    if (use.backendKey !== claim.backendKey) return { type: "backend", others: others() };
    const port = claim.ports.find(candidate => {
      const user = use.portUsers.get(candidate);
      return user !== undefined && user !== claim.key;
    });
    return port === undefined ? undefined : { type: "port", port, others: others() };
  }

  /**
   * Books the addresses for the claim instead of whatever it had. The caller has checked `conflictOf`. Returns whether this can
   * help somebody who waits: an address or a port became free, or a key changed.
   */
  book(claim: Claim, addresses: readonly IpAddress[]): boolean {
    const before = this.bookings.get(claim.key);
    if (before !== undefined && isSameBooking(before, claim, addresses)) return false;
    if (before !== undefined) this.remove(before);
    const booking = { claim, addresses };
    this.bookings.set(claim.key, booking);
    for (const address of addresses) this.join(claim, address);
    this.countService(booking, 1);
    return before !== undefined || claim.sharingKey !== "";
  }

  /** Frees what the Service holds. Returns whether it held anything. */
  release(key: string): boolean {
    const booking = this.bookings.get(key);
    if (booking === undefined) return false;
    this.remove(booking);
    return true;
  }

  private remove(booking: Booking): void {
    this.countService(booking, -1);
    this.bookings.delete(booking.claim.key);
    for (const address of booking.addresses) this.leave(booking.claim, address);
  }

  private join(claim: Claim, address: IpAddress): void {
    const uses = this.uses[address.family];
    const use = uses.get(address.value) ?? newUse(address);
    if (use.users.size === 0) {
      use.sharingKey = claim.sharingKey;
      use.backendKey = claim.backendKey;
      this.share(use);
      uses.set(address.value, use);
      this.place(use);
    }
    assert(
      use.sharingKey === claim.sharingKey && use.backendKey === claim.backendKey,
      `${claim.key} shares ${formatIpAddress(address)} with other keys`,
    );
    use.users.add(claim.key);
    for (const port of claim.ports) use.portUsers.set(port, claim.key);
  }

  private leave(claim: Claim, address: IpAddress): void {
    const use = this.uses[address.family].get(address.value);
    if (use === undefined) return;
    use.users.delete(claim.key);
    for (const port of claim.ports) {
      if (use.portUsers.get(port) === claim.key) use.portUsers.delete(port);
    }
    if (use.users.size > 0) return;
    this.uses[address.family].delete(address.value);
    use.place?.family.free.release(use.place.ordinal);
    const shared = this.sharedUses.get(use.sharingKey);
    shared?.delete(use);
    if (shared?.size === 0) this.sharedUses.delete(use.sharingKey);
  }

  private share(use: AddressUse): void {
    if (use.sharingKey === "") return;
    const shared = this.sharedUses.get(use.sharingKey) ?? new Set();
    this.sharedUses.set(use.sharingKey, shared.add(use));
  }

  private place(use: AddressUse): void {
    const found = this.index.locate(use.address);
    use.place = undefined;
    if (found?.ordinal === undefined) return;
    const family = found.pool[use.address.family];
    family.free.take(found.ordinal);
    use.place = { pool: found.pool, family, ordinal: found.ordinal };
  }

  private countService(booking: Booking, change: 1 | -1): void {
    const [first] = booking.addresses;
    const name = first === undefined ? undefined : this.index.locate(first)?.pool.pool.name;
    if (name === undefined) return;
    this.serviceCounts.set(name, this.serviceCount(name) + change);
  }
}

function newUse(address: IpAddress): AddressUse {
  return {
    address,
    users: new Set(),
    portUsers: new Map(),
    sharingKey: "",
    backendKey: "",
    place: undefined,
  };
}

function isOnlyUser(use: AddressUse, key: string): boolean {
  return use.users.size === 0 || (use.users.size === 1 && use.users.has(key));
}

function isSameBooking(before: Booking, claim: Claim, addresses: readonly IpAddress[]): boolean {
  return (
    before.claim.sharingKey === claim.sharingKey &&
    before.claim.backendKey === claim.backendKey &&
    isSameList(before.claim.ports, claim.ports) &&
    isSameList(before.addresses.map(formatIpAddress), addresses.map(formatIpAddress))
  );
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
