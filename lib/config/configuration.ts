/**
 * The configuration that is in force: what the resources say after every rule was applied, with texts parsed, names resolved
 * and unusable objects left out. Made by `checkConfiguration`; every list is sorted by name.
 */
import type { IpAddress } from "../net/ip-address";
import type { IpRange } from "../net/ip-prefix";
import type { Community } from "./community";
import type { Selector } from "./labels";

export interface Configuration {
  readonly pools: readonly Pool[];
  readonly l2Advertisements: readonly L2AdvertisementConfig[];
  readonly bgpAdvertisements: readonly BgpAdvertisementConfig[];
  readonly bgpPeers: readonly BgpPeerConfig[];
  readonly bfdProfiles: readonly BfdProfileConfig[];
}

export interface Pool {
  readonly name: string;
  /** What Services may call it too: its name in a ConfigMap of 2017–2022, when no object can have that name. */
  readonly legacyName?: string;
  readonly namespace: string;
  /** In the order of `spec.addresses`, which is the order of handing out. No two entries of any pools overlap. */
  readonly entries: readonly PoolEntry[];
  readonly labels: Readonly<Record<string, string>>;
  readonly autoAssign: boolean;
  readonly avoidBuggyIps: boolean;
  /** Absent: the pool is open to every Service. */
  readonly serviceAllocation?: ServiceAllocation;
  /** Which free address is the next. Absent: LowestFirst. */
  readonly addressOrder?: "LowestFirst" | "LeastRecentlyUsed";
  /** Who may share an address. Absent: AcrossNamespaces. */
  readonly sharing?: "AcrossNamespaces" | "WithinNamespace";
  /** How many addresses of the pool the Services of one namespace may hold. Absent: no limit. */
  readonly maxAddressesPerNamespace?: number;
}

export interface PoolEntry {
  /** As written in the resource. */
  readonly text: string;
  readonly range: IpRange;
}

/**
 * A Service is admitted when its namespace is listed or selected, or neither list has entries, and any Service selector matches
 * its labels, or there is none. A selector that matches no namespace admits nobody.
 */
export interface ServiceAllocation {
  /** Lower first; 0 and below come after every positive number. */
  readonly priority: number;
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly Selector[];
  readonly serviceSelectors: readonly Selector[];
}

/** What both kinds of advertisement have. */
export interface AdvertisementScope {
  readonly name: string;
  /** Names of the pools it applies to, sorted: "all pools" and selectors are resolved, each pool comes once. */
  readonly pools: readonly string[];
  /** Empty: every node. */
  readonly nodeSelectors: readonly Selector[];
  /** Empty: every Service. */
  readonly serviceSelectors: readonly Selector[];
}

export interface L2AdvertisementConfig extends AdvertisementScope {
  /** Empty: every usable interface. */
  readonly interfaces: readonly string[];
  readonly preferredNodes: readonly PreferredNodes[];
}

export interface PreferredNodes {
  /** 1 … 100. */
  readonly weight: number;
  readonly selector: Selector;
}

export interface BgpAdvertisementConfig extends AdvertisementScope {
  readonly aggregationLengthV4: number;
  readonly aggregationLengthV6: number;
  /** 0 … 2^32-1; sent to peers of the same autonomous system only. */
  readonly localPref: number;
  /** Aliases resolved, sorted, each once. */
  readonly communities: readonly Community[];
  /** Names of BGPPeers; empty: every peer. Names that no peer has may be among them. */
  readonly peers: readonly string[];
  /** MULTI_EXIT_DISC, 0 … 2^32-1. Absent: not sent. */
  readonly multiExitDisc?: number;
  /** How often the own number is repeated in the AS_PATH for peers of other systems. Absent: 0. */
  readonly asPathPrepend?: number;
  /** True: for a prefix that another advertisement announces to the same peer from the same node, this one does not count. */
  readonly isBackup?: boolean;
  /** True: routes carry the number of endpoints on the node as link bandwidth. */
  readonly isWeightedByEndpoints?: boolean;
  /** The first whose selectors match a Service replaces the values it has; absent: the same for all Services. */
  readonly serviceAttributes?: readonly ServiceRouteAttributes[];
}

/** Values for the routes of some Services. What is absent is the advertisement's. */
export interface ServiceRouteAttributes {
  /** At least one; any of them has to match. */
  readonly serviceSelectors: readonly Selector[];
  readonly localPref?: number;
  readonly communities?: readonly Community[];
  readonly multiExitDisc?: number;
  readonly asPathPrepend?: number;
}

export interface BgpPeerConfig {
  readonly name: string;
  readonly myAsn: number;
  /** A number, or which numbers are accepted. */
  readonly peerAsn: number | "internal" | "external";
  readonly localAsn?: number;
  /** Exactly one of `peerAddress` and `interface` is present. */
  readonly peerAddress?: IpAddress;
  readonly interface?: string;
  readonly sourceAddress?: IpAddress;
  readonly peerPort: number;
  /** Absent: the default of the session (90 s). 0: no keepalives. */
  readonly holdTimeMs?: number;
  /** Absent: a third of the hold time. */
  readonly keepaliveTimeMs?: number;
  readonly connectTimeMs?: number;
  readonly routerId?: IpAddress;
  /** Empty: every node. */
  readonly nodeSelectors: readonly Selector[];
  readonly password?: PeerPassword;
  readonly bfdProfile?: string;
  readonly isGracefulRestartEnabled: boolean;
  readonly isMultiHop: boolean;
  /** Packets from farther away than so many hops are dropped (RFC 5082): 1 … 254. */
  readonly ttlSecurityHops?: number;
  readonly vrf?: string;
  readonly isDualStack: boolean;
}

/** The TCP MD5 secret: in clear text, or the name of the Secret that holds it in Herald's namespace. */
export type PeerPassword = { readonly text: string } | { readonly secretName: string };

export interface BfdProfileConfig {
  readonly name: string;
  readonly receiveIntervalMs: number;
  readonly transmitIntervalMs: number;
  readonly detectMultiplier: number;
  readonly echoIntervalMs: number;
  readonly isEchoEnabled: boolean;
  readonly isPassive: boolean;
  readonly minimumTtl: number;
}
