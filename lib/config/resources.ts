/** What a configuration is judged from: the resources as the API server holds them, and what they are compared with. */
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "./generated/resources";
import type { Labels } from "./labels";

/**
 * Every list may be left out. For the resources that means that there are none; for nodes, namespaces, Secrets and Services
 * that nobody knows, so that no rule draws a conclusion from their absence. The content is not trusted.
 */
export interface ConfigurationResources {
  readonly ipAddressPools?: readonly IPAddressPool[];
  readonly l2Advertisements?: readonly L2Advertisement[];
  readonly bgpAdvertisements?: readonly BGPAdvertisement[];
  readonly bgpPeers?: readonly BGPPeer[];
  readonly bfdProfiles?: readonly BFDProfile[];
  readonly communities?: readonly Community[];
  readonly nodes?: readonly NodeInfo[];
  /** Prefixes from which cluster IPs are taken: `spec.cidrs` of all ServiceCIDR objects (networking.k8s.io/v1). */
  readonly serviceCidrs?: readonly string[];
  readonly namespaces?: readonly NamespaceInfo[];
  /** Secrets of Herald's namespace. */
  readonly secrets?: readonly SecretInfo[];
  /** The ConfigMap `bgpextras` of Herald's namespace, when there is one. */
  readonly bgpExtras?: ConfigMapInfo;
  /** Services that hold addresses; a change that takes them away is warned about. */
  readonly services?: readonly ServiceInfo[];
}

/** What is left out is not known, and no rule draws a conclusion from it. */
export interface NodeInfo {
  readonly name: string;
  readonly labels: Labels;
  /** `status.addresses` of the types InternalIP and ExternalIP. */
  readonly addresses?: readonly string[];
  /** `spec.podCIDRs`. */
  readonly podCidrs?: readonly string[];
  /** Prefixes of its interfaces, such as `192.168.1.11/24`; the API server does not know them. */
  readonly subnets?: readonly string[];
}

export interface NamespaceInfo {
  readonly name: string;
  readonly labels: Labels;
}

/** Never its content: only what the rules need. */
export interface SecretInfo {
  readonly name: string;
  readonly type: string;
  readonly keys: readonly string[];
}

export interface ConfigMapInfo {
  readonly name: string;
  readonly namespace: string;
}

export interface ServiceInfo {
  readonly namespace: string;
  readonly name: string;
  /** Left out where they are not known. */
  readonly labels?: Labels;
  /** The addresses of its status, as written there. */
  readonly addresses: readonly string[];
}
