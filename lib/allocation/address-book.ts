/**
 * Who holds which address. The only state of allocation: rebuilt from the Services after a restart, moved as a whole to new
 * pools when the configuration changes. A planner reads it, `applyPlan` writes it; nobody else.
 */
import type { Pool } from "../config/configuration";
import { formatIpAddress, isSameAddress, type IpAddress } from "../net/ip-address";
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
  /** In the order they came; mostly one. */
  users: readonly Claim[];
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
    return (this.uses[address.family].get(address.value)?.users ?? []).map(user => user.key);
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
    const users = this.uses[address.family].get(address.value)?.users ?? [];
    const others = users.filter(user => user.key !== claim.key);
    const [first] = others;
    if (first === undefined) return undefined;
    const keys = (): readonly string[] => others.map(user => user.key);
    if (first.sharingKey === "" || (claim.sharingKey === "" && others.length === users.length)) {
      return { type: "not-shared", others: keys() };
    }
    if (first.sharingKey !== claim.sharingKey) return { type: "sharing-key", others: keys() };
    if (first.backendKey !== claim.backendKey) return { type: "backend", others: keys() };
    const port = claim.ports.find(wanted => others.some(user => user.ports.includes(wanted)));
    return port === undefined ? undefined : { type: "port", port, others: keys() };
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
    const known = uses.get(address.value);
    if (known !== undefined) {
      const [first] = known.users;
      assert(
        first?.sharingKey === claim.sharingKey && first.backendKey === claim.backendKey,
        `${claim.key} shares ${formatIpAddress(address)} with other keys`,
      );
      known.users = [...known.users, claim];
      return;
    }
    const use: AddressUse = { address, users: [claim], place: undefined };
    uses.set(address.value, use);
    this.place(use);
    if (claim.sharingKey === "") return;
    const shared = this.sharedUses.get(claim.sharingKey) ?? new Set();
    this.sharedUses.set(claim.sharingKey, shared.add(use));
  }

  private leave(claim: Claim, address: IpAddress): void {
    const use = this.uses[address.family].get(address.value);
    if (use === undefined) return;
    use.users = use.users.filter(user => user.key !== claim.key);
    if (use.users.length > 0) return;
    this.uses[address.family].delete(address.value);
    use.place?.family.free.release(use.place.ordinal);
    const shared = this.sharedUses.get(claim.sharingKey);
    shared?.delete(use);
    if (shared?.size === 0) this.sharedUses.delete(claim.sharingKey);
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

function isSameBooking(before: Booking, claim: Claim, addresses: readonly IpAddress[]): boolean {
  return (
    before.claim.sharingKey === claim.sharingKey &&
    before.claim.backendKey === claim.backendKey &&
    isSameList(before.claim.ports, claim.ports) &&
    before.addresses.length === addresses.length &&
    addresses.every((address, index) => {
      const other = before.addresses[index];
      return other !== undefined && isSameAddress(other, address);
    })
  );
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
