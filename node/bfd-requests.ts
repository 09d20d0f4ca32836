/** What the BGP thread asks for, as sessions: one between the same ends, whoever wants it. Pure. */
import type { BfdSessionConfiguration } from "../lib/bfd/session-table";
import {
  formatIpAddress,
  isLinkLocal,
  parseIpAddress,
  type IpAddress,
} from "../lib/net/ip-address";
import type { BfdRequest, BfdSettings } from "./bgp-protocol";

/** One BFD session and the BGP sessions that go by it. */
export interface PlannedBfdSession {
  readonly configuration: BfdSessionConfiguration;
  /** Sorted. */
  readonly names: readonly string[];
}

export interface BfdPlan {
  /** By key. */
  readonly sessions: ReadonlyMap<string, PlannedBfdSession>;
  /** Requests that get other settings than they ask for: those of the first by name between the same ends. */
  readonly overruled: readonly { readonly session: string; readonly by: string }[];
  /** Requests whose addresses are none. */
  readonly bad: readonly string[];
}

/** RFC 5883 leaves the number of hops open; this is one router between the two. */
const DEFAULT_MINIMUM_TTL = 254;

export function planBfdSessions(requests: readonly BfdRequest[]): BfdPlan {
  const sessions = new Map<string, PlannedBfdSession>();
  const settingsByKey = new Map<string, string>();
  const overruled: { session: string; by: string }[] = [];
  const bad: string[] = [];
  const sorted = [...requests].sort((left, right) => (left.session < right.session ? -1 : 1));
  for (const request of sorted) {
    const { session, settings } = request;
    const configuration = toConfiguration(request);
    if (configuration === undefined) {
      bad.push(session);
      continue;
    }
    const existing = sessions.get(configuration.key);
    if (existing === undefined) {
      sessions.set(configuration.key, { configuration, names: [session] });
      settingsByKey.set(configuration.key, toText(settings));
      continue;
    }
    sessions.set(configuration.key, { ...existing, names: [...existing.names, session] });
    if (settingsByKey.get(configuration.key) !== toText(settings)) {
      overruled.push({ session, by: existing.names[0] ?? "" });
    }
  }
  return { sessions, overruled, bad };
}

function toConfiguration(request: BfdRequest): BfdSessionConfiguration | undefined {
  const { isMultihop, settings } = request;
  const peer = parseIpAddress(request.peerAddress);
  const local =
    request.localAddress === undefined ? undefined : parseIpAddress(request.localAddress);
  if (!peer.ok || local?.ok === false) return undefined;
  const device = request.interface ?? "";
  return {
    key: `${formatIpAddress(peer.value)} ${device} ${isMultihop ? "multihop" : "single hop"}`,
    peer: peer.value,
    ...(local !== undefined && { local: local.value }),
    ...toDevice(peer.value, device),
    isMultiHop: isMultihop,
    minimumTtl: settings.minimumTtl ?? DEFAULT_MINIMUM_TTL,
    parameters: toParameters(settings, !isMultihop && peer.value.family === "ipv4"),
  };
}

/** A device means the link of a link-local peer, and a VRF with every other. */
function toDevice(peer: IpAddress, device: string): { interfaceName?: string; vrf: string } {
  return isLinkLocal(peer) ? { interfaceName: device, vrf: "" } : { vrf: device };
}

function toParameters(
  settings: BfdSettings,
  canEcho: boolean,
): BfdSessionConfiguration["parameters"] {
  const { echoIntervalMs } = settings;
  return {
    desiredMinTxUs: settings.transmitIntervalMs * 1_000,
    requiredMinRxUs: settings.receiveIntervalMs * 1_000,
    detectMultiplier: settings.detectMultiplier,
    isPassive: settings.isPassive,
    ...(canEcho && echoIntervalMs !== undefined && { echoIntervalUs: echoIntervalMs * 1_000 }),
  };
}

function toText(settings: BfdSettings): string {
  const { transmitIntervalMs, receiveIntervalMs, detectMultiplier } = settings;
  const { echoIntervalMs, isPassive, minimumTtl } = settings;
  const values = [transmitIntervalMs, receiveIntervalMs, detectMultiplier, echoIntervalMs];
  return JSON.stringify([...values, isPassive, minimumTtl]);
}
