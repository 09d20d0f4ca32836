/** IPAddressPool: addresses in normal form, no overlap with any other pool, nothing left dangling by a deletion. */
import { GenericKind } from "kubernetes-fluent-client";
import type { Capability } from "pepr";
import { normaliseIPAddressPool } from "../../lib/config/admission";
import { normalising, type Validate } from "./review";

class IPAddressPool extends GenericKind {}
const kind = {
  group: "metallb.io",
  version: "v1beta1",
  kind: "IPAddressPool",
  plural: "ipaddresspools",
};

export function admitIpAddressPools({ When }: Capability, validate: Validate): void {
  When(IPAddressPool, kind)
    .IsCreatedOrUpdated()
    .Alias("admission:ip-address-pool")
    .Mutate(normalising(normaliseIPAddressPool))
    .Validate(validate);
  When(IPAddressPool, kind)
    .IsDeleted()
    .Alias("admission:ip-address-pool-deletion")
    .Validate(validate);
}
