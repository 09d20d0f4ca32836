/** From planned routes to commands for the BGP thread: attribute sets named once, prefixes as text. */
import type { PeerRouteChanges, PlannedRoute } from "../../lib/announcement/route-table";
import { routeValuesKey, type RouteValues } from "../../lib/announcement/route-attributes";
import { linkBandwidth } from "../../lib/bgp/link-bandwidth";
import { toGracefulShutdown, type RouteAttributes } from "../../lib/bgp/route-attributes";
import type { AnnouncedRoutes, RoutesCommand, SessionRouteChanges } from "../../node/bgp-protocol";

/** The link bandwidth of one endpoint: 1 Gbit/s. Routers only compare the numbers of a prefix with each other. */
const OCTETS_PER_SECOND_OF_ENDPOINT = 125_000_000;

export interface RouteCommandOptions {
  /** The AS presented to a session, for link bandwidth. */
  readonly localAsOf: (session: string) => number;
  /** True: routes carry the graceful shutdown community, and the lowest LOCAL_PREF inside an AS (RFC 8326). */
  readonly isLeaving?: boolean;
  readonly sequence?: number;
}

/** One command for the changes of all sessions; undefined when there are none. */
export function toRoutesCommand(
  changes: readonly PeerRouteChanges[],
  options: RouteCommandOptions,
): RoutesCommand | undefined {
  if (changes.length === 0) return undefined;
  const sets = new AttributeSets(options);
  const perSession = changes.map(
    ({ peer, announced, withdrawn }): SessionRouteChanges => ({
      session: peer,
      withdrawn: [...withdrawn],
      announced: sets.group(peer, announced),
    }),
  );
  return {
    type: "routes",
    ...(options.sequence !== undefined && { sequence: options.sequence }),
    attributeSets: sets.list,
    changes: perSession,
  };
}

class AttributeSets {
  readonly list: RouteAttributes[] = [];
  readonly #options: RouteCommandOptions;
  readonly #indexes = new Map<string, number>();
  /** Most routes share the values object of their advertisement. */
  readonly #known = new Map<RouteValues, string>();

  constructor(options: RouteCommandOptions) {
    this.#options = options;
  }

  group(session: string, routes: readonly PlannedRoute[]): readonly AnnouncedRoutes[] {
    const prefixes = new Map<number, string[]>();
    const localAs = this.#options.localAsOf(session);
    for (const { key, values } of routes) {
      const index = this.#indexOf(values, localAs);
      const list = prefixes.get(index);
      if (list) list.push(key);
      else prefixes.set(index, [key]);
    }
    return Array.from(prefixes, ([attributes, list]) => ({ attributes, prefixes: list }));
  }

  #indexOf(values: RouteValues, localAs: number): number {
    const key = this.#keyOf(values, localAs);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const attributes = toRouteAttributes(values, localAs);
    const index = this.list.push(
      this.#options.isLeaving === true ? toGracefulShutdown(attributes) : attributes,
    );
    this.#indexes.set(key, index - 1);
    return index - 1;
  }

  #keyOf(values: RouteValues, localAs: number): string {
    let key = this.#known.get(values);
    if (key === undefined) {
      key = routeValuesKey(values);
      this.#known.set(values, key);
    }
    return values.weight === undefined ? key : `${localAs} ${key}`;
  }
}

function toRouteAttributes(values: RouteValues, localAs: number): RouteAttributes {
  const { weight, ...attributes } = values;
  if (weight === undefined) return attributes;
  const bandwidth = linkBandwidth(localAs, weight * OCTETS_PER_SECOND_OF_ENDPOINT);
  return { ...attributes, extendedCommunities: [bandwidth] };
}
