/**
 * What allocation reads of a Service, and the small questions about it that need nothing else: is it ours, which family,
 * which keys. Built from the API object by the controller; holds text as the user wrote it.
 */
import { compareText } from "../config/problem";
import { parseIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";

const CURRENT_PREFIX = "metallb.io/";
const DEPRECATED_PREFIX = "metallb.universe.tf/";

/** Written by the controller: the pool of the addresses in the status. */
export const ALLOCATED_FROM_POOL = "metallb.io/ip-allocated-from-pool";

/** One entry of `status.loadBalancer.ingress`. */
export interface IngressEntry {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ipMode?: string;
  readonly ports?: readonly unknown[];
}

export interface ServiceView {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  /** `metadata.creationTimestamp`: RFC 3339, UTC, so that its text sorts by time. */
  readonly createdAt: string;
  readonly type: string;
  readonly loadBalancerClass: string | undefined;
  /** `spec.clusterIPs`, or `spec.clusterIP` of an older API; without empty text. */
  readonly clusterIps: readonly string[];
  readonly ipFamilies: readonly string[];
  readonly ipFamilyPolicy: string;
  /** `spec.loadBalancerIP`; empty = absent. */
  readonly loadBalancerIp: string;
  readonly externalTrafficPolicy: string;
  readonly selector: Readonly<Record<string, string>>;
  /** `TCP/80`; protocol first, as messages print it. */
  readonly ports: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** All annotations, or at least those with one of the two prefixes. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly ingress: readonly IngressEntry[];
  /** The condition in the status that says why there is no address. */
  readonly pending: PendingCondition | undefined;
}

/** The type of that condition. It is there, and True, exactly while a Service of ours waits for an address. */
export const PENDING_CONDITION = "metallb.io/AddressPending";

export interface PendingCondition {
  /** A word in CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** What a Service needs of an address: who may be on it with whom. */
export interface Claim {
  readonly key: string;
  readonly namespace: string;
  /** Empty = shares with nobody. */
  readonly sharingKey: string;
  /** Empty for `externalTrafficPolicy: Cluster`; for Local the pod selector. Equal keys may share. */
  readonly backendKey: string;
  readonly ports: readonly string[];
  /** Other namespaces that it shares with where the pool does not let everybody. */
  readonly sharesWith: readonly string[];
}

export type ServiceFamily = IpFamily | "dual";

/** True when this controller is responsible for the Service's class; `lbClass` empty = the Services without class. */
export function isOurClass(service: ServiceView, lbClass: string): boolean {
  return lbClass === ""
    ? service.loadBalancerClass === undefined
    : service.loadBalancerClass === lbClass;
}

/** The annotations that users ask with; each has two keys. */
type RequestName =
  | "address-pool"
  | "loadBalancerIPs"
  | "allow-shared-ip"
  | "allow-shared-ip-namespaces";

/** Put together once: every plan looks all of them up. */
const REQUEST_KEYS: Readonly<Record<RequestName, readonly [current: string, deprecated: string]>> =
  {
    "address-pool": keysOf("address-pool"),
    loadBalancerIPs: keysOf("loadBalancerIPs"),
    "allow-shared-ip": keysOf("allow-shared-ip"),
    "allow-shared-ip-namespaces": keysOf("allow-shared-ip-namespaces"),
  };

function keysOf(name: RequestName): readonly [string, string] {
  return [`${CURRENT_PREFIX}${name}`, `${DEPRECATED_PREFIX}${name}`];
}

/** The value of an annotation: the current prefix wins whenever it is present, even when it is empty. */
export function requestAnnotation(service: ServiceView, name: RequestName): string | undefined {
  const [current, deprecated] = REQUEST_KEYS[name];
  return service.annotations[current] ?? service.annotations[deprecated];
}

/** The keys of annotations that should be rewritten by the user, sorted. */
export function deprecatedAnnotations(service: ServiceView): readonly string[] {
  return Object.keys(service.annotations)
    .filter(key => key.startsWith("metallb.universe.tf"))
    .sort();
}

/** Who may share with the Service. */
export function claimOf(service: ServiceView): Claim {
  const { key, namespace, ports } = service;
  const sharingKey = requestAnnotation(service, "allow-shared-ip") ?? "";
  return {
    key,
    namespace,
    sharingKey,
    backendKey: service.externalTrafficPolicy === "Local" ? selectorText(service.selector) : "",
    ports,
    sharesWith: sharingKey === "" ? [] : sharedNamespaces(service),
  };
}

function sharedNamespaces(service: ServiceView): readonly string[] {
  const text = requestAnnotation(service, "allow-shared-ip-namespaces") ?? "";
  return text
    .split(",")
    .map(name => name.trim())
    .filter(name => name !== "");
}

/** The names of pools in an annotation: `a`, or `a,b`. */
export function splitPoolNames(text: string): readonly string[] {
  return text.split(",").map(name => name.trim());
}

/** The family of addresses: one address has its own, two of different families are dual; undefined for anything else. */
export function familyOf(addresses: readonly IpAddress[]): ServiceFamily | undefined {
  const [first, second] = addresses;
  if (first === undefined || addresses.length > 2) return undefined;
  if (second === undefined) return first.family;
  return first.family === second.family ? undefined : "dual";
}

/** The family that the Service's cluster addresses ask for; undefined when they are unparsable, too many or of one family. */
export function serviceFamily(service: ServiceView): ServiceFamily | undefined {
  const addresses = parseAddresses(service.clusterIps);
  return addresses === undefined ? undefined : familyOf(addresses);
}

/** The family tried first when only one address can be had. */
export function primaryFamily(service: ServiceView): IpFamily {
  return service.ipFamilies[0] === "IPv6" ? "ipv6" : "ipv4";
}

/** All addresses, or undefined when one text is none. */
export function parseAddresses(texts: readonly string[]): readonly IpAddress[] | undefined {
  const addresses: IpAddress[] = [];
  for (const text of texts) {
    const address = parseIpAddress(text);
    if (!address.ok) return undefined;
    addresses.push(address.value);
  }
  return addresses;
}

/**
 * Order of a pass over many Services: those that hold more addresses first, so that holders are heard before claimants; then
 * the older, so that the longest waiting gets what became free; then by name.
 */
export function comparePassOrder(left: ServiceView, right: ServiceView): number {
  return (
    right.ingress.length - left.ingress.length ||
    compareText(left.createdAt, right.createdAt) ||
    compareText(left.key, right.key)
  );
}

function selectorText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}
