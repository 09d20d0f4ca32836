/** What main reads of this machine's interfaces: enough for the BGP Identifier and for "is the peer on the link". */
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import { parseIpAddress, type IpAddress } from "../../lib/net/ip-address";
import { parseIpPrefix, rangeContains, toIpRange, type IpRange } from "../../lib/net/ip-prefix";

export type Interfaces = Readonly<Partial<Record<string, readonly NetworkInterfaceInfo[]>>>;

export interface LocalNetwork {
  /** Whether the address is on a subnet of one of the interfaces. */
  isOnLink(address: IpAddress): boolean;
  /** The first IPv4 address of the interface that has one of the addresses, given as canonical text. */
  interfaceIpv4Of(addresses: readonly string[]): IpAddress | undefined;
}

/** As it is at the moment of the call. */
export function readLocalNetwork(interfaces: Interfaces = networkInterfaces()): LocalNetwork {
  const perInterface = Object.values(interfaces).map(infos => infos ?? []);
  const subnets = perInterface.flat().flatMap(toSubnet);
  return {
    isOnLink: address => subnets.some(range => rangeContains(range, address)),
    interfaceIpv4Of: addresses => {
      const owner = perInterface.find(infos =>
        infos.some(({ address }) => addresses.includes(address)),
      );
      const ipv4 = owner?.find(({ family }) => family === "IPv4")?.address;
      const parsed = ipv4 === undefined ? undefined : parseIpAddress(ipv4);
      return parsed?.ok === true ? parsed.value : undefined;
    },
  };
}

function toSubnet({ cidr }: NetworkInterfaceInfo): readonly IpRange[] {
  const prefix = parseIpPrefix(cidr ?? "");
  return prefix.ok ? [toIpRange(prefix.value)] : [];
}
