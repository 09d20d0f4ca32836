/** `address-pools[]` of every generation: an IPAddressPool each, and the advertisements that its protocol means. */
import { parseIpRange, rangesOverlap, type IpRange } from "../../net/ip-prefix";
import { MAX_ENTRY_CHARACTERS } from "../limits";
import { quote } from "../problem";
import { makeAdvertisements, readAdvertisements, type AdvertisedPool } from "./advertisements";
import { cutArpNetwork } from "./arp-network";
import type { Fields, Placed } from "./fields";
import { ObjectNames, type ObjectName } from "./names";
import type { LegacyReport } from "./report";
import { makeResource, type ConvertedResource, type Source } from "./resources";

/** What 0.1 … 0.12 called it; `arp` and `ndp` became `layer2` in 0.5. */
type Protocol = "layer2" | "bgp";

interface ReadPool {
  readonly legacyName: string;
  readonly entries: readonly { readonly placed: Placed<string>; readonly range: IpRange }[];
}

export interface PoolContext {
  readonly namespace: string;
  readonly aliases: ReadonlySet<string>;
}

/** The objects of all pools, and whether they may be used together: no two overlap, no name comes twice. */
export function convertPools(
  list: readonly Fields[],
  context: PoolContext,
): readonly ConvertedResource[] {
  const names = new ObjectNames(
    "pool",
    list.map(fields => fields.text("name") ?? ""),
  );
  const counts = { layer2: 0, bgp: 0 };
  const read: ReadPool[] = [];
  const resources: ConvertedResource[] = [];
  for (const fields of list) {
    const legacyName = readName(fields, read);
    const given = legacyName === undefined ? undefined : giveName(names, fields, legacyName);
    const pool = convertPool(fields, given ?? NAMELESS, { ...context, counts });
    resources.push(...pool.resources);
    read.push({ legacyName: legacyName ?? "", entries: pool.entries });
  }
  for (const [index, pool] of read.entries()) {
    const [fields] = list;
    if (fields !== undefined) refuseOverlaps(fields.report, pool, read.slice(0, index));
  }
  return resources;
}

/** Stands in for a name that was refused, so that the rest of the pool is judged too. */
const NAMELESS: ObjectName = { name: "nameless", comments: [] };

function readName(fields: Fields, before: readonly ReadPool[]): string | undefined {
  const name = fields.text("name");
  if (name === undefined) {
    fields.missing("name", "Give the pool a name.");
  } else if (before.some(pool => pool.legacyName === name)) {
    fields.report.refuse({
      rule: "H-F5",
      path: fields.pathOf("name"),
      at: fields.placeOf("name"),
      value: name,
      reason: "is the name of two pools",
      wayOut: "Give one of them another name.",
    });
  }
  return name;
}

function giveName(names: ObjectNames, fields: Fields, legacyName: string): ObjectName | undefined {
  const [path, at] = [fields.pathOf("name"), fields.placeOf("name")];
  return names.give(legacyName, { report: fields.report, path, at });
}

interface Counts {
  layer2: number;
  bgp: number;
}

function convertPool(
  fields: Fields,
  { name, legacyName, comments }: ObjectName,
  { namespace, aliases, counts }: PoolContext & { readonly counts: Counts },
): { readonly resources: readonly ConvertedResource[]; readonly entries: ReadPool["entries"] } {
  const protocol = readProtocol(fields);
  const written = fields.text("protocol");
  const placed = readAddresses(fields);
  const entries = parseEntries(fields, placed, written);
  const cut = cutAddresses(fields, placed, written);
  const from: Source = { path: fields.path, at: fields.at };
  const advertised = { name, namespace, addresses: cut.addresses, from, aliases };
  const pool = makeResource(
    "IPAddressPool",
    { name, namespace, legacyName, from, comments: [...comments, ...cut.comments] },
    {
      addresses: cut.addresses,
      autoAssign: fields.boolean("auto-assign"),
      avoidBuggyIPs: fields.boolean("avoid-buggy-ips") === true ? true : undefined,
    },
  );
  const announced =
    protocol === "bgp"
      ? announceOverBgp(fields, advertised, counts)
      : announceOnLayer2(fields, advertised, counts);
  fields.done(hintFor);
  return { resources: [pool, ...announced], entries };
}

/** Where keys belong that are often written at the wrong depth. */
function hintFor(key: string): string | undefined {
  if (["aggregation-length", "localpref", "communities"].includes(key))
    return "It belongs into an entry of bgp-advertisements.";
  return undefined;
}

