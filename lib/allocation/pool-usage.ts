/** Who holds a pool's addresses and for whom some are kept, as far as the pool's status shows it. */
import { formatIpAddress, type IpAddress } from "../net/ip-address";
import type { AddressBook } from "./address-book";
import type { Ordinal } from "./free-ordinals";
import { HOLDERS_SHOWN_MAX, RESERVATIONS_SHOWN_MAX, SHARERS_SHOWN_MAX } from "./limits";
import type { FamilyUse, PoolUse } from "./pool-index";
import type { Reservation } from "./reservations";

export interface Holder {
  readonly address: IpAddress;
  /** At most `SHARERS_SHOWN_MAX`, sorted. */
  readonly services: readonly string[];
}

/** The first `HOLDERS_SHOWN_MAX` addresses in use, IPv4 first, in the order in which the pool hands out. */
export function listHolders(book: AddressBook, use: PoolUse): readonly Holder[] {
  const ipv4 = lowestOf(use.ipv4, HOLDERS_SHOWN_MAX);
  const ipv6 = lowestOf(use.ipv6, HOLDERS_SHOWN_MAX - ipv4.length);
  return [...ipv4, ...ipv6].map(address => ({
    address,
    services: book.usersOf(address).toSorted().slice(0, SHARERS_SHOWN_MAX),
  }));
}

/** The youngest `RESERVATIONS_SHOWN_MAX` that have an address in the pool, with their addresses in it, the oldest first. */
export function listReservations(book: AddressBook, use: PoolUse): readonly Reservation[] {
  const found: Reservation[] = [];
  for (const reservation of book.reservations()) {
    const addresses = reservation.addresses.filter(
      address => book.pools.locate(address)?.pool === use,
    );
    if (addresses.length > 0) found.push({ ...reservation, addresses });
  }
  return found.slice(-RESERVATIONS_SHOWN_MAX);
}

/** The addresses in use with the lowest numbers, without sorting all of a large pool. */
function lowestOf({ space, free }: FamilyUse, count: number): readonly IpAddress[] {
  const lowest: Ordinal[] = [];
  for (const ordinal of count > 0 ? free.usedOrdinals() : []) {
    const last = lowest.at(-1);
    if (lowest.length >= count && last !== undefined && ordinal >= last) continue;
    lowest.splice(positionOf(lowest, ordinal), 0, ordinal);
    if (lowest.length > count) lowest.pop();
  }
  return lowest.flatMap(ordinal => {
    const value = space.addressAt(ordinal);
    return value === undefined ? [] : [{ family: space.family, value }];
  });
}

/** Where a number belongs in an ascending list. */
function positionOf(list: readonly Ordinal[], ordinal: Ordinal): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && other < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `namespace/name`, addresses as text and the end in RFC 3339, whole seconds. */
export function toReservationText(reservation: Reservation) {
  const until = new Date(Math.ceil(reservation.untilMs / 1_000) * 1_000).toISOString();
  return {
    addresses: reservation.addresses.map(formatIpAddress),
    service: reservation.key,
    until: until.replace(".000Z", "Z"),
  };
}
