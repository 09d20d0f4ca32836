/**
 * Every route this node originates: the contributions of all Services, put together by prefix and peer. Costs of a change depend
 * on the Services that share its prefixes, not on how many there are.
 *
 *      setService(key, contributions) ──► prefixes to look at ──► takeChanges ──► per peer: routes to send, prefixes to withdraw
 */
import type { IpPrefix } from "../net/ip-prefix";
import type { RouteContribution } from "./plan-routes";
import { mergeRouteValues, routeValuesKey, type RouteValues } from "./route-attributes";

export interface PlannedRoute {
  readonly prefix: IpPrefix;
  /** Canonical text of the prefix. */
  readonly key: string;
  readonly values: RouteValues;
}

/** What a peer has to learn. */
export interface PeerRouteChanges {
  readonly peer: string;
  readonly announced: readonly PlannedRoute[];
  /** Canonical text of prefixes. */
  readonly withdrawn: readonly string[];
}

interface PrefixEntry {
  readonly prefix: IpPrefix;
  readonly byService: Map<string, readonly RouteContribution[]>;
  /** What each peer was told last. */
  told: ReadonlyMap<string, RouteValues>;
}

export class RouteTable {
  readonly #prefixes = new Map<string, PrefixEntry>();
  readonly #services = new Map<string, readonly RouteContribution[]>();
  readonly #touched = new Set<string>();

  /** The Service wants exactly these routes, in place of those before; none when it is not announced. */
  setService(service: string, contributions: readonly RouteContribution[]): void {
    for (const { key } of this.#services.get(service) ?? []) {
      this.#prefixes.get(key)?.byService.delete(service);
      this.#touched.add(key);
    }
    if (contributions.length === 0) this.#services.delete(service);
    else this.#services.set(service, contributions);
    for (const contribution of contributions) this.#add(service, contribution);
  }

  /** What differs, for each peer, from what the last calls returned; peers and prefixes sorted. */
  takeChanges(): readonly PeerRouteChanges[] {
    const announced = new Map<string, PlannedRoute[]>();
    const withdrawn = new Map<string, string[]>();
    for (const key of [...this.#touched].sort()) {
      const entry = this.#prefixes.get(key);
      if (entry === undefined) continue;
      const wanted = mergeByPeer(entry.byService);
      for (const [peer, values] of wanted) {
        if (isSame(entry.told.get(peer), values)) continue;
        append(announced, peer, { prefix: entry.prefix, key, values });
      }
      for (const peer of entry.told.keys()) {
        if (!wanted.has(peer)) append(withdrawn, peer, key);
      }
      entry.told = wanted;
      if (entry.byService.size === 0) this.#prefixes.delete(key);
    }
    this.#touched.clear();
    return [...new Set([...announced.keys(), ...withdrawn.keys()])].sort().map(peer => ({
      peer,
      announced: announced.get(peer) ?? [],
      withdrawn: withdrawn.get(peer) ?? [],
    }));
  }

  /** Everything a peer was told, sorted by prefix: for one whose session is made anew. */
  routesOf(peer: string): readonly PlannedRoute[] {
    const routes: PlannedRoute[] = [];
    for (const [key, { prefix, told }] of this.#prefixes) {
      const values = told.get(peer);
      if (values !== undefined) routes.push({ prefix, key, values });
    }
    return routes.sort((left, right) => (left.key < right.key ? -1 : 1));
  }

  #add(service: string, contribution: RouteContribution): void {
    const { key, prefix } = contribution;
    this.#touched.add(key);
    let entry = this.#prefixes.get(key);
    if (entry === undefined) {
      entry = { prefix, byService: new Map(), told: new Map() };
      this.#prefixes.set(key, entry);
    }
    const others = entry.byService.get(service) ?? [];
    entry.byService.set(service, [...others, contribution]);
  }
}

/** The attributes of one prefix for each peer that gets it. Contributions of several Services count alike. */
function mergeByPeer(
  byService: ReadonlyMap<string, readonly RouteContribution[]>,
): ReadonlyMap<string, RouteValues> {
  const [only, ...more] = [...byService.values()].flat();
  if (only === undefined) return new Map();
  if (more.length === 0) {
    const values =
      only.weight === undefined ? only.values : { ...only.values, weight: only.weight };
    return new Map(only.peers.map(peer => [peer, values]));
  }
  const peers = new Set([...byService.values()].flat().flatMap(each => each.peers));
  return new Map([...peers].sort().map(peer => [peer, mergeFor(peer, byService)]));
}

function mergeFor(
  peer: string,
  byService: ReadonlyMap<string, readonly RouteContribution[]>,
): RouteValues {
  const ofPeer = [...byService.values()].flat().filter(({ peers }) => peers.includes(peer));
  const primary = ofPeer.filter(({ isBackup }) => !isBackup);
  const counting = primary.length > 0 ? primary : ofPeer;
  // Thousands of Services of one aggregate share the few objects of their advertisements.
  const [first, ...rest] = new Set(counting.map(({ values }) => values));
  if (first === undefined) return { communities: [], largeCommunities: [] };
  const merged = mergeRouteValues([first, ...rest]);
  const weight = sumWeights(new Set(counting), byService);
  return weight === 0 ? merged : { ...merged, weight };
}

/** Endpoints of every Service that asks for weights, each Service counted once. */
function sumWeights(
  counting: ReadonlySet<RouteContribution>,
  byService: ReadonlyMap<string, readonly RouteContribution[]>,
): number {
  let sum = 0;
  for (const contributions of byService.values()) {
    const ofService = contributions.filter(each => counting.has(each));
    sum += Math.max(0, ...ofService.map(({ weight = 0 }) => weight));
  }
  return sum;
}

function isSame(left: RouteValues | undefined, right: RouteValues): boolean {
  if (left === undefined) return false;
  return left === right || routeValuesKey(left) === routeValuesKey(right);
}

function append<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
