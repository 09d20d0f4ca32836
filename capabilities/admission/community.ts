/** Community: aliases that are unique over all objects and stand for a standard or large community. */
import { GenericKind } from "kubernetes-fluent-client";
import type { Capability } from "pepr";
import type { Validate } from "./review";

class Community extends GenericKind {}
const kind = { group: "metallb.io", version: "v1beta1", kind: "Community", plural: "communities" };

export function admitCommunities({ When }: Capability, validate: Validate): void {
  When(Community, kind).IsCreatedOrUpdated().Alias("admission:community").Validate(validate);
  When(Community, kind).IsDeleted().Alias("admission:community-deletion").Validate(validate);
}
