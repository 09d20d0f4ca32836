/** BGPAdvertisement: aggregation that fits the pools, communities that exist, no conflict between advertisements. */
import { GenericKind } from "kubernetes-fluent-client";
import type { Capability } from "pepr";
import type { Validate } from "./review";

class BGPAdvertisement extends GenericKind {}
const kind = {
  group: "metallb.io",
  version: "v1beta1",
  kind: "BGPAdvertisement",
  plural: "bgpadvertisements",
};

export function admitBgpAdvertisements({ When }: Capability, validate: Validate): void {
  When(BGPAdvertisement, kind)
    .IsCreatedOrUpdated()
    .Alias("admission:bgp-advertisement")
    .Validate(validate);
  When(BGPAdvertisement, kind)
    .IsDeleted()
    .Alias("admission:bgp-advertisement-deletion")
    .Validate(validate);
}
