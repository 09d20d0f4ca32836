/** What the status of pools says about addresses that are to be kept for Services that are gone. */
import type { Reservation } from "../../lib/allocation/reservations";
import { parseAddresses } from "../../lib/allocation/service";
import type { IPAddressPool, IPAddressPoolStatus } from "../../lib/config/generated/resources";
import type { IpAddress } from "../../lib/net/ip-address";

/**
 * The reservations, and those that were due: a Service that is on an address by the status and does not exist was deleted while no
 * controller looked, its address is kept until `untilMs`. What cannot be read is left out. A Service whose addresses are of two
 * pools has them together.
 */
export function storedReservations(
  pools: Iterable<IPAddressPool>,
  now: { readonly exists: (key: string) => boolean; readonly untilMs: number },
): readonly Reservation[] {
  const found = new Map<string, Reservation>();
  const note = (key: string, addresses: readonly IpAddress[], untilMs: number): void => {
    const before = found.get(key)?.addresses ?? [];
    const known = new Set(before.map(({ family, value }) => `${family}/${value}`));
    const added = addresses.filter(({ family, value }) => !known.has(`${family}/${value}`));
    found.set(key, { key, addresses: [...before, ...added], untilMs });
  };
  for (const { status } of pools) {
    for (const { service, addresses, until } of listOf(status?.reservations)) {
      const untilMs = Date.parse(until);
      const parsed = parseAddresses(addresses);
      if (parsed !== undefined && Number.isFinite(untilMs)) note(service, parsed, untilMs);
    }
    for (const { key, address } of holders(status)) {
      const parsed = parseAddresses([address]);
      if (parsed !== undefined && !now.exists(key)) note(key, parsed, now.untilMs);
    }
  }
  return [...found.values()];
}

function holders(status: IPAddressPoolStatus | undefined) {
  return listOf(status?.holders).flatMap(({ address, services }) =>
    services.map(key => ({ key, address })),
  );
}

function listOf<Element>(list: readonly Element[] | undefined): readonly Element[] {
  return list ?? [];
}
