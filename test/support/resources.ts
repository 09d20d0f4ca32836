/** Builders of the resources as users write them; every one is valid until a test says otherwise. */
import type {
  BFDProfile,
  BFDProfileSpec,
  BGPAdvertisement,
  BGPAdvertisementSpec,
  BGPPeer,
  BGPPeerSpec,
  Community,
  IPAddressPool,
  IPAddressPoolSpec,
  L2Advertisement,
  L2AdvertisementSpec,
  LabelSelector,
  ObjectMeta,
} from "../../lib/config/generated/resources";

export const NAMESPACE = "metallb-system";

export function metadata(name: string, given: Partial<ObjectMeta> = {}): ObjectMeta {
  return { name, namespace: NAMESPACE, ...given };
}

export function ipAddressPool(
  name: string,
  addresses: readonly string[],
  spec: Partial<IPAddressPoolSpec> = {},
): IPAddressPool {
  return { ...header("IPAddressPool"), metadata: metadata(name), spec: { addresses, ...spec } };
}

export function l2Advertisement(name: string, spec: L2AdvertisementSpec = {}): L2Advertisement {
  return { ...header("L2Advertisement"), metadata: metadata(name), spec };
}

export function bgpAdvertisement(name: string, spec: BGPAdvertisementSpec = {}): BGPAdvertisement {
  return { ...header("BGPAdvertisement"), metadata: metadata(name), spec };
}

/** 64500 to 64501 at 10.0.0.1; a field that is given as undefined is left out. */
export function bgpPeer(
  name: string,
  spec: { readonly [Field in keyof BGPPeerSpec]?: BGPPeerSpec[Field] | undefined } = {},
): BGPPeer {
  const all = { myASN: 64500, peerASN: 64501, peerAddress: "10.0.0.1", ...spec };
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return {
    ...header("BGPPeer", "v1beta2"),
    metadata: metadata(name),
    spec: Object.fromEntries(present) as unknown as BGPPeerSpec,
  };
}

export function bfdProfile(name: string, spec: BFDProfileSpec = {}): BFDProfile {
  return { ...header("BFDProfile"), metadata: metadata(name), spec };
}

/** One Community object with the given aliases, as `[name, value]`. */
export function community(name: string, ...aliases: readonly [string, string][]): Community {
  const communities = aliases.map(([alias, value]) => ({ name: alias, value }));
  return { ...header("Community"), metadata: metadata(name), spec: { communities } };
}

/** Selects objects with the label. */
export function withLabel(key: string, value: string): LabelSelector {
  return { matchLabels: { [key]: value } };
}

/** The same object with other metadata. */
export function labelled<Resource extends { readonly metadata: ObjectMeta }>(
  resource: Resource,
  labels: Readonly<Record<string, string>>,
): Resource {
  return { ...resource, metadata: { ...resource.metadata, labels } };
}

/** The same object, created so many seconds after the beginning of 2026. */
export function createdAt<Resource extends { readonly metadata: ObjectMeta }>(
  resource: Resource,
  second: number,
): Resource {
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, second))
    .toISOString()
    .replace(".000", "");
  return { ...resource, metadata: { ...resource.metadata, creationTimestamp } };
}

/** What no compiler lets through: a resource of an old version, or one that was typed by hand. */
export function untyped(value: unknown): never {
  return value as never;
}

function header(kind: string, version = "v1beta1"): { apiVersion: string; kind: string } {
  return { apiVersion: `metallb.io/${version}`, kind };
}
