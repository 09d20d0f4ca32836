/** Which pools an advertisement is for: by name, by label, or all (api.md's "attachment"). Both kinds of advertisement use it. */
import type { Pool } from "./configuration";
import type { LabelSelector } from "./generated/resources";
import { matchesSelector, type Selector } from "./labels";
import { compareText, type ObjectRef } from "./problem";
import type { Subject } from "./subject";

/** The fields that say which pools are meant. */
export interface PoolScope {
  readonly ipAddressPools?: readonly string[];
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
}

/** Pools that are in force, and the names of those that exist but were refused. */
export interface PoolDirectory {
  readonly pools: readonly Pool[];
  /** Names of `pools`, sorted; shared by every advertisement of all pools. */
  readonly names: readonly string[];
  readonly byName: ReadonlyMap<string, Pool>;
  readonly existingNames: ReadonlySet<string>;
  /** By the text of a selector: pools are matched once for each selector, however many advertisements have it. */
  readonly matches: Map<string, readonly string[]>;
}

export function createPoolDirectory(
  pools: readonly Pool[],
  existing: readonly ObjectRef[],
): PoolDirectory {
  return {
    pools,
    names: pools.map(pool => pool.name).sort(compareText),
    byName: new Map(pools.map(pool => [pool.name, pool])),
    existingNames: new Set(existing.map(ref => ref.name)),
    matches: new Map(),
  };
}

/**
 * The names of the pools in force that the advertisement is for, sorted, each once. Warns about names that no pool has and
 * selectors that match none: both are legal and do nothing.
 */
export function resolvePools(
  subject: Subject<PoolScope>,
  selectors: readonly Selector[],
  directory: PoolDirectory,
): readonly string[] {
  const { ipAddressPools = [], ipAddressPoolSelectors = [] } = subject.spec;
  if (ipAddressPools.length === 0 && ipAddressPoolSelectors.length === 0) return directory.names;
  const names = new Set(ipAddressPools.filter(name => directory.byName.has(name)));
  for (const [index, name] of ipAddressPools.entries()) {
    if (directory.existingNames.has(name)) continue;
    subject.warn({
      rule: "H-R1",
      field: `spec.ipAddressPools[${index}]`,
      value: name,
      reason: "names no existing IPAddressPool, so nothing of it is announced",
      wayOut: "Create that pool or correct the name.",
    });
  }
  for (const [index, selector] of selectors.entries()) {
    const matched = matchPools(selector, directory);
    for (const name of matched) names.add(name);
    if (matched.length > 0) continue;
    subject.warn({
      rule: "H-R4",
      field: `spec.ipAddressPoolSelectors[${index}]`,
      reason: "matches no IPAddressPool, so it announces nothing",
      wayOut: "Give a pool these labels or correct the selector.",
    });
  }
  return [...names].sort(compareText);
}

function matchPools(selector: Selector, directory: PoolDirectory): readonly string[] {
  const known = directory.matches.get(selector.text);
  if (known) return known;
  const matched = directory.pools
    .filter(pool => matchesSelector(selector, pool.labels))
    .map(pool => pool.name);
  directory.matches.set(selector.text, matched);
  return matched;
}
