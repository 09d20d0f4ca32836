/** What a BGPAdvertisement of Herald can say beyond MetalLB's: further attributes, and attributes of single Services. */
import {
  readCommunities,
  resolveCommunities,
  type BgpAdvertisementSubject,
  type GivenCommunity,
} from "./bgp-advertisements";
import type { CommunityAliases } from "./communities";
import type { BgpAdvertisementConfig, ServiceRouteAttributes } from "./configuration";
import type { BGPAdvertisementSpec } from "./generated/resources";
import { readSelectors } from "./selectors";

/** An entry of `serviceAttributes` whose aliases are not looked up yet; undefined: it names no communities. */
export interface ServiceAttributesDraft {
  readonly communities: readonly GivenCommunity[] | undefined;
  readonly values: Omit<ServiceRouteAttributes, "communities">;
}

type RouteOptions = Pick<
  BgpAdvertisementConfig,
  "multiExitDisc" | "asPathPrepend" | "isBackup" | "isWeightedByEndpoints"
>;

/** The schema has checked the numbers. */
export function readRouteOptions(spec: Partial<BGPAdvertisementSpec>): RouteOptions {
  const { multiExitDisc, asPathPrepend, backup, weightByEndpoints } = spec;
  return {
    ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
    ...(asPathPrepend === undefined ? {} : { asPathPrepend }),
    ...(backup === undefined ? {} : { isBackup: backup }),
    ...(weightByEndpoints === undefined ? {} : { isWeightedByEndpoints: weightByEndpoints }),
  };
}

/** Reads `serviceAttributes`; what is wrong is reported on the subject. */
export function readServiceAttributes(
  subject: BgpAdvertisementSubject,
): readonly ServiceAttributesDraft[] {
  return (subject.spec.serviceAttributes ?? []).map((entry, index) => {
    const field = `spec.serviceAttributes[${index}]`;
    const { localPref, communities, multiExitDisc, asPathPrepend } = entry;
    return {
      communities: communities && readCommunities(subject, communities, `${field}.communities`),
      values: {
        serviceSelectors: readSelectors(subject, entry.serviceSelectors, {
          field: `${field}.serviceSelectors`,
          doubles: "V-G6",
          validity: "V-G13",
        }),
        ...(localPref === undefined ? {} : { localPref }),
        ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
        ...(asPathPrepend === undefined ? {} : { asPathPrepend }),
      },
    };
  });
}

export function resolveServiceAttributes(
  subject: BgpAdvertisementSubject,
  { communities, values }: ServiceAttributesDraft,
  aliases: CommunityAliases,
): ServiceRouteAttributes {
  if (communities === undefined) return values;
  return { ...values, communities: resolveCommunities(subject, communities, aliases) };
}
