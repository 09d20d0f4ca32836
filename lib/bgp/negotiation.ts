/** Both OPENs of a session: makes ours, judges the peer's, and gives what the two agree on (RFC 4271 §6.2, RFC 5492, RFC 6793). */
import { err, ok, type Result } from "../net/result";
import type { AddressFamily } from "./codec/address-family";
import { toAddressFamily, toAfi } from "./codec/address-family";
import {
  writeCapability,
  type Capability,
  type GracefulRestartCapability,
} from "./codec/capability";
import { openError, type BgpDecodeError } from "./codec/decode-error";
import { OctetWriter } from "./codec/octet-writer";
import { toOpenAs, type OpenMessage } from "./codec/open";
import type { RouteRefreshMessage } from "./codec/route-refresh";
import {
  Afi,
  AS_TRANS,
  ErrorCode,
  MAX_EXTENDED_MESSAGE_OCTETS,
  MAX_MESSAGE_OCTETS,
  OpenErrorSubcode,
  RouteRefreshSubtype,
  Safi,
} from "./constants";

/** Which AS the peer must have: one, or any that makes the session internal or external (`dynamicASN`). */
export type ExpectedAs =
  | { readonly type: "exactly"; readonly as: number }
  | { readonly type: "internal" }
  | { readonly type: "external" };

export interface SessionConfiguration {
  /** The AS presented to this peer: `localASN` if set, else `myASN`. 1 … 4294967295. */
  readonly localAs: number;
  readonly expectedAs: ExpectedAs;
  /** Unsigned 32 bits, not 0. */
  readonly bgpIdentifier: number;
  /** 0, or 3 … 65535. */
  readonly holdTimeSeconds: number;
  /** 0 … `holdTimeSeconds`. */
  readonly keepaliveSeconds: number;
  /** `connectTime`: every wait for TCP is exactly this long. */
  readonly connectRetrySeconds?: number;
  /** At least one. */
  readonly families: readonly AddressFamily[];
  /** IPv4 routes with IPv6 next hops (RFC 8950). */
  readonly offersExtendedNextHop: boolean;
  /** Messages of up to 65535 octets (RFC 8654). */
  readonly offersExtendedMessages: boolean;
  /** Restart time of at most 4095 s; undefined leaves the capability out. */
  readonly gracefulRestartSeconds?: number;
}

/** How much of the capabilities is offered; less after a peer has answered 2/4 or 2/7 (RFC 5492 §3). */
export type CapabilityLevel = "full" | "basic" | "none";

/** What the two OPENs agree on. */
export interface NegotiatedSession {
  readonly localAs: number;
  readonly remoteAs: number;
  readonly remoteIdentifier: number;
  readonly isExternal: boolean;
  /** 0 stands for no hold timer. */
  readonly holdTimeMs: number;
  /** 0 stands for no keepalives. */
  readonly keepaliveMs: number;
  /** Both sides offered them; never empty. */
  readonly families: readonly AddressFamily[];
  readonly hasFourOctetAs: boolean;
  readonly allowsIpv6NextHopForIpv4: boolean;
  readonly maxMessageOctets: number;
  readonly hasEnhancedRouteRefresh: boolean;
  /** Both sides sent the capability. */
  readonly gracefulRestart?: {
    /** R bit of our OPEN. */
    readonly isRestarting: boolean;
    /** Both sides set the N bit (RFC 8538). */
    readonly supportsNotification: boolean;
    readonly restartTimeSeconds: number;
  };
}

/** Our OPEN. `isRestarting` is the R bit of graceful restart: the first session since the process began. */
export function makeOpen(
  configuration: SessionConfiguration,
  level: CapabilityLevel,
  isRestarting: boolean,
): OpenMessage {
  const { localAs, holdTimeSeconds, bgpIdentifier } = configuration;
  return {
    type: "open",
    myAs: localAs > 0xffff ? AS_TRANS : localAs,
    holdTimeSeconds,
    bgpIdentifier,
    capabilities: makeCapabilities(configuration, level, isRestarting),
  };
}

