/** Generated from crds/ by scripts/generate-resources.ts (`npm run gen`). Do not edit. */

export interface ObjectMeta {
  /** Absent only on an object that is to be created with `generateName`. */
  readonly name?: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, in whole seconds. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Timers and modes. */
export interface BFDProfileSpec {
  /** Shortest time, in milliseconds, between packets that this side can receive; 300 when left out. */
  readonly receiveInterval?: number;
  /** Shortest time, in milliseconds, between packets that this side sends; 300 when left out. */
  readonly transmitInterval?: number;
  /** Number of packets that may be missing before the session is down; 3 when left out. */
  readonly detectMultiplier?: number;
  /** Shortest time, in milliseconds, between echo packets; 50 when left out. */
  readonly echoInterval?: number;
  /** Whether echo packets are used; off when left out. */
  readonly echoMode?: boolean;
  /** Whether the session waits for the router to start it; off when left out. */
  readonly passiveMode?: boolean;
  /** Lowest TTL an incoming packet may have, for sessions over several hops; 254 when left out. */
  readonly minimumTtl?: number;
}

/** How BFD watches a BGP session. */
export interface BFDProfile {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: BFDProfileSpec;
  readonly status?: Readonly<Record<string, never>>;
}

/** Which addresses are announced, to which peers, with which attributes. */
export interface BGPAdvertisementSpec {
  /** Length of the prefix that is announced for an IPv4 address, at most 32 and not shorter than the pool's own prefix. */
  readonly aggregationLength?: number;
  /** Length of the prefix that is announced for an IPv6 address, at most 128 and not shorter than the pool's own prefix. */
  readonly aggregationLengthV6?: number;
  /** LOCAL_PREF of the routes; sent to peers of the same autonomous system only. */
  readonly localPref?: number;
  /** Communities the routes carry. */
  readonly communities?: readonly string[];
  /** Names of the pools this advertisement is for; together with ipAddressPoolSelectors. Every pool when both lists are empty. */
  readonly ipAddressPools?: readonly string[];
  /** Selects pools by their labels; adds to ipAddressPools. Every pool when both lists are empty. */
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
  /** Selects the nodes that may be next hop; every node when empty. */
  readonly nodeSelectors?: readonly LabelSelector[];
  /** Selects, by their labels, the Services that are announced; every Service when empty. */
  readonly serviceSelectors?: readonly LabelSelector[];
  /** How often the own number is repeated in the AS_PATH towards peers of other autonomous systems, so that they prefer other paths. MetalLB does not know this field. */
  readonly asPathPrepend?: number;
  /** MULTI_EXIT_DISC of the routes: of several paths from one autonomous system the lowest is preferred. Not sent when left out. MetalLB does not know this field. */
  readonly multiExitDisc?: number;
  /** Whether the routes are a last resort: where another advertisement announces the same prefix from the same node to the same peer, this one does not count. MetalLB does not know this field. */
  readonly backup?: boolean;
  /** Whether the routes carry the link bandwidth community with 1 Gbit/s for each endpoint on the node, so that routers with weighted ECMP share traffic by it. MetalLB does not know this field. */
  readonly weightByEndpoints?: boolean;
  /** Other attributes for some Services: the first entry that selects a Service replaces the values it names. MetalLB does not know this field. */
  readonly serviceAttributes?: readonly BGPAdvertisementSpecServiceAttribute[];
  /** Names of the BGPPeers the addresses are announced to; every peer when empty. */
  readonly peers?: readonly string[];
}

/** One label selector. An empty one matches everything. */
export interface LabelSelector {
  /** Conditions on single labels; all of them have to hold. */
  readonly matchExpressions?: readonly LabelSelectorMatchExpression[];
  /** Labels with the value they must have; all of them have to match. */
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** One condition on one label. */
export interface LabelSelectorMatchExpression {
  /** The label the condition is about. */
  readonly key: string;
  /** In, NotIn, Exists or DoesNotExist. */
  readonly operator: string;
  /** Values for In and NotIn (at least one); left out for Exists and DoesNotExist. */
  readonly values?: readonly string[];
}

/** Attributes for the Services it selects. */
export interface BGPAdvertisementSpecServiceAttribute {
  /** Selects, by their labels, the Services that get these attributes. */
  readonly serviceSelectors: readonly LabelSelector[];
  /** LOCAL_PREF in place of the advertisement's; 0 for none. */
  readonly localPref?: number;
  /** Communities in place of the advertisement's. */
  readonly communities?: readonly string[];
  /** In place of the advertisement's. */
  readonly asPathPrepend?: number;
  /** In place of the advertisement's. */
  readonly multiExitDisc?: number;
}

/** Announces addresses to routers by BGP. */
export interface BGPAdvertisement {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: BGPAdvertisementSpec;
  readonly status?: Readonly<Record<string, never>>;
}

/** The router and the session. */
export interface BGPPeerV1beta1Spec {
  /** Autonomous system number of the nodes. */
  readonly myASN: number;
  /** Autonomous system number of the router. */
  readonly peerASN: number;
  /** Address of the router. */
  readonly peerAddress: string;
  /** Address of the node from which the session is opened; the system chooses when left out. */
  readonly sourceAddress?: string;
  /** TCP port of the router; 179 when zero or left out. */
  readonly peerPort?: number;
  /** Hold time offered to the router, such as 90s; zero for no keepalives at all, otherwise 3 seconds or more. */
  readonly holdTime?: string;
  /** Time between keepalives, such as 30s; a third of the hold time when left out. */
  readonly keepaliveTime?: string;
  /** BGP identifier of the nodes, as an IPv4 address; taken from the node's own address when left out. */
  readonly routerID?: string;
  /** Selects the nodes that open the session; every node when empty. */
  readonly nodeSelectors?: readonly LabelSelector[];
  /** Secret of the TCP MD5 signature, in clear text. Prefer passwordSecret. */
  readonly password?: string;
  /** Name of the BFDProfile that watches this session; no BFD when left out. */
  readonly bfdProfile?: string;
  /** Whether the router may be more than one hop away. */
  readonly ebgpMultiHop?: boolean;
}

/** A router to which the nodes open BGP sessions. */
export interface BGPPeerV1beta1 {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: BGPPeerV1beta1Spec;
  readonly status?: Readonly<Record<string, never>>;
}

/** The router and the session. */
export interface BGPPeerSpec {
  /** Autonomous system number of the nodes. */
  readonly myASN: number;
  /** Autonomous system number of the router; either this or dynamicASN. */
  readonly peerASN?: number;
  /** Accepts the router's number as it comes: the own one (internal) or any other (external). Either this or peerASN. */
  readonly dynamicASN?: "internal" | "external";
  /** Autonomous system number shown to this router in place of myASN. */
  readonly localASN?: number;
  /** Address of the router; either this or interface. */
  readonly peerAddress?: string;
  /** Interface over which the session is opened without an address (unnumbered); either this or peerAddress. */
  readonly interface?: string;
  /** Address of the node from which the session is opened; the system chooses when left out. */
  readonly sourceAddress?: string;
  /** TCP port of the router. */
  readonly peerPort?: number;
  /** Hold time offered to the router, such as 90s; zero for no keepalives at all, otherwise 3 seconds or more. */
  readonly holdTime?: string;
  /** Time between keepalives, such as 30s; a third of the hold time when left out. */
  readonly keepaliveTime?: string;
  /** Time between attempts to connect, in whole seconds from 1s to 65535s. */
  readonly connectTime?: string;
  /** BGP identifier of the nodes, as an IPv4 address; taken from the node's own address when left out. */
  readonly routerID?: string;
  /** Selects the nodes that open the session; every node when empty. */
  readonly nodeSelectors?: readonly LabelSelector[];
  /** Secret of the TCP MD5 signature, in clear text. Prefer passwordSecret. */
  readonly password?: string;
  /** Secret of type kubernetes.io/basic-auth whose key password holds the secret of the TCP MD5 signature. It is looked up in the namespace of this object. */
  readonly passwordSecret?: BGPPeerSpecPasswordSecret;
  /** Name of the BFDProfile that watches this session; no BFD when left out. */
  readonly bfdProfile?: string;
  /** Whether the router keeps forwarding while a node restarts its session. Cannot be changed later. */
  readonly enableGracefulRestart?: boolean;
  /** Whether the router may be more than one hop away. */
  readonly ebgpMultiHop?: boolean;
  /** Packets that come from farther away than so many hops are dropped (RFC 5082); 1 for a router on the link. The router has to send with TTL 255. MetalLB does not know this field. */
  readonly ttlSecurityHops?: number;
  /** Name of the Linux VRF in which the session is opened. */
  readonly vrf?: string;
  /** Deprecated and without effect. */
  readonly disableMP?: boolean;
  /** Whether routes of the other address family are exchanged over the session too. */
  readonly dualStackAddressFamily?: boolean;
}

/** Secret of type kubernetes.io/basic-auth whose key password holds the secret of the TCP MD5 signature. It is looked up in the namespace of this object. */
export interface BGPPeerSpecPasswordSecret {
  /** Name of the Secret. */
  readonly name?: string;
  /** Not used. */
  readonly namespace?: string;
}

/** A router to which the nodes open BGP sessions. */
export interface BGPPeer {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: BGPPeerSpec;
  readonly status?: Readonly<Record<string, never>>;
}

/** The aliases. */
export interface CommunitySpec {
  /** Aliases and the communities they stand for. */
  readonly communities?: readonly CommunitySpecCommunity[];
}

/** One alias. */
export interface CommunitySpecCommunity {
  /** The alias, unique over all Community objects. */
  readonly name?: string;
  /** A standard community (64500:1) or a large one (large:64500:1:2). */
  readonly value?: string;
}

/** Names for BGP communities, for use in BGPAdvertisements. */
export interface Community {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: CommunitySpec;
  readonly status?: Readonly<Record<string, never>>;
}

/** The verdict on the configuration. */
export interface ConfigurationStateStatus {
  /** The verdict in one word. */
  readonly result?: "Valid" | "Invalid" | "Unknown";
  /** What is wrong, one error a line; empty when the configuration is valid. */
  readonly errorSummary?: string;
  /** The verdict in the form of conditions, one for each part that reads configuration. */
  readonly conditions?: readonly ConfigurationStateStatusCondition[];
}

/** The verdict of one part. */
export interface ConfigurationStateStatusCondition {
  /** Which part the condition is about. */
  readonly type: string;
  /** Whether the condition holds. */
  readonly status: "True" | "False" | "Unknown";
  /** Why, in one word for programs. */
  readonly reason: string;
  /** Why, in sentences for people. */
  readonly message: string;
  /** When the condition was last stamped. */
  readonly lastTransitionTime: string;
  /** Generation of the object that the condition was made for. */
  readonly observedGeneration?: number;
}

/** Whether a part of the load balancer could use the configuration it read. */
export interface ConfigurationState {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly status?: ConfigurationStateStatus;
}

/** The addresses and who may have them. */
export interface IPAddressPoolSpec {
  /** The addresses of the pool, in the order in which they are handed out: prefixes (192.0.2.0/24), ranges (192.0.2.10-192.0.2.20) or single addresses, of one family or of both. No address may be in two pools. */
  readonly addresses: readonly string[];
  /** Whether a Service that asks for no particular pool may get an address from this one. */
  readonly autoAssign?: boolean;
  /** Whether IPv4 addresses that end in 0 or 255 are never handed out; some old routers drop their traffic. */
  readonly avoidBuggyIPs?: boolean;
  /** Which free address is given next: the lowest (the default), or one that nobody had for the longest time. MetalLB does not know this field. */
  readonly addressOrder?: "LowestFirst" | "LeastRecentlyUsed";
  /** Whether Services of different namespaces with the same sharing key may be on one address: always (the default), or only when each names the other's namespace in its annotation metallb.io/allow-shared-ip-namespaces. MetalLB does not know this field. */
  readonly sharing?: "AcrossNamespaces" | "WithinNamespace";
  /** How many addresses of the pool the Services of one namespace may hold together; without it there is no limit. MetalLB does not know this field. */
  readonly maxAddressesPerNamespace?: number;
  /** Limits the pool to certain Services. A Service may use it when its namespace is listed or selected (or no namespace condition is given) and its labels are selected (or no Service selector is given). */
  readonly serviceAllocation?: IPAddressPoolSpecServiceAllocation;
}

/** Limits the pool to certain Services. A Service may use it when its namespace is listed or selected (or no namespace condition is given) and its labels are selected (or no Service selector is given). */
export interface IPAddressPoolSpecServiceAllocation {
  /** Order among the pools that admit a Service, the lowest number first. Zero, or nothing, comes after every positive number. */
  readonly priority?: number;
  /** Names of the namespaces whose Services may use the pool. */
  readonly namespaces?: readonly string[];
  /** Selects, by the labels of the namespace, whose Services may use the pool; adds to namespaces. */
  readonly namespaceSelectors?: readonly LabelSelector[];
  /** Selects, by their own labels, the Services that may use the pool. */
  readonly serviceSelectors?: readonly LabelSelector[];
}

/** How much of the pool is in use, as the controller counts it. */
export interface IPAddressPoolStatus {
  /** IPv4 addresses in use. */
  readonly assignedIPv4: number | bigint;
  /** IPv6 addresses in use. */
  readonly assignedIPv6: number | bigint;
  /** IPv4 addresses that are free. */
  readonly availableIPv4: number | bigint;
  /** IPv6 addresses that are free; 9223372036854775807 stands for that many or more. */
  readonly availableIPv6: number | bigint;
  /** Addresses in use and the Services on them, the first 256 in the order in which the pool hands out. MetalLB does not know this field. */
  readonly holders?: readonly IPAddressPoolStatusHolder[];
  /** Addresses kept for Services that were deleted, in case they come back under their name; the 256 youngest. MetalLB does not know this field. */
  readonly reservations?: readonly IPAddressPoolStatusReservation[];
}

/** One address in use. */
export interface IPAddressPoolStatusHolder {
  /** The address. */
  readonly address: string;
  /** Namespace and name of the Services on it, at most 8. */
  readonly services: readonly string[];
}

/** What is kept for one Service. */
export interface IPAddressPoolStatusReservation {
  /** One address, or one of each family. */
  readonly addresses: readonly string[];
  /** Namespace and name of the Service, separated by a slash. */
  readonly service: string;
  /** When the addresses are free for everybody again. */
  readonly until: string;
}

/** A set of addresses that Services of type LoadBalancer may get. */
export interface IPAddressPool {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: IPAddressPoolSpec;
  readonly status?: IPAddressPoolStatus;
}

/** Which addresses are announced, from which nodes and interfaces. */
export interface L2AdvertisementSpec {
  /** Names of the pools this advertisement is for; together with ipAddressPoolSelectors. Every pool when both lists are empty. */
  readonly ipAddressPools?: readonly string[];
  /** Selects pools by their labels; adds to ipAddressPools. Every pool when both lists are empty. */
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
  /** Selects the nodes that may announce; every node when empty. */
  readonly nodeSelectors?: readonly LabelSelector[];
  /** Interfaces on which the addresses are announced; every usable interface when empty. */
  readonly interfaces?: readonly string[];
  /** Selects, by their labels, the Services that are announced; every Service when empty. A Service that shares its address with others is not announced through an advertisement that has Service selectors. */
  readonly serviceSelectors?: readonly LabelSelector[];
  /** Which of the nodes are preferred. The weights of all entries that match a node are added up; the node with the highest sum announces, and a hash of node and Service decides between equals. */
  readonly preferredNodeSelectors?: readonly L2AdvertisementSpecPreferredNodeSelector[];
}

/** A weight for the nodes that a selector matches. */
export interface L2AdvertisementSpecPreferredNodeSelector {
  /** What a matching node gains, 1 to 100. */
  readonly weight: number;
  /** Selects the nodes that gain the weight. An empty selector matches every node. */
  readonly preference: LabelSelector;
}

/** Announces addresses to the local network by ARP and NDP. */
export interface L2Advertisement {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: L2AdvertisementSpec;
  readonly status?: Readonly<Record<string, never>>;
}

/** To whom the node announces the Service. */
export interface ServiceBGPStatusStatus {
  /** Node the status is about. */
  readonly node?: string;
  /** Name of the Service. */
  readonly serviceName?: string;
  /** Namespace of the Service. */
  readonly serviceNamespace?: string;
  /** Names of the BGPPeers to which the node announces the Service, sorted. */
  readonly peers?: readonly string[];
}

/** Says to which BGP peers a node announces a Service. */
export interface ServiceBGPStatus {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Readonly<Record<string, never>>;
  readonly status?: ServiceBGPStatusStatus;
}

/** Who announces the Service, and where. */
export interface ServiceL2StatusStatus {
  /** Node the status is about. */
  readonly node?: string;
  /** Name of the Service. */
  readonly serviceName?: string;
  /** Namespace of the Service. */
  readonly serviceNamespace?: string;
  /** Interfaces on which the address is announced; left out when it is announced on every usable one. */
  readonly interfaces?: readonly ServiceL2StatusStatusInterface[];
  /** What stands in the way, `AddressConflict` while a host outside of the cluster has an address of the Service; left out when nothing does. */
  readonly conditions?: readonly ServiceL2StatusStatusCondition[];
}

/** One interface. */
export interface ServiceL2StatusStatusInterface {
  /** Name of the interface, as the node calls it. */
  readonly name?: string;
}

/** One condition. */
export interface ServiceL2StatusStatusCondition {
  /** What the condition is about. */
  readonly type: string;
  /** Whether the condition holds. */
  readonly status: "True" | "False" | "Unknown";
  /** Why, in one word for programs. */
  readonly reason: string;
  /** Why, in sentences for people. */
  readonly message: string;
  /** When the condition began to hold. */
  readonly lastTransitionTime: string;
}

/** Says which node announces a Service to the local network. */
export interface ServiceL2Status {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Readonly<Record<string, never>>;
  readonly status?: ServiceL2StatusStatus;
}
