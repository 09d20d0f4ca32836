/**
 * Who holds which address. The only state of allocation: rebuilt from the Services after a restart, moved as a whole to new
 * pools when the configuration changes. A planner reads it, `applyPlan` writes it; nobody else.
 */
import type { Pool } from "../config/configuration";
import { formatIpAddress, isSameAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import { assert } from "../net/result";
import type { Ordinal } from "./free-ordinals";
import { PoolIndex, type FamilyUse, type NamespaceLabels, type PoolUse } from "./pool-index";
import { Reservations, type Reservation } from "./reservations";
import type { Claim } from "./service";
import { conflictBetween, type Conflict } from "./sharing";

/** The addresses of one Service: one, or two of different families. */
export interface Booking {
  readonly claim: Claim;
  readonly addresses: readonly IpAddress[];
}

/** One address in use. Its users are allowed to share it, so they have the same keys and distinct ports. */
export interface AddressUse {
  readonly address: IpAddress;
  /** In the order they came; mostly one. */
  users: readonly Claim[];
  /** Undefined while no pool gives the address away. */
  place: Place | undefined;
}

interface Place {
  readonly pool: PoolUse;
  readonly family: FamilyUse;
  readonly ordinal: Ordinal;
}

/** Addresses by value: IPv4 as a number, which a Map finds faster than a bigint. */
type UseMap = Map<number | bigint, AddressUse>;

export class AddressBook {
  private index = new PoolIndex([], new Map());
  private readonly bookings = new Map<string, Booking>();
  private readonly uses: Readonly<Record<IpFamily, UseMap>> = { ipv4: new Map(), ipv6: new Map() };
  private readonly sharedUses = new Map<string, Set<AddressUse>>();
  private readonly changes = new Map<string, number>();
  private readonly reserved = new Reservations({
    onReserved: address => this.markReserved(address),
    onUnreserved: address => {
      const place = this.placeOf(address);
      place?.family.free.unreserve(place.ordinal);
    },
  });

  /** The pools as they are now. */
  get pools(): PoolIndex {
    return this.index;
  }

  /** Replaces the pools. Bookings stay, also those that no pool covers any more: the next plan of their Service ends them. */
  setPools(pools: readonly Pool[], namespaces: NamespaceLabels): void {
    const before = this.index;
    this.index = new PoolIndex(pools, namespaces);
    for (const uses of [this.uses.ipv4, this.uses.ipv6]) {
      for (const use of uses.values()) this.place(use);
    }
    for (const { addresses } of this.reserved.values()) {
      for (const address of addresses) this.markReserved(address);
    }
    for (const address of before.givenBack()) {
      const place = this.placeOf(address);
      place?.family.free.noteGivenBack(place.ordinal);
    }
    for (const booking of this.bookings.values()) this.countService(booking, 1);
    for (const { pool } of this.index.pools) this.noteChange(pool.name);
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
    return this.claimsOn(address).map(user => user.key);
  }

  /** A number that grows with every change of who is on which address of the pool, and of what is kept for whom. */
  changesOf(poolName: string): number {
    return this.changes.get(poolName) ?? 0;
  }

  /** Addresses in use by Services with this sharing key. */
  sharedBy(sharingKey: string): Iterable<AddressUse> {
    return sharingKey === "" ? [] : (this.sharedUses.get(sharingKey) ?? []);
  }

  /** What forbids the claim on the address; undefined when nobody else is on it or all may share. */
  conflictOf(claim: Claim, address: IpAddress): Conflict | undefined {
    const use = this.useOf(address);
    if (use === undefined) return undefined;
    return conflictBetween(claim, use.users, use.place?.pool.pool.sharing);
  }

  /**
   * How many addresses of the pool the claim's namespace would hold if the claim had `addresses` instead of what it has, and how
   * many it holds now.
   */
  namespaceUse(
    claim: Claim,
    pool: PoolUse,
    addresses: readonly IpAddress[],
  ): { readonly now: number; readonly then: number } {
    const now = pool.namespaceCounts.get(claim.namespace) ?? 0;
    const isAlone = (address: IpAddress): boolean =>
      this.index.locate(address)?.pool === pool &&
      !this.claimsOn(address).some(
        user => user.namespace === claim.namespace && user.key !== claim.key,
      );
    const own = this.bookingOf(claim.key)?.addresses ?? [];
    return { now, then: now - own.filter(isAlone).length + addresses.filter(isAlone).length };
  }

  /**
   * Books addresses for a claim instead of whatever it had. The caller has checked `conflictOf`. Returns whether this can
   * help somebody who waits: an address or a port became free, or a key changed.
   */
  book(booking: Booking): boolean {
    const { claim, addresses } = booking;
    const before = this.bookings.get(claim.key);
    if (before !== undefined && isSameBooking(before, claim, addresses)) return false;
    if (before !== undefined) this.remove(before);
    this.cancelReservation(claim.key);
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

  /** Keeps addresses for a Service that holds none, as long as nobody else needs them. */
  reserve(reservation: Reservation): void {
    this.cancelReservation(reservation.key);
    this.reserved.add(reservation);
    this.noteChangeOf(reservation.addresses);
  }

  get hasReservations(): boolean {
    return this.reserved.nextEndMs() !== undefined;
  }

  reservationOf(key: string): Reservation | undefined {
    return this.reserved.get(key);
  }

  reservations(): Iterable<Reservation> {
    return this.reserved.values();
  }

  /** Ends the reservations that have run out. */
  expireReservations(nowMs: number): void {
    for (const { addresses } of this.reserved.expire(nowMs)) this.noteChangeOf(addresses);
  }

  /** When the next reservation runs out; undefined when there is none. */
  nextReservationEndMs(): number | undefined {
    return this.reserved.nextEndMs();
  }

  private cancelReservation(key: string): void {
    const reservation = this.reserved.get(key);
    if (reservation === undefined) return;
    this.reserved.remove(key);
    this.noteChangeOf(reservation.addresses);
  }

  private remove(booking: Booking): void {
    this.countService(booking, -1);
    this.bookings.delete(booking.claim.key);
    for (const address of booking.addresses) this.leave(booking.claim, address);
  }

  private join(claim: Claim, address: IpAddress): void {
    const known = this.useOf(address);
    if (known !== undefined) {
      const [first] = known.users;
      assert(
        first?.sharingKey === claim.sharingKey && first.backendKey === claim.backendKey,
        `${claim.key} shares ${formatIpAddress(address)} with other keys`,
      );
      countUser(known, claim, 1);
      known.users = [...known.users, claim];
      this.noteChangeAt(known.place);
      return;
    }
    const use: AddressUse = { address, users: [claim], place: undefined };
    this.uses[address.family].set(toMapKey(address), use);
    this.place(use);
    this.noteChangeAt(use.place);
    if (claim.sharingKey === "") return;
    const shared = this.sharedUses.get(claim.sharingKey) ?? new Set();
    this.sharedUses.set(claim.sharingKey, shared.add(use));
  }

  private leave(claim: Claim, address: IpAddress): void {
    const use = this.useOf(address);
    if (use === undefined) return;
    use.users = use.users.filter(user => user.key !== claim.key);
    countUser(use, claim, -1);
    this.noteChangeAt(use.place);
    if (use.users.length > 0) return;
    this.uses[address.family].delete(toMapKey(address));
    use.place?.family.free.release(use.place.ordinal);
    const shared = this.sharedUses.get(claim.sharingKey);
    shared?.delete(use);
    if (shared?.size === 0) this.sharedUses.delete(claim.sharingKey);
  }

  private countService({ addresses }: Booking, change: 1 | -1): void {
    let last: PoolUse | undefined;
    for (const address of addresses) {
      const pool = this.useOf(address)?.place?.pool;
      if (pool !== undefined && pool !== last) pool.serviceCount += change;
      last = pool;
    }
  }

  private useOf(address: IpAddress): AddressUse | undefined {
    return this.uses[address.family].get(toMapKey(address));
  }

  private claimsOn(address: IpAddress): readonly Claim[] {
    return this.useOf(address)?.users ?? [];
  }

  private place(use: AddressUse): void {
    use.place = this.placeOf(use.address);
    if (use.place === undefined) return;
    use.place.family.free.take(use.place.ordinal);
    const counted: Claim[] = [];
    for (const user of use.users) {
      countUser({ ...use, users: counted }, user, 1);
      counted.push(user);
    }
  }

  private placeOf(address: IpAddress): Place | undefined {
    const found = this.index.locate(address);
    if (found?.ordinal === undefined) return undefined;
    return { pool: found.pool, family: found.pool[address.family], ordinal: found.ordinal };
  }

  private markReserved(address: IpAddress): void {
    const place = this.placeOf(address);
    place?.family.free.reserve(place.ordinal);
  }

  private noteChangeOf(addresses: readonly IpAddress[]): void {
    for (const address of addresses) this.noteChangeAt(this.placeOf(address));
  }

  private noteChangeAt(place: Place | undefined): void {
    if (place !== undefined) this.noteChange(place.pool.pool.name);
  }

  private noteChange(poolName: string): void {
    this.changes.set(poolName, this.changesOf(poolName) + 1);
  }
}

/**
 * Counts the claim's namespace at the address's pool: when the claim is the namespace's only one there, which `users` must not
 * contain at that time.
 */
function countUser(use: AddressUse, claim: Claim, change: 1 | -1): void {
  const pool = use.place?.pool;
  if (pool?.pool.maxAddressesPerNamespace === undefined) return;
  if (use.users.some(user => user.namespace === claim.namespace)) return;
  const count = (pool.namespaceCounts.get(claim.namespace) ?? 0) + change;
  if (count > 0) pool.namespaceCounts.set(claim.namespace, count);
  else pool.namespaceCounts.delete(claim.namespace);
}

function toMapKey(address: IpAddress): number | bigint {
  return address.family === "ipv4" ? Number(address.value) : address.value;
}

function isSameBooking(before: Booking, claim: Claim, addresses: readonly IpAddress[]): boolean {
  return (
    before.claim.sharingKey === claim.sharingKey &&
    before.claim.backendKey === claim.backendKey &&
    isSameList(before.claim.ports, claim.ports) &&
    isSameList(before.claim.sharesWith, claim.sharesWith) &&
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
