/**
 * Pools of 0.3 and 0.4 with `protocol: arp`: the first and last address of their `arp-network` (when none is written, the /24 around the
 * first CIDR) were never given out. Later releases ignored the key, and every pool of theirs gives out all it has.
 */
import { formatIpAddress } from "../../net/ip-address";
import {
  parseIpPrefix,
  parseIpRange,
  toIpRange,
  toPrefix,
  type IpRange,
} from "../../net/ip-prefix";
import type { Fields, Placed } from "./fields";

const IMPLIED_LENGTH_BITS = 24;

export interface CutAddresses {
  readonly addresses: readonly string[];
  readonly comments: readonly string[];
}

/** The entries of an arp pool that has only `cidr`, without the ends of its network. */
export function cutArpNetwork(fields: Fields, cidrs: readonly Placed<string>[]): CutAddresses {
  const texts = cidrs.map(({ value }) => value);
  const network = readNetwork(fields, cidrs);
  if (network === undefined) return { addresses: texts, comments: [] };
  const addresses = texts.map(text => cut(text, network));
  if (addresses.every((text, index) => text === texts[index])) return { addresses, comments: [] };
  const [first, last] = [network.first, network.last].map(value =>
    formatIpAddress({ family: "ipv4", value }),
  );
  const reason = `does not give out ${first} and ${last}, the ends of its ${fields.has("arp-network") ? "" : "implied "}arp-network`;
  const wayOut = "Neither did the release that this was written for.";
  fields.report.inform({
    rule: "H-F6",
    path: fields.path,
    at: fields.at,
    reason,
    wayOut,
  });
  return { addresses, comments: [`This pool ${reason}. ${wayOut}`] };
}

function readNetwork(fields: Fields, cidrs: readonly Placed<string>[]): IpRange | undefined {
  const written = fields.text("arp-network");
  const ranges = cidrs.map(({ value }) => parseIpRange(value));
  const [first] = ranges;
  if (written === undefined) {
    if (first?.ok !== true || first.value.family !== "ipv4") return undefined;
    const implied = toIpRange(
      toPrefix({ family: "ipv4", value: first.value.first }, IMPLIED_LENGTH_BITS),
    );
    if (ranges.every(range => !range.ok || isInside(range.value, implied))) return implied;
    fields.report.warn({
      rule: "H-F6",
      path: fields.pathOf("arp-network"),
      at: fields.at,
      reason:
        "is not written, and the addresses are not in one /24; 0.3 refused such a pool, here all of them are given out",
      wayOut: "Nothing has to be done.",
    });
    return undefined;
  }
  const at = fields.placeOf("arp-network");
  const network = parseIpPrefix(written);
  const path = fields.pathOf("arp-network");
  if (!network.ok || network.value.family !== "ipv4") {
    fields.report.refuse({
      rule: "H-F3",
      path,
      at,
      value: written,
      reason: "is no IPv4 prefix",
      wayOut: "Write for example 192.168.1.0/24.",
    });
    return undefined;
  }
  const range = toIpRange(network.value);
  if (ranges.some(one => one.ok && !isInside(one.value, range))) {
    fields.report.refuse({
      rule: "H-F5",
      path,
      at,
      value: written,
      reason: "does not hold all addresses of the pool",
      wayOut: "Write the network that they are in, or remove the key.",
    });
    return undefined;
  }
  return range;
}

function isInside(range: IpRange, network: IpRange): boolean {
  return (
    range.family === network.family && range.first >= network.first && range.last <= network.last
  );
}

/** The entry as it is, or as a range without the first and last address of the network. */
function cut(text: string, network: IpRange): string {
  const range = parseIpRange(text);
  if (!range.ok || !isInside(range.value, network)) return text;
  const first = range.value.first === network.first ? network.first + 1n : range.value.first;
  const last = range.value.last === network.last ? network.last - 1n : range.value.last;
  if (first === range.value.first && last === range.value.last) return text;
  if (first > last) return text;
  const [from, to] = [first, last].map(value => formatIpAddress({ family: "ipv4", value }));
  return from === to ? `${from}/32` : `${from}-${to}`;
}
