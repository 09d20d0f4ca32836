/** The default gateways of this node, as the kernel's tables of routes have them. */
import { readFileSync } from "node:fs";
import { formatIpAddress, fromAddressBytes, type IpAddress } from "../lib/net/ip-address";

/** A gateway and the interface that leads to it. */
export interface Gateway {
  readonly address: IpAddress;
  readonly interfaceName: string;
}

const IPV4_ROUTES = "/proc/net/route";
const IPV6_ROUTES = "/proc/net/ipv6_route";
/** Usable, and by way of a gateway. */
const UP_AND_GATEWAY = 0x3;

/** Gateways of default routes of both families, each once; none of a family whose table cannot be read. */
export function readDefaultGateways(
  paths: { readonly ipv4: string; readonly ipv6: string } = {
    ipv4: IPV4_ROUTES,
    ipv6: IPV6_ROUTES,
  },
): readonly Gateway[] {
  return [
    ...parseIpv4DefaultGateways(readTable(paths.ipv4)),
    ...parseIpv6DefaultGateways(readTable(paths.ipv6)),
  ];
}

/** Addresses stand in the table as hexadecimal numbers in host order: 0102A8C0 is 192.168.2.1. */
export function parseIpv4DefaultGateways(text: string): readonly Gateway[] {
  const rows = text.split("\n").slice(1);
  return toGateways(
    rows.map(row => {
      const [interfaceName, destination, gateway = "", flags] = row.trim().split(/\s+/);
      const isDefault = destination === "00000000" && /^[0-9A-F]{8}$/.test(gateway);
      return {
        interfaceName: isDefault ? interfaceName : undefined,
        bytes: Uint8Array.from(Buffer.from(gateway, "hex")).reverse(),
        flags,
      };
    }),
  );
}

/** Columns: destination, prefix length, source, its length, next hop, metric, references, uses, flags, interface. */
export function parseIpv6DefaultGateways(text: string): readonly Gateway[] {
  return toGateways(
    text.split("\n").map(row => {
      const words = row.trim().split(/\s+/);
      const [destination = "", lengthHex, , , nextHop = ""] = words;
      const isDefault =
        /^0{32}$/.test(destination) && lengthHex === "00" && /^[0-9a-f]{32}$/.test(nextHop);
      return {
        interfaceName: isDefault ? words[9] : undefined,
        bytes: Uint8Array.from(Buffer.from(nextHop, "hex")),
        flags: words[8],
      };
    }),
  );
}

interface Row {
  /** Undefined when it is no default route. */
  readonly interfaceName: string | undefined;
  readonly bytes: Uint8Array;
  readonly flags: string | undefined;
}

function toGateways(rows: readonly Row[]): readonly Gateway[] {
  const gateways = new Map<string, Gateway>();
  for (const { interfaceName, bytes, flags = "0" } of rows) {
    if (interfaceName === undefined) continue;
    if ((Number.parseInt(flags, 16) & UP_AND_GATEWAY) !== UP_AND_GATEWAY) continue;
    const address = fromAddressBytes(bytes);
    gateways.set(`${formatIpAddress(address)}%${interfaceName}`, { address, interfaceName });
  }
  return [...gateways.values()];
}

function readTable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A system without the family has no such table.
    return "";
  }
}
