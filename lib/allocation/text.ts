/** Words that several messages of allocation need. */
import { formatIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";

/** Longest message of an Event that the API server accepts is 1024 octets; ours stay below. */
export const MESSAGE_LENGTH_MAX = 900;

/** Addresses in canonical text, separated by a comma and a blank. */
export function addressList(addresses: readonly IpAddress[]): string {
  return addresses.map(formatIpAddress).join(", ");
}

export function familyName(family: IpFamily): string {
  return family === "ipv4" ? "IPv4" : "IPv6";
}

/** What the annotation ip-allocated-from-pool says: the pool, or both separated by a comma. */
export function poolText(pools: readonly { readonly pool: { readonly name: string } }[]): string {
  const [first] = pools;
  if (first !== undefined && pools.length === 1) return first.pool.name;
  return pools.map(use => use.pool.name).join(",");
}

/** The message, cut so that it fits an Event. */
export function cutMessage(message: string): string {
  return message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message;
}