/**
 * The level for the next OPEN after a NOTIFICATION in answer to ours: one less when the peer did not take our capabilities
 * (RFC 5492 §3), but never one with which the session could not work.
 */
export function reduceCapabilities(
  level: CapabilityLevel,
  configuration: SessionConfiguration,
  answer: { readonly code: number; readonly subcode: number },
): CapabilityLevel {
  const isAboutCapabilities =
    answer.code === ErrorCode.openMessageError &&
    (answer.subcode === OpenErrorSubcode.unsupportedOptionalParameter ||
      answer.subcode === OpenErrorSubcode.unsupportedCapability);
  if (!isAboutCapabilities) return level;
  if (level === "full") return "basic";
  const worksWithout =
    configuration.families.includes("ipv4-unicast") && configuration.localAs <= 0xffff;
  return worksWithout ? "none" : "basic";
}

function makeCapabilities(
  configuration: SessionConfiguration,
  level: CapabilityLevel,
  isRestarting: boolean,
): readonly Capability[] {
  if (level === "none") return [];
  const { families, gracefulRestartSeconds } = configuration;
  const capabilities: Capability[] = families.map(family => ({
    type: "multiprotocol",
    afi: toAfi(family),
    safi: Safi.unicast,
  }));
  capabilities.push({ type: "routeRefresh" });
  if (level === "full") {
    if (configuration.offersExtendedNextHop) capabilities.push(IPV4_OVER_IPV6);
    if (configuration.offersExtendedMessages) capabilities.push({ type: "extendedMessage" });
    if (gracefulRestartSeconds !== undefined) {
      capabilities.push(makeGracefulRestart(families, gracefulRestartSeconds, isRestarting));
    }
  }
  capabilities.push({ type: "fourOctetAs", as: configuration.localAs });
  if (level === "full") capabilities.push({ type: "enhancedRouteRefresh" });
  return capabilities;
}

const IPV4_OVER_IPV6: Capability = {
  type: "extendedNextHop",
  encodings: [{ afi: Afi.ipv4, safi: Safi.unicast, nextHopAfi: Afi.ipv6 }],
};

function makeGracefulRestart(
  families: readonly AddressFamily[],
  restartTimeSeconds: number,
  isRestarting: boolean,
): GracefulRestartCapability {
  return {
    type: "gracefulRestart",
    isRestarting,
    supportsNotification: true,
    restartTimeSeconds,
    // The kernel forwards without us, so the F bit tells the truth (RFC 4724 §4.1).
    families: families.map(family => ({
      afi: toAfi(family),
      safi: Safi.unicast,
      isForwardingPreserved: true,
    })),
  };
}

/**
 * What our OPEN and the peer's agree on. Errors, all `reset`: 2/2 another AS than expected, 2/3 our own identifier on an internal
 * session, 2/7 no address family in common (data: the capabilities that are missing).
 */
export function negotiate(
  configuration: SessionConfiguration,
  ours: OpenMessage,
  theirs: OpenMessage,
): Result<NegotiatedSession, BgpDecodeError> {
  const remoteAs = toOpenAs(theirs);
  const { localAs } = configuration;
  const isExternal = remoteAs !== localAs;
  if (!isExpectedAs(configuration.expectedAs, remoteAs, isExternal)) {
    return err(openError(OpenErrorSubcode.badPeerAs, "another AS than configured"));
  }
  if (!isExternal && theirs.bgpIdentifier === configuration.bgpIdentifier) {
    return err(openError(OpenErrorSubcode.badBgpIdentifier, "our own BGP Identifier"));
  }
  const families = commonFamilies(ours, theirs);
  if (families.length === 0) {
    const data = encodeFamilies(configuration.families);
    return err(openError(OpenErrorSubcode.unsupportedCapability, "no family in common", data));
  }
  const both = (type: Capability["type"]): boolean => has(ours, type) && has(theirs, type);
  const gracefulRestart = negotiateGracefulRestart(ours, theirs);
  return ok({
    localAs,
    remoteAs,
    remoteIdentifier: theirs.bgpIdentifier,
    isExternal,
    ...negotiateTimers(configuration, theirs.holdTimeSeconds),
    families,
    hasFourOctetAs: both("fourOctetAs"),
    allowsIpv6NextHopForIpv4: offersIpv4OverIpv6(ours) && offersIpv4OverIpv6(theirs),
    maxMessageOctets: both("extendedMessage") ? MAX_EXTENDED_MESSAGE_OCTETS : MAX_MESSAGE_OCTETS,
    hasEnhancedRouteRefresh: both("enhancedRouteRefresh"),
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
  });
}

