/** BFDProfile: a profile that a peer names cannot be deleted. */
import { GenericKind } from "kubernetes-fluent-client";
import type { Capability } from "pepr";
import type { Validate } from "./review";

class BFDProfile extends GenericKind {}
const kind = { group: "metallb.io", version: "v1beta1", kind: "BFDProfile", plural: "bfdprofiles" };

export function admitBfdProfiles({ When }: Capability, validate: Validate): void {
  When(BFDProfile, kind).IsCreatedOrUpdated().Alias("admission:bfd-profile").Validate(validate);
  When(BFDProfile, kind).IsDeleted().Alias("admission:bfd-profile-deletion").Validate(validate);
}
