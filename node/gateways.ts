/** The default gateways of this node, as the kernel's table of routes has them. */
import { readFileSync } from "node:fs";
import { fromAddressBytes, type IpAddress } from "../lib/net/ip-address";

const ROUTES = "/proc/net/route";
const DEFAULT_DESTINATION = "00000000";
/** Usable, and by way of a gateway. */
const UP_AND_GATEWAY = 0x3;

/** IPv4 gateways of default routes, each once; none when the table cannot be read. */
export function readDefaultGateways(path: string = ROUTES): readonly IpAddress[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // A system without IPv4 has no such table.
    return [];
  }
  return parseDefaultGateways(text);
}

/** Addresses stand in the table as hexadecimal numbers in host order: 0102A8C0 is 192.168.2.1. */
export function parseDefaultGateways(text: string): readonly IpAddress[] {
  const gateways = new Map<bigint, IpAddress>();
  for (const line of text.split("\n").slice(1)) {
    const [, destination, gateway = "", flags = "0"] = line.trim().split(/\s+/);
    const isDefault = destination === DEFAULT_DESTINATION && /^[0-9A-F]{8}$/.test(gateway);
    if (!isDefault || (Number.parseInt(flags, 16) & UP_AND_GATEWAY) !== UP_AND_GATEWAY) continue;
    const address = fromAddressBytes(Uint8Array.from(Buffer.from(gateway, "hex")).reverse());
    gateways.set(address.value, address);
  }
  return [...gateways.values()];
}
