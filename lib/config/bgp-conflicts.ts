/**
 * BGPAdvertisements against pools and against each other (rules V-G14, V-G15). What an advertisement must not do for one pool it
 * does not do for that pool alone; for the others it stays in force.
 */
import type { PoolDirectory } from "./advertisement-scope";
import type { ReadBgpAdvertisement } from "./bgp-advertisements";
import type { BgpAdvertisementConfig } from "./configuration";
import type { NodeDirectory } from "./node-directory";
import { summarisePool, type PoolSummary } from "./pool-summary";
import { formatObject, quote, type ObjectRef } from "./problem";

/** Pools in force by name, each with what the rules look at. */
export class PoolSummaries {
  readonly #directory: PoolDirectory;
  readonly #summaries = new Map<string, PoolSummary>();
  readonly #refs = new Map<string, ObjectRef>();
  readonly #lists = new Map<readonly string[], readonly ObjectRef[]>();

  constructor(directory: PoolDirectory) {
    this.#directory = directory;
  }

  get(name: string): PoolSummary {
    const known = this.#summaries.get(name);
    if (known) return known;
    const pool = this.#directory.byName.get(name);
    const summary = pool ? summarisePool(pool) : {};
    this.#summaries.set(name, summary);
    return summary;
  }

  /** One object for each pool, however many problems it takes part in. */
  refOf(name: string): ObjectRef {
    const known = this.#refs.get(name);
    if (known) return known;
    const namespace = this.#directory.byName.get(name)?.namespace ?? "";
    const ref = { kind: "IPAddressPool", namespace, name };
    this.#refs.set(name, ref);
    return ref;
  }

  /** One list for each list: many advertisements share the one of all pools. */
  refsOf(names: readonly string[]): readonly ObjectRef[] {
    const known = this.#lists.get(names);
    if (known) return known;
    const refs = names.map(name => this.refOf(name));
    this.#lists.set(names, refs);
    return refs;
  }
}

const LENGTHS = [
  { family: "ipv4", key: "aggregationLengthV4", field: "aggregationLength", bits: 32 },
  { family: "ipv6", key: "aggregationLengthV6", field: "aggregationLengthV6", bits: 128 },
] as const;

/** Rule V-G14: an aggregate must not reach beyond the pool's own prefixes, or it would attract traffic for others. */
export function refuseWideAggregates(
  advertisement: ReadBgpAdvertisement,
  summaries: PoolSummaries,
): void {
  const { config } = advertisement;
  if (config.aggregationLengthV4 === 32 && config.aggregationLengthV6 === 128) return;
  const fitting = config.pools.filter(name => {
    const summary = summaries.get(name);
    const tooWide = LENGTHS.filter(
      ({ family, key }) => config[key] < (summary[family]?.lengthBits ?? 0),
    );
    const owner = summaries.refOf(name);
    for (const length of tooWide) refuseAggregate(advertisement, { owner, summary, length });
    return tooWide.length === 0;
  });
  if (fitting.length < config.pools.length) advertisement.config = { ...config, pools: fitting };
}

function refuseAggregate(
  { subject, config }: ReadBgpAdvertisement,
  {
    owner,
    summary,
    length,
  }: { owner: ObjectRef; summary: PoolSummary; length: (typeof LENGTHS)[number] },
): void {
  const limit = summary[length.family];
  if (limit === undefined) return;
  const entry = `${quote(limit.entry.text)} of ${formatObject(owner)}`;
  subject.refusePart({
    rule: "V-G14",
    field: `spec.${length.field}`,
    value: String(config[length.key]),
    reason: `makes prefixes wider than ${entry}, whose largest prefix has ${limit.lengthBits} bits`,
    wayOut: `Use ${limit.lengthBits} to ${length.bits}, or name only pools that are large enough.`,
    related: [owner],
  });
}

/**
 * Rule V-G15: one route cannot have two values of LOCAL_PREF. Expects the advertisements oldest first; the younger of two does
 * not apply to the pools they share. `isUsable` says which advertisements count.
 */
