/** Every resource by itself, and the pools against each other: the ground on which the rules about several objects stand. */
import { createPoolDirectory, type PoolDirectory } from "./advertisement-scope";
import { readBfdProfile } from "./bfd-profiles";
import { readBgpAdvertisement, type ReadBgpAdvertisement } from "./bgp-advertisements";
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
import { readL2Advertisement } from "./l2-advertisements";
import type { ReadPeer } from "./peer-references";
import { readPeer } from "./peers";
import { refuseOverlaps } from "./pool-overlaps";
import { readPool, type PoolSubject } from "./pools";
import { compareText, type ObjectRef } from "./problem";
import { readSubjects } from "./read-subjects";
import type { ConfigurationResources } from "./resources";
import type { Subject } from "./subject";

/** From where the configuration is looked at. */
export interface View {
  readonly isUsable: (subject: Subject<unknown>) => boolean;
  /** Counts as younger than every other object, whatever its time of creation. */
  readonly youngest?: ObjectRef;
}

/** A resource with what was read from it. */
export interface Read<Spec, Config> {
  readonly subject: Subject<Partial<Spec>>;
  readonly config: Config;
}

/** All lists oldest first; `directory` holds the pools that are in force. */
export interface ReadResources {
  readonly pools: readonly PoolSubject[];
  readonly directory: PoolDirectory;
  readonly profiles: readonly Read<BFDProfileSpec, BfdProfileConfig>[];
  readonly communities: readonly Subject<Partial<CommunitySpec>>[];
  readonly peers: readonly ReadPeer[];
  readonly l2: readonly Read<L2AdvertisementSpec, L2AdvertisementConfig>[];
  readonly bgp: readonly ReadBgpAdvertisement[];
}

export function readAll(resources: ConfigurationResources, view: View): ReadResources {
  const { youngest } = view;
  const subjects = <Spec extends object>(
    kind: string,
    list: readonly unknown[] | undefined,
  ): readonly Subject<Partial<Spec>>[] => readSubjects<Spec>(kind, list, youngest);

  const pools = subjects<IPAddressPoolSpec>("IPAddressPool", resources.ipAddressPools).map(
    readPool,
  );
  refuseOverlaps(pools);
  const directory = createPoolDirectory(
    pools
      .filter(({ subject }) => view.isUsable(subject))
      .map(({ pool }) => pool)
      .sort((left, right) => compareText(left.name, right.name)),
    pools.map(({ subject }) => subject.ref),
  );
  const communities = subjects<CommunitySpec>("Community", resources.communities);
  const aliases = readCommunityAliases(communities);
  return {
    pools,
    directory,
    profiles: subjects<BFDProfileSpec>("BFDProfile", resources.bfdProfiles).map(subject => ({
      subject,
      config: readBfdProfile(subject),
    })),
    communities,
    peers: subjects<BGPPeerSpec>("BGPPeer", resources.bgpPeers).map(subject => ({
      subject,
      config: readPeer(subject),
    })),
    l2: subjects<L2AdvertisementSpec>("L2Advertisement", resources.l2Advertisements).map(
      subject => ({ subject, config: readL2Advertisement(subject, directory) }),
    ),
    bgp: subjects<BGPAdvertisementSpec>("BGPAdvertisement", resources.bgpAdvertisements).map(
      subject => readBgpAdvertisement(subject, directory, aliases),
    ),
  };
}

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
