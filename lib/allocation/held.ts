/** The addresses a Service has already: what its status says, else what is booked for it, and whether it may keep them. */
import type { IpAddress } from "../net/ip-address";
import type { AddressBook } from "./address-book";
import { checkAddresses } from "./choose";
import type { PoolUse } from "./pool-index";
import { familyOf, parseAddresses, serviceFamily, type ServiceView } from "./service";
import { addressList } from "./text";

/**
 * `none`: nothing is held. `kept`: these may stay. `lost`: they may not, and the Service has none. `unclear`: the status holds
 * something that is no set of addresses, so that nothing can be kept.
 */
export type Held =
  | { readonly type: "none" }
  | {
      readonly type: "kept";
      readonly addresses: readonly IpAddress[];
      readonly pools: readonly PoolUse[];
    }
  | { readonly type: "lost"; readonly addresses: readonly IpAddress[]; readonly reason: string }
  | { readonly type: "unclear"; readonly texts: readonly string[] };

/**
 * Judges what the Service holds. Kept is what lies in one pool that admits the Service, shares with nobody it may not share
 * with, and fits the family of the cluster IPs; of a pair whose Service has become single-stack, the fitting half.
 */
export function judgeHeld(book: AddressBook, service: ServiceView): Held {
  const texts = ingressAddresses(service);
  const booked = book.bookingOf(service.key)?.addresses;
  const held = texts.length === 0 ? (booked ?? []) : parseAddresses(texts);
  if (held?.length === 0) return { type: "none" };
  if (held === undefined || familyOf(held) === undefined) return { type: "unclear", texts };
  const fitting = fittingFamily(service, held);
  if (fitting.length === 0) {
    return {
      type: "lost",
      addresses: held,
      reason: `${addressList(held)} does not fit the IP family of the cluster IPs ${service.clusterIps.join(", ")}`,
    };
  }
  const checked = checkAddresses(book, service, fitting);
  return checked.ok
    ? { type: "kept", addresses: fitting, pools: checked.value }
    : { type: "lost", addresses: held, reason: checked.error.message };
}

/** The addresses in the status, as written; entries with a host name alone are not ours. */
export function ingressAddresses(service: ServiceView): readonly string[] {
  return service.ingress.flatMap(entry =>
    entry.ip === undefined || entry.ip === "" ? [] : [entry.ip],
  );
}

/** A dual-stack Service may hold one address (for RequireDualStack the planner decides further), any other only its family. */
function fittingFamily(service: ServiceView, held: readonly IpAddress[]): readonly IpAddress[] {
  const family = serviceFamily(service);
  if (family === undefined) return [];
  return family === "dual" ? held : held.filter(address => address.family === family);
}
