/**
 * The controller as Pepr sees it: every change of our kinds is a reason to judge the whole configuration again. Services are not
 * watched through Pepr but by the controller's own informers, which also see these kinds: allocation works without Pepr's watches.
 */
import { GenericKind } from "kubernetes-fluent-client";
import { Capability } from "pepr";
import { startController } from "./main";

export const controller = new Capability({
  name: "controller",
  description: "Addresses for Services of type LoadBalancer",
});

// Pepr says with PEPR_WATCH_MODE which process this is; a build is no process of ours.
const isController =
  process.env["PEPR_WATCH_MODE"] === "true" && process.env["PEPR_MODE"] !== "build";
const running = isController ? startController(process.env) : undefined;

function judgeConfiguration(): void {
  running?.judge();
}

class IPAddressPool extends GenericKind {}
class L2Advertisement extends GenericKind {}
class BGPAdvertisement extends GenericKind {}
class BGPPeer extends GenericKind {}
class BFDProfile extends GenericKind {}
class Community extends GenericKind {}

const group = "metallb.io";
const version = "v1beta1";
const watched = [
  [IPAddressPool, { group, version, kind: "IPAddressPool", plural: "ipaddresspools" }],
  [L2Advertisement, { group, version, kind: "L2Advertisement", plural: "l2advertisements" }],
  [BGPAdvertisement, { group, version, kind: "BGPAdvertisement", plural: "bgpadvertisements" }],
  [BGPPeer, { group, version: "v1beta2", kind: "BGPPeer", plural: "bgppeers" }],
  [BFDProfile, { group, version, kind: "BFDProfile", plural: "bfdprofiles" }],
  [Community, { group, version, kind: "Community", plural: "communities" }],
] as const;

const { When } = controller;
for (const [model, kind] of watched) {
  const alias = `controller:${kind.plural}`;
  When(model, kind).IsCreatedOrUpdated().Alias(alias).Reconcile(judgeConfiguration);
  When(model, kind).IsDeleted().Alias(`${alias}-deleted`).Watch(judgeConfiguration);
}
