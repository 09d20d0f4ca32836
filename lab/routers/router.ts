/**
 * Routing daemons from Debian as BGP peers in a network namespace: one settings object, turned into each daemon's own configuration,
 * and one way to read what it has learnt.
 */

export type RouterFamily = "ipv4" | "ipv6";

/** A speaker as the router sees it. */
export interface RouterPeer {
  /** The speaker's address, or the interface it is on (FRR only). */
  readonly target: { readonly address: string } | { readonly interface: string };
  readonly as: number;
  readonly families: readonly RouterFamily[];
  readonly password?: string;
  /** IPv4 routes with IPv6 next hops (RFC 8950). */
  readonly extendedNextHop?: boolean;
  /** Keeps routes of a speaker that restarts, for at most this long. */
  readonly gracefulRestartSeconds?: number;
  readonly isMultihop?: boolean;
  /** Packets from farther away are dropped (RFC 5082). */
  readonly ttlSecurity?: boolean;
  readonly holdTimeSeconds?: number;
  readonly bfd?: { readonly intervalMs: number; readonly multiplier: number };
}

export interface RouterSettings {
  readonly as: number;
  /** An IPv4 address. */
  readonly routerId: string;
  /** Where it listens and answers from: an address for each family in use. */
  readonly addresses: readonly string[];
  readonly peers: readonly RouterPeer[];
  /** Puts what it learns into the kernel's table. */
  readonly installsRoutes?: boolean;
  /** Prefixes it announces. */
  readonly announces?: readonly string[];
}

/** A route as the router holds it; of several paths for a prefix there are several. */
export interface LearntRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly asPath: readonly number[];
  readonly localPreference?: number;
  readonly metric?: number;
  /** `a:b`, sorted. */
  readonly communities: readonly string[];
  /** `a:b:c`, sorted. */
  readonly largeCommunities: readonly string[];
}

/** A running daemon. */
export interface Router {
  readonly daemon: string;
  /** Everything it learnt by BGP. */
  routes(): Promise<readonly LearntRoute[]>;
  /** True while the session with the first peer is up, as the router sees it. */
  isEstablished(): Promise<boolean>;
  /** Asks the first peer for its routes again (RFC 2918); undefined for a daemon that cannot be told to. */
  readonly requestRefresh?: () => Promise<unknown>;
  /** Shuts the session with the first peer down with a text (RFC 9003); undefined for a daemon that cannot be told to. */
  readonly shutDown?: (text: string) => Promise<unknown>;
  /** Ends in order. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Signals its main process, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void;
  /** What it printed and logged. */
  readonly logPath: string;
}

export type StartRouter = (namespace: string, settings: RouterSettings) => Promise<Router>;

export function isIpv6(text: string): boolean {
  return text.includes(":");
}

/** The address of a peer that must have one; throws if it has an interface only. */
export function addressOf({ target }: RouterPeer): string {
  if (!("address" in target)) throw new Error("only FRR peers by interface");
  return target.address;
}

/** The router's own address in the family of the other. */
export function addressTowards(address: string, { addresses }: RouterSettings): string {
  return addresses.find(each => isIpv6(each) === isIpv6(address)) ?? "";
}

/** Of a route: LOCAL_PREF and MULTI_EXIT_DISC, each only if it is a number. */
export function preferenceAndMetric(
  preference: unknown,
  metric: unknown,
): Pick<LearntRoute, "localPreference" | "metric"> {
  return {
    ...(typeof preference === "number" ? { localPreference: preference } : {}),
    ...(typeof metric === "number" ? { metric } : {}),
  };
}