/** The negotiated family that a ROUTE-REFRESH asks for; undefined when there is nothing to resend (RFC 2918 §4, RFC 7313 §4). */
export function familyToRefresh(
  session: NegotiatedSession | undefined,
  refresh: RouteRefreshMessage,
): AddressFamily | undefined {
  if (refresh.subtype !== RouteRefreshSubtype.request) return undefined;
  const family = toAddressFamily(refresh.afi, refresh.safi);
  return session?.families.find(negotiated => negotiated === family);
}

function isExpectedAs(expected: ExpectedAs, remoteAs: number, isExternal: boolean): boolean {
  if (expected.type === "exactly") return expected.as === remoteAs;
  if (expected.type === "internal") return !isExternal;
  // RFC 6793 §9 reserves AS_TRANS: it names nobody.
  return isExternal && remoteAs !== AS_TRANS;
}

function has(open: OpenMessage, type: Capability["type"]): boolean {
  return open.capabilities.some(capability => capability.type === type);
}

/** RFC 4760 §8; a peer without the capability speaks IPv4 unicast. */
function commonFamilies(ours: OpenMessage, theirs: OpenMessage): readonly AddressFamily[] {
  const offered = familiesOf(theirs);
  return familiesOf(ours).filter(family => offered.includes(family));
}

function familiesOf(open: OpenMessage): readonly AddressFamily[] {
  if (!has(open, "multiprotocol")) return ["ipv4-unicast"];
  return open.capabilities.flatMap(capability => {
    if (capability.type !== "multiprotocol") return [];
    return toAddressFamily(capability.afi, capability.safi) ?? [];
  });
}

function encodeFamilies(families: readonly AddressFamily[]): Uint8Array {
  const writer = new OctetWriter();
  for (const family of families) {
    writeCapability(writer, { type: "multiprotocol", afi: toAfi(family), safi: Safi.unicast });
  }
  return writer.finish();
}

function offersIpv4OverIpv6(open: OpenMessage): boolean {
  return open.capabilities.some(
    capability =>
      capability.type === "extendedNextHop" &&
      capability.encodings.some(
        ({ afi, safi, nextHopAfi }) =>
          afi === Afi.ipv4 && safi === Safi.unicast && nextHopAfi === Afi.ipv6,
      ),
  );
}

/** Hold time is the smaller one, 0 switches both off; keepalives follow when the peer lowered it (RFC 4271 §4.2, §4.4). */
function negotiateTimers(configuration: SessionConfiguration, theirHoldTimeSeconds: number) {
  const { holdTimeSeconds, keepaliveSeconds } = configuration;
  const effectiveSeconds = Math.min(holdTimeSeconds, theirHoldTimeSeconds);
  const holdTimeMs = effectiveSeconds * 1_000;
  if (effectiveSeconds === 0) return { holdTimeMs: 0, keepaliveMs: 0 };
  const ownMs = keepaliveSeconds * 1_000;
  const isLowered = effectiveSeconds < holdTimeSeconds;
  return { holdTimeMs, keepaliveMs: isLowered ? Math.min(ownMs, holdTimeMs / 3) : ownMs };
}

function negotiateGracefulRestart(ours: OpenMessage, theirs: OpenMessage) {
  const own = gracefulRestartOf(ours);
  const peer = gracefulRestartOf(theirs);
  if (own === undefined || peer === undefined) return undefined;
  return {
    isRestarting: own.isRestarting,
    supportsNotification: own.supportsNotification && peer.supportsNotification,
    restartTimeSeconds: own.restartTimeSeconds,
  };
}

function gracefulRestartOf(open: OpenMessage): GracefulRestartCapability | undefined {
  return open.capabilities.find(capability => capability.type === "gracefulRestart");
}
