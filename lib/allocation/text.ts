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

/** The message, cut so that it fits an Event. */
export function cutMessage(message: string): string {
  return message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message;
}
