/** L2Advertisement: names and selectors that mean something. */
import { GenericKind } from "kubernetes-fluent-client";
import type { Capability } from "pepr";
import type { Validate } from "./review";

class L2Advertisement extends GenericKind {}
const kind = {
  group: "metallb.io",
  version: "v1beta1",
  kind: "L2Advertisement",
  plural: "l2advertisements",
};

export function admitL2Advertisements({ When }: Capability, validate: Validate): void {
  When(L2Advertisement, kind)
    .IsCreatedOrUpdated()
    .Alias("admission:l2-advertisement")
    .Validate(validate);
  When(L2Advertisement, kind)
    .IsDeleted()
    .Alias("admission:l2-advertisement-deletion")
    .Validate(validate);
}