export function refuseLocalPrefConflicts(
  advertisements: readonly ReadBgpAdvertisement[],
  { summaries, nodes }: { summaries: PoolSummaries; nodes: NodeDirectory },
  isUsable: (advertisement: ReadBgpAdvertisement) => boolean,
): void {
  const inForce: ReadBgpAdvertisement[] = [];
  for (const advertisement of advertisements) {
    if (advertisement.config.serviceSelectors.length > 0) continue;
    for (const other of inForce) {
      if (!mayConflict(advertisement.config, other.config, nodes)) continue;
      const shared = conflictingPools(advertisement.config, other.config, summaries);
      if (shared.length === 0) continue;
      refuseLocalPref(advertisement, other, summaries.refsOf(shared));
    }
    if (isUsable(advertisement) && advertisement.config.pools.length > 0) {
      inForce.push(advertisement);
    }
  }
}

/** Whether the two can make routes for one address that reach one peer from one node. */
function mayConflict(
  left: BgpAdvertisementConfig,
  right: BgpAdvertisementConfig,
  nodes: NodeDirectory,
): boolean {
  if (left.localPref === right.localPref) return false;
  // A backup does not count where another one applies.
  if (left.isBackup !== right.isBackup) return false;
  const differ = lengthsDiffer(left, right);
  if (differ.ipv4 && differ.ipv6) return false;
  const isPeerDisjoint =
    left.peers.length > 0 &&
    right.peers.length > 0 &&
    !left.peers.some(peer => right.peers.includes(peer));
  return !isPeerDisjoint && nodes.mayShareNode(left.nodeSelectors, right.nodeSelectors);
}

/**
 * The pools of both for which some aggregate comes out the same: a mixed pool needs both lengths to differ. When these are all
 * pools of `left`, it is the same array.
 */
function conflictingPools(
  left: BgpAdvertisementConfig,
  right: BgpAdvertisementConfig,
  summaries: PoolSummaries,
): readonly string[] {
  const differ = lengthsDiffer(left, right);
  const others = left.pools === right.pools ? undefined : new Set(right.pools);
  const conflicting = left.pools.filter(name => {
    if (others && !others.has(name)) return false;
    const { ipv4, ipv6 } = summaries.get(name);
    return (ipv4 !== undefined && !differ.ipv4) || (ipv6 !== undefined && !differ.ipv6);
  });
  return conflicting.length === left.pools.length ? left.pools : conflicting;
}

function lengthsDiffer(
  left: BgpAdvertisementConfig,
  right: BgpAdvertisementConfig,
): { readonly ipv4: boolean; readonly ipv6: boolean } {
  return {
    ipv4: left.aggregationLengthV4 !== right.aggregationLengthV4,
    ipv6: left.aggregationLengthV6 !== right.aggregationLengthV6,
  };
}

function refuseLocalPref(
  advertisement: ReadBgpAdvertisement,
  other: ReadBgpAdvertisement,
  pools: readonly ObjectRef[],
): void {
  const { subject, config } = advertisement;
  const [first] = pools;
  const more = pools.length > 1 ? ` and ${pools.length - 1} more` : "";
  const where = first === undefined ? "a pool" : `${formatObject(first)}${more}`;
  subject.refusePart({
    rule: "V-G15",
    field: "spec.localPref",
    value: String(config.localPref),
    reason: `differs from ${other.config.localPref} in ${formatObject(other.subject.ref)} for ${where}`,
    wayOut: "Use one value, or choose different pools, peers, nodes or aggregation lengths.",
    related: [other.subject.ref, ...pools],
  });
  const excluded = new Set(pools.length < config.pools.length ? pools.map(({ name }) => name) : []);
  const rest = excluded.size === 0 ? [] : config.pools.filter(name => !excluded.has(name));
  advertisement.config = { ...config, pools: rest };
}
