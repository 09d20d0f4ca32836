/** `bgp-advertisements[]` of a pool (0.1 and 0.2: `advertisements[]`): a BGPAdvertisement each. */
import { parseIpRange, toPrefixes } from "../../net/ip-prefix";
import { parseCommunity } from "../community";
import type { Fields, Placed } from "./fields";
import { makeResource, type ConvertedResource, type Source } from "./resources";

const MAX_LOCAL_PREF = 0xffff_ffff;

export interface AdvertisedPool {
  readonly namespace: string;
  /** Name of the IPAddressPool. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly from: Source;
  /** Names that a community may be written as. */
  readonly aliases: ReadonlySet<string>;
}

/** The specs of the pool's advertisements, equal ones once; one with the defaults when none is written. */
export function readAdvertisements(
  list: readonly Fields[],
  pool: AdvertisedPool,
): readonly { readonly spec: Readonly<Record<string, unknown>>; readonly from: Source }[] {
  const seen = new Set<string>();
  const read = list.flatMap(fields => {
    const spec = readOne(fields, pool);
    const text = JSON.stringify(spec);
    if (seen.has(text)) {
      fields.report.warn({
        rule: "H-F6",
        path: fields.path,
        at: fields.at,
        reason: "is equal to an advertisement before it and is left out",
        wayOut: "Nothing has to be done.",
      });
      return [];
    }
    seen.add(text);
    return [{ spec, from: { path: fields.path, at: fields.at } }];
  });
  return read.length > 0 ? read : [{ spec: {}, from: pool.from }];
}

/** The objects, numbered from `firstNumber`. */
export function makeAdvertisements(
  list: readonly { readonly spec: Readonly<Record<string, unknown>>; readonly from: Source }[],
  { name: pool, namespace }: AdvertisedPool,
  firstNumber: number,
): readonly ConvertedResource[] {
  return list.map(({ spec, from }, index) =>
    makeResource(
      "BGPAdvertisement",
      { name: `bgpadvertisement${firstNumber + index}`, namespace, from },
      { ...spec, ipAddressPools: [pool] },
    ),
  );
}

function readOne(fields: Fields, pool: AdvertisedPool): Readonly<Record<string, unknown>> {
  const communities = readCommunities(fields, pool.aliases);
  const spec = {
    aggregationLength: readLength(fields, "aggregation-length", { bits: 32, pool }),
    aggregationLengthV6: readLength(fields, "aggregation-length-v6", { bits: 128, pool }),
    localPref: fields.number("localpref", 0, MAX_LOCAL_PREF),
    communities: communities?.length === 0 ? undefined : communities,
  };
  fields.done();
  return spec;
}

function readLength(
  fields: Fields,
  key: string,
  { bits, pool }: { readonly bits: 32 | 128; readonly pool: AdvertisedPool },
): number | undefined {
  const length = fields.number(key, 0, bits);
  if (length === undefined) return undefined;
  const shorter = pool.addresses.find(text => shortestPrefix(text, bits) > length);
  if (shorter !== undefined) {
    fields.report.refuse({
      rule: "H-F5",
      path: fields.pathOf(key),
      at: fields.placeOf(key),
      value: String(length),
      reason: `would announce more than the pool has: ${shorter} is a longer prefix`,
      wayOut: `Write ${shortestPrefix(shorter, bits)} or more.`,
    });
  }
  return length;
}

/** The length of the largest aligned piece of the entry; 0 for the other family. */
function shortestPrefix(text: string, bits: 32 | 128): number {
  const range = parseIpRange(text);
  if (!range.ok || (range.value.family === "ipv4") !== (bits === 32)) return 0;
  return Math.min(...toPrefixes(range.value).map(({ lengthBits }) => lengthBits));
}

function readCommunities(
  fields: Fields,
  aliases: ReadonlySet<string>,
): readonly string[] | undefined {
  const texts = fields.texts("communities");
  for (const text of texts ?? []) checkCommunity(fields, text, aliases);
  return texts && [...new Set(texts.map(({ value }) => value))];
}

function checkCommunity(
  { report }: Fields,
  { value, path, at }: Placed<string>,
  aliases: ReadonlySet<string>,
): void {
  if (aliases.has(value) || parseCommunity(value).ok) return;
  report.refuse({
    rule: "H-F3",
    path,
    at,
    value,
    reason: "is neither a community nor a name of bgp-communities",
    wayOut: "Write for example 64512:1, or add the name there.",
  });
}
