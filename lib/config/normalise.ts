/**
 * What admission stores in place of what a person wrote: blanks around the dash of a range, upper-case IPv6, an address without
 * a length. The meaning never changes, and a text that is not understood stays for the validation to name. Total: a value of
 * an unexpected shape is returned as it is.
 */
import { formatIpAddress, parseIpAddress } from "../net/ip-address";
import { formatIpPrefix, parseIpPrefix, parseIpRange } from "../net/ip-prefix";
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "./generated/resources";

/** The pool with every entry of `spec.addresses` in the form that MetalLB can read too. */
export function normaliseIPAddressPool(pool: IPAddressPool): IPAddressPool {
  const { spec } = pool as { readonly spec: unknown };
  if (!isRecord(spec) || !Array.isArray(spec["addresses"])) return pool;
  const addresses: unknown[] = spec["addresses"];
  const normal = addresses.map(entry =>
    typeof entry === "string" ? normaliseEntry(entry) : entry,
  );
  if (normal.every((entry, index) => entry === addresses[index])) return pool;
  return { ...pool, spec: { ...pool.spec, addresses: normal as string[] } };
}

/** The peer with canonical addresses, and without the port 0 that v1beta1 allows: the default 179 takes its place. */
export function normaliseBGPPeer(peer: BGPPeer): BGPPeer {
  const { spec } = peer as { readonly spec: unknown };
  if (!isRecord(spec)) return peer;
  const changed: Record<string, unknown> = {};
  for (const field of ["peerAddress", "sourceAddress", "routerID"]) {
    const text = spec[field];
    const normal = typeof text === "string" ? normaliseAddress(text) : text;
    if (normal !== text) changed[field] = normal;
  }
  const hasPortZero = spec["peerPort"] === 0;
  if (Object.keys(changed).length === 0 && !hasPortZero) return peer;
  const kept = Object.entries({ ...spec, ...changed }).filter(
    ([field]) => !(hasPortZero && field === "peerPort"),
  );
  return { ...peer, spec: Object.fromEntries(kept) as unknown as NonNullable<BGPPeer["spec"]> };
}

/** Nothing in it has a second form. */
export function normaliseL2Advertisement(advertisement: L2Advertisement): L2Advertisement {
  return advertisement;
}

/** Nothing in it has a second form. */
export function normaliseBGPAdvertisement(advertisement: BGPAdvertisement): BGPAdvertisement {
  return advertisement;
}

/** Nothing in it has a second form. */
export function normaliseBFDProfile(profile: BFDProfile): BFDProfile {
  return profile;
}

/** Nothing in it has a second form. */
export function normaliseCommunity(community: Community): Community {
  return community;
}

/** `10.0.0.1` → `10.0.0.1/32`, `10.0.0.1 - 10.0.0.9` → `10.0.0.1-10.0.0.9`, `FC00::/7` → `fc00::/7`. Host bits stay as written. */
function normaliseEntry(text: string): string {
  if (!parseIpRange(text).ok) return text;
  const parts = text.split("-").map(part => part.trim());
  const [first = text, last] = parts;
  if (last !== undefined) return `${normaliseAddress(first)}-${normaliseAddress(last)}`;
  return first.includes("/") ? normalisePrefix(first) : bareAddressAsPrefix(first);
}

/** Canonical text, or the text as it is when it is no address. */
function normaliseAddress(text: string): string {
  const address = parseIpAddress(text.trim());
  return address.ok ? formatIpAddress(address.value) : text;
}

function bareAddressAsPrefix(text: string): string {
  const address = parseIpAddress(text);
  if (!address.ok) return text;
  return `${formatIpAddress(address.value)}/${address.value.family === "ipv4" ? 32 : 128}`;
}

/** An IPv4-mapped prefix becomes the IPv4 prefix; otherwise only the address is rewritten, so that host bits stay visible. */
function normalisePrefix(text: string): string {
  const prefix = parseIpPrefix(text);
  const [address = ""] = text.split("/");
  if (!prefix.ok) return text;
  if (prefix.value.family === "ipv4" && address.includes(":")) return formatIpPrefix(prefix.value);
  return `${normaliseAddress(address)}/${prefix.value.lengthBits}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
