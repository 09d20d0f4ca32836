/** BGPPeer, in its storage version: the API server converts v1beta1 before it asks (matchPolicy Equivalent). */
import { GenericKind } from "kubernetes-fluent-client";
import type { Capability } from "pepr";
import { normaliseBGPPeer } from "../../lib/config/admission";
import { normalising, type Validate } from "./review";

class BGPPeer extends GenericKind {}
const kind = { group: "metallb.io", version: "v1beta2", kind: "BGPPeer", plural: "bgppeers" };

export function admitBgpPeers({ When }: Capability, validate: Validate): void {
  When(BGPPeer, kind)
    .IsCreatedOrUpdated()
    .Alias("admission:bgp-peer")
    .Mutate(normalising(normaliseBGPPeer))
    .Validate(validate);
  When(BGPPeer, kind).IsDeleted().Alias("admission:bgp-peer-deletion").Validate(validate);
}
