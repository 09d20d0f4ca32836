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
export class PoolDirectory {
  readonly pools: readonly Pool[];
  /** Names of `pools`, sorted; shared by every advertisement of all pools. */
  readonly names: readonly string[];
  readonly #existing: readonly ObjectRef[];
  /** By the text of a selector: pools are matched once for each selector, however many advertisements have it. */
  readonly #matches = new Map<string, readonly string[]>();
  #byName: ReadonlyMap<string, Pool> | undefined;
  #existingNames: ReadonlySet<string> | undefined;

  /** Expects the pools sorted by name. */
  constructor(pools: readonly Pool[], existing: readonly ObjectRef[]) {
    this.pools = pools;
    this.names = pools.map(pool => pool.name);
    this.#existing = existing;
  }

  get byName(): ReadonlyMap<string, Pool> {
    return (this.#byName ??= new Map(this.pools.map(pool => [pool.name, pool])));
  }

  get existingNames(): ReadonlySet<string> {
    return (this.#existingNames ??= new Set(this.#existing.map(ref => ref.name)));
  }

  /** The names of the pools that the selector matches, sorted. */
  match(selector: Selector): readonly string[] {
    const known = this.#matches.get(selector.text);
    if (known) return known;
    const matched = this.pools
      .filter(pool => matchesSelector(selector, pool.labels))
      .map(pool => pool.name);
    this.#matches.set(selector.text, matched);
    return matched;
  }
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
    const matched = directory.match(selector);
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
