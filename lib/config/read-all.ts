/** Every resource by itself, and the pools against each other: the ground on which the rules about several objects stand. */
import { PoolDirectory, resolvePools } from "./advertisement-scope";
import { readBfdProfile } from "./bfd-profiles";
import {
  readBgpAdvertisement,
  resolveBgpAdvertisement,
  type BgpAdvertisementDraft,
  type ReadBgpAdvertisement,
} from "./bgp-advertisements";
import type { Claims } from "./claims";
import { readCommunityAliases } from "./communities";
import type { BfdProfileConfig, L2AdvertisementConfig } from "./configuration";
import type {
  BFDProfileSpec,
  BGPAdvertisementSpec,
  BGPPeerSpec,
  CommunitySpec,
  IPAddressPoolSpec,
  L2AdvertisementSpec,
} from "./generated/resources";
import { readL2Advertisement, type ReadL2Advertisement } from "./l2-advertisements";
import type { ReadPeer } from "./peer-references";
import { readPeer } from "./peers";
import { refuseOverlaps } from "./pool-overlaps";
import { readPool, type PoolSubject } from "./pools";
import { compareText } from "./problem";
import { readObjects, type KindReader, type ReadObject, type ReadOptions } from "./read-subjects";
import type { ConfigurationResources } from "./resources";
import type { Subject } from "./subject";

/** From where the configuration is looked at. */
export interface View extends ReadOptions {
  readonly isUsable: (subject: Subject<unknown>) => boolean;
}

/** A resource with what was read from it. */
export interface Read<Spec, Config> {
  readonly subject: Subject<Partial<Spec>>;
  readonly config: Config;
}

/** All lists oldest first; `directory` and `claims` hold the pools that are in force. */
export interface ReadResources {
  readonly pools: readonly PoolSubject[];
  readonly claims: Claims;
  readonly directory: PoolDirectory;
  readonly profiles: readonly Read<BFDProfileSpec, BfdProfileConfig>[];
  readonly communities: readonly Subject<Partial<CommunitySpec>>[];
  readonly peers: readonly ReadPeer[];
  readonly l2: readonly Read<L2AdvertisementSpec, L2AdvertisementConfig>[];
  readonly bgp: readonly ReadBgpAdvertisement[];
}

export function readAll(resources: ConfigurationResources, view: View): ReadResources {
  const pools = readObjects(POOLS, resources.ipAddressPools, view);
  const claims = refuseOverlaps(pools);
  const directory = new PoolDirectory(
    pools
      .filter(({ subject }) => view.isUsable(subject))
      .map(({ pool }) => pool)
      .sort((left, right) => compareText(left.name, right.name)),
    pools.map(({ subject }) => subject.ref),
  );
  const communities = readObjects(COMMUNITIES, resources.communities, view).map(
    ({ subject }) => subject,
  );
  const aliases = readCommunityAliases(communities);
  return {
    pools,
    claims,
    directory,
    profiles: readObjects(PROFILES, resources.bfdProfiles, view),
    communities,
    peers: readObjects(PEERS, resources.bgpPeers, view),
    l2: readObjects(L2, resources.l2Advertisements, view).map(
      ({ subject, config, poolSelectors }) => ({
        subject,
        config: { ...config, pools: resolvePools(subject, poolSelectors, directory) },
      }),
    ),
    bgp: readObjects(BGP, resources.bgpAdvertisements, view).map(draft =>
      resolveBgpAdvertisement(draft, directory, aliases),
    ),
  };
}

const POOLS: KindReader<IPAddressPoolSpec, PoolSubject> = { kind: "IPAddressPool", read: readPool };
const COMMUNITIES: KindReader<CommunitySpec, ReadObject<CommunitySpec>> = {
  kind: "Community",
  read: subject => ({ subject }),
};
const PROFILES: KindReader<BFDProfileSpec, Read<BFDProfileSpec, BfdProfileConfig>> = {
  kind: "BFDProfile",
  read: subject => ({ subject, config: readBfdProfile(subject) }),
};
const PEERS: KindReader<BGPPeerSpec, ReadPeer> = {
  kind: "BGPPeer",
  read: subject => ({ subject, config: readPeer(subject) }),
};
const L2: KindReader<L2AdvertisementSpec, ReadL2Advertisement> = {
  kind: "L2Advertisement",
  read: readL2Advertisement,
};
const BGP: KindReader<BGPAdvertisementSpec, BgpAdvertisementDraft> = {
  kind: "BGPAdvertisement",
  read: readBgpAdvertisement,
};

/** The configurations of the usable ones, sorted by name. */
export function usableConfigs<Config extends { readonly name: string }>(
  list: readonly { readonly subject: Subject<unknown>; readonly config: Config }[],
  view: View,
): readonly Config[] {
  return list
    .filter(({ subject }) => view.isUsable(subject))
    .map(({ config }) => config)
    .sort((left, right) => compareText(left.name, right.name));
}
