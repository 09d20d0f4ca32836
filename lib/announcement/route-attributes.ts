/** What a route carries, as advertisements say it, and how the wishes of several become one. */
import type { BgpAdvertisementConfig, ServiceRouteAttributes } from "../config/configuration";
import { matchesAnyOrEmpty, type Labels } from "../config/labels";
import type { Community } from "../config/community";

/** A large community (RFC 8092) in the words of the codec. */
export interface LargeCommunityValue {
  readonly global: number;
  readonly data1: number;
  readonly data2: number;
}

/** Attributes of one route towards any peer; what depends on the session is not among them. */
export interface RouteValues {
  /** Absent: none was asked for, which internal peers see as 100. */
  readonly localPreference?: number;
  /** MULTI_EXIT_DISC; absent: not sent. */
  readonly multiExitDisc?: number;
  /** How often the own AS is repeated; absent: 0. */
  readonly asPathPrepend?: number;
  /** RFC 1997, unsigned 32 bits, sorted, each once. */
  readonly communities: readonly number[];
  /** Sorted, each once. */
  readonly largeCommunities: readonly LargeCommunityValue[];
  /** Endpoints behind the node for weighted ECMP; absent: no link bandwidth is sent. */
  readonly weight?: number;
}

/** LOCAL_PREF 0 in a resource stands for "none", as unset does. */
function toRouteValues(
  given: Pick<BgpAdvertisementConfig, "localPref" | "communities"> &
    Partial<Pick<BgpAdvertisementConfig, "multiExitDisc" | "asPathPrepend">>,
): RouteValues {
  const { localPref, multiExitDisc, asPathPrepend = 0, communities } = given;
  return {
    ...(localPref === 0 ? {} : { localPreference: localPref }),
    ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
    ...(asPathPrepend === 0 ? {} : { asPathPrepend }),
    communities: uniteNumbers([communities.flatMap(toStandard)]),
    largeCommunities: uniteLarge([communities.flatMap(toLarge)]),
  };
}

/** The attributes of an advertisement for a Service: its own, or those of the first entry of `serviceAttributes` that matches. */
export class AdvertisedAttributes {
  readonly #general: RouteValues;
  readonly #special: readonly { entry: ServiceRouteAttributes; values: RouteValues }[];

  constructor(advertisement: BgpAdvertisementConfig) {
    this.#general = toRouteValues(advertisement);
    this.#special = (advertisement.serviceAttributes ?? []).map(entry => ({
      entry,
      values: toRouteValues({ ...advertisement, ...withoutSelectors(entry) }),
    }));
  }

  /** The same object for all Services with the same values. */
  of(labels: Labels): RouteValues {
    const special = this.#special.find(({ entry }) =>
      matchesAnyOrEmpty(entry.serviceSelectors, labels),
    );
    return special?.values ?? this.#general;
  }
}

/**
 * One set of attributes from several, of routes for one prefix to one peer: every community of any of them, and of the rest what
 * makes the route the more attractive (higher LOCAL_PREF, lower MED, shorter path). Weights are the caller's. The order has no
 * influence. Expects at least one.
 */
export function mergeRouteValues(
  values: readonly [RouteValues, ...(readonly RouteValues[])],
): RouteValues {
  const [first] = values;
  if (values.every(each => each === first)) return first;
  const localPreference = highest(values.map(each => each.localPreference ?? 0));
  const multiExitDisc = lowestOf(values.map(each => each.multiExitDisc));
  const asPathPrepend = Math.min(...values.map(each => each.asPathPrepend ?? 0));
  return {
    ...(localPreference === 0 ? {} : { localPreference }),
    ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
    ...(asPathPrepend === 0 ? {} : { asPathPrepend }),
    communities: uniteNumbers(values.map(each => each.communities)),
    largeCommunities: uniteLarge(values.map(each => each.largeCommunities)),
  };
}

/** Equal texts for equal attributes. */
export function routeValuesKey(values: RouteValues): string {
  const { localPreference, multiExitDisc, asPathPrepend, weight } = values;
  const large = values.largeCommunities.map(toLargeText);
  return JSON.stringify([
    [localPreference, multiExitDisc, asPathPrepend, weight].map(value => value ?? null),
    values.communities,
    large,
  ]);
}

function withoutSelectors(
  entry: ServiceRouteAttributes,
): Omit<ServiceRouteAttributes, "serviceSelectors"> {
  const { localPref, communities, multiExitDisc, asPathPrepend } = entry;
  return {
    ...(localPref === undefined ? {} : { localPref }),
    ...(communities === undefined ? {} : { communities }),
    ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
    ...(asPathPrepend === undefined ? {} : { asPathPrepend }),
  };
}

function toStandard(community: Community): readonly number[] {
  return community.type === "standard" ? [community.high * 0x1_0000 + community.low] : [];
}

function toLarge(community: Community): readonly LargeCommunityValue[] {
  if (community.type === "standard") return [];
  const { globalAdministrator, localData1, localData2 } = community;
  return [{ global: globalAdministrator, data1: localData1, data2: localData2 }];
}

function uniteNumbers(lists: readonly (readonly number[])[]): readonly number[] {
  return [...new Set(lists.flat())].sort((left, right) => left - right);
}

function uniteLarge(
  lists: readonly (readonly LargeCommunityValue[])[],
): readonly LargeCommunityValue[] {
  const byText = new Map(lists.flat().map(value => [toLargeText(value), value]));
  return [...byText.values()].sort(
    (left, right) =>
      left.global - right.global || left.data1 - right.data1 || left.data2 - right.data2,
  );
}

function toLargeText({ global, data1, data2 }: LargeCommunityValue): string {
  return `${global}:${data1}:${data2}`;
}

/** A LOCAL_PREF that nobody asked for is 100 at the peer, and is beaten by what is higher only. */
const DEFAULT_LOCAL_PREFERENCE = 100;

function highest(preferences: readonly number[]): number {
  const weigh = (preference: number): number =>
    preference === 0 ? DEFAULT_LOCAL_PREFERENCE : preference;
  return preferences.reduce((best, next) => {
    if (weigh(next) !== weigh(best)) return weigh(next) > weigh(best) ? next : best;
    // 100 said and 100 implied are one value; said wins, so that the order has no influence.
    return Math.max(best, next);
  });
}

/** A route without MED counts as 0 with most routers, so one without makes the result one without. */
function lowestOf(values: readonly (number | undefined)[]): number | undefined {
  const given = values.filter(value => value !== undefined);
  return given.length < values.length ? undefined : Math.min(...given);
}