function readProtocol(fields: Fields): Protocol | undefined {
  const written = fields.text("protocol");
  // 0.1 and 0.2 knew only BGP, and only they had this key.
  if (written === undefined && fields.has("advertisements")) return "bgp";
  if (written === "bgp") return "bgp";
  if (written !== undefined && ["layer2", "arp", "ndp"].includes(written)) return "layer2";
  const wayOut = "Write layer2 or bgp (before 0.5 also arp or ndp).";
  if (written === undefined) {
    fields.missing("protocol", wayOut);
    return undefined;
  }
  fields.report.refuse({
    rule: "H-F3",
    path: fields.pathOf("protocol"),
    at: fields.placeOf("protocol"),
    value: written,
    reason: "is no protocol",
    wayOut,
  });
  return undefined;
}

/** First all of `addresses`, then all of `cidr`: the order decides which address is given first. */
function readAddresses(fields: Fields): readonly Placed<string>[] {
  const both = [...(fields.texts("addresses") ?? []), ...(fields.texts("cidr") ?? [])];
  if (both.length === 0 && fields.node("addresses")?.type !== "scalar") {
    fields.missing("addresses", "List at least one prefix or range.");
  }
  return both;
}

const FAMILY_OF: Readonly<Record<string, IpRange["family"]>> = { arp: "ipv4", ndp: "ipv6" };

function parseEntries(
  { report }: Fields,
  placed: readonly Placed<string>[],
  protocol: string | undefined,
): ReadPool["entries"] {
  return placed.flatMap(one => {
    const range = parseIpRange(one.value.slice(0, MAX_ENTRY_CHARACTERS));
    const finding = { path: one.path, at: one.at, value: one.value };
    if (!range.ok) {
      const reason = "is no prefix and no range of addresses";
      const wayOut = "Write 192.0.2.0/24 or 192.0.2.10-192.0.2.20.";
      report.refuse({ ...finding, rule: "H-F3", reason, wayOut });
      return [];
    }
    const family = FAMILY_OF[protocol ?? ""];
    if (family !== undefined && family !== range.value.family) {
      const reason = `cannot be announced with protocol ${protocol ?? ""}`;
      const wayOut = "Write layer2, which speaks ARP and NDP.";
      report.refuse({ ...finding, rule: "H-F5", reason, wayOut });
    }
    return [{ placed: one, range: range.value }];
  });
}

function cutAddresses(
  fields: Fields,
  placed: readonly Placed<string>[],
  protocol: string | undefined,
): { readonly addresses: readonly string[]; readonly comments: readonly string[] } {
  const addresses = placed.map(({ value }) => value);
  if (protocol === "arp" && !fields.has("addresses")) return cutArpNetwork(fields, placed);
  if (!fields.has("arp-network")) return { addresses, comments: [] };
  const finding = {
    path: fields.pathOf("arp-network"),
    at: fields.placeOf("arp-network"),
    value: fields.text("arp-network") ?? "",
  };
  if (protocol === "bgp") {
    const reason = "is for pools with protocol arp";
    fields.report.refuse({ ...finding, rule: "H-F5", reason, wayOut: "Remove it." });
  } else {
    const reason = "means nothing since 0.5 and is ignored";
    fields.report.inform({ ...finding, rule: "H-F6", reason, wayOut: "Nothing has to be done." });
  }
  return { addresses, comments: [] };
}

function announceOverBgp(
  fields: Fields,
  pool: AdvertisedPool,
  counts: Counts,
): readonly ConvertedResource[] {
  const list = [...fields.maps("bgp-advertisements"), ...fields.maps("advertisements")];
  const made = makeAdvertisements(readAdvertisements(list, pool), pool, counts.bgp + 1);
  counts.bgp += made.length;
  return made;
}

function announceOnLayer2(
  fields: Fields,
  { name: pool, namespace, from }: AdvertisedPool,
  counts: Counts,
): readonly ConvertedResource[] {
  for (const key of ["bgp-advertisements", "advertisements"]) {
    if (fields.list(key) === undefined) continue;
    fields.report.refuse({
      rule: "H-F5",
      path: fields.pathOf(key),
      at: fields.placeOf(key),
      reason: "is for pools with protocol bgp",
      wayOut: "Remove it, or write protocol: bgp.",
    });
  }
  counts.layer2 += 1;
  const identity = { name: `l2advertisement${counts.layer2}`, namespace, from };
  return [makeResource("L2Advertisement", identity, { ipAddressPools: [pool] })];
}

function refuseOverlaps(report: LegacyReport, pool: ReadPool, before: readonly ReadPool[]): void {
  for (const other of before) {
    const hit = pool.entries.find(({ range }) =>
      other.entries.some(entry => rangesOverlap(entry.range, range)),
    );
    if (hit === undefined) continue;
    report.refuse({
      rule: "H-F5",
      path: hit.placed.path,
      at: hit.placed.at,
      value: hit.placed.value,
      reason: `of pool ${quote(pool.legacyName)} overlaps with pool ${quote(other.legacyName)}`,
      wayOut: "Take the common addresses out of one of them.",
    });
  }
}
