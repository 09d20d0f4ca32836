/** The kinds of Herald's configuration and where they stand in `ConfigurationResources`. */
import { RESOURCE_SCHEMAS } from "../lib/config/generated/schemas";
import type { ConfigurationResources } from "../lib/config/resources";

export const GROUP = "metallb.io";

export type ListName = keyof ConfigurationResources &
  (
    | "ipAddressPools"
    | "l2Advertisements"
    | "bgpAdvertisements"
    | "bgpPeers"
    | "bfdProfiles"
    | "communities"
  );

export interface ConfigurationKind {
  readonly list: ListName;
  /** As in the paths of the API server. */
  readonly plural: string;
  /** In which the objects are read from a cluster. */
  readonly version: string;
}

export const CONFIGURATION_KINDS: ReadonlyMap<string, ConfigurationKind> = new Map([
  ["IPAddressPool", { list: "ipAddressPools", plural: "ipaddresspools", version: "v1beta1" }],
  ["L2Advertisement", { list: "l2Advertisements", plural: "l2advertisements", version: "v1beta1" }],
  [
    "BGPAdvertisement",
    { list: "bgpAdvertisements", plural: "bgpadvertisements", version: "v1beta1" },
  ],
  ["BGPPeer", { list: "bgpPeers", plural: "bgppeers", version: "v1beta2" }],
  ["BFDProfile", { list: "bfdProfiles", plural: "bfdprofiles", version: "v1beta1" }],
  ["Community", { list: "communities", plural: "communities", version: "v1beta1" }],
]);

export function isOfGroup(apiVersion: string): boolean {
  return apiVersion.split("/")[0] === GROUP;
}

/** The versions in which the API server serves the kind; empty for a kind that does not exist. */
export function servedVersions(kind: string): readonly string[] {
  return Object.keys(RESOURCE_SCHEMAS)
    .map(key => key.split("/"))
    .filter(([name]) => name === kind)
    .map(([, version]) => `${GROUP}/${version ?? ""}`);
}
