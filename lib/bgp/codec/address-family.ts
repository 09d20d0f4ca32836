/** The two address families spoken: IPv4 and IPv6 unicast (RFC 4760). Any other AFI/SAFI is carried as numbers and ignored. */
import type { IpFamily } from "../../net/ip-address";
import { Afi, Safi } from "../constants";

export type AddressFamily = "ipv4-unicast" | "ipv6-unicast";

export const ADDRESS_FAMILIES: readonly AddressFamily[] = ["ipv4-unicast", "ipv6-unicast"];

/** The family of an AFI/SAFI pair, undefined for one that is not spoken. */
export function toAddressFamily(afi: number, safi: number): AddressFamily | undefined {
  if (safi !== Safi.unicast) return undefined;
  if (afi === Afi.ipv4) return "ipv4-unicast";
  return afi === Afi.ipv6 ? "ipv6-unicast" : undefined;
}

/** The AFI of the family; its SAFI is always unicast. */
export function toAfi(family: AddressFamily): number {
  return family === "ipv4-unicast" ? Afi.ipv4 : Afi.ipv6;
}

export function toIpFamily(family: AddressFamily): IpFamily {
  return family === "ipv4-unicast" ? "ipv4" : "ipv6";
}

/** The unicast family that carries addresses of the IP family. */
export function unicastFamily(family: IpFamily): AddressFamily {
  return family === "ipv4" ? "ipv4-unicast" : "ipv6-unicast";
}
