/** From a BGPPeer of the configuration to the session that the BGP thread keeps. Pure; secrets are handed in. */
import { familiesOf } from "../../lib/announcement/bgp-context";
import { chooseBgpIdentifier } from "../../lib/bgp/bgp-identifier";
import { unicastFamily } from "../../lib/bgp/codec/address-family";
import { resolveHoldTimes, type HoldTimes } from "../../lib/bgp/hold-time";
import type { ExpectedAs, SessionConfiguration } from "../../lib/bgp/negotiation";
import type { BfdProfileConfig, BgpPeerConfig } from "../../lib/config/configuration";
import { formatIpAddress, type IpAddress } from "../../lib/net/ip-address";
import type { BfdSettings, BgpPeerTarget, BgpSessionSpec } from "../../node/bgp-protocol";

/** What a session takes from elsewhere than its BGPPeer. */
export interface SessionFacts {
  readonly nodeName: string;
  /** IPv4 InternalIP of the Node. */
  readonly nodeIpv4: IpAddress | undefined;
  /** First IPv4 address of the interface that owns the Node's address. */
  readonly interfaceIpv4: IpAddress | undefined;
  /** Whether an address is on a subnet of this machine. */
  readonly isOnLink: (address: IpAddress) => boolean;
  readonly bfdProfile: BfdProfileConfig | undefined;
  readonly password: string | undefined;
  /** Restart time of graceful restart where the peer enables it, 1 … 4095. */
  readonly restartSeconds: number;
}

export function toSessionSpec(peer: BgpPeerConfig, facts: SessionFacts): BgpSessionSpec {
  const { name, peerPort, vrf, sourceAddress, ttlSecurityHops } = peer;
  const isMultihop = isPeerMultihop(peer, facts);
  const { bfdProfile, password } = facts;
  return {
    name,
    target: toTarget(peer),
    port: peerPort,
    ...(vrf !== undefined && { vrf }),
    ...(sourceAddress !== undefined && { sourceAddress: formatIpAddress(sourceAddress) }),
    configuration: toConfiguration(peer, facts),
    ...(password !== undefined && { password }),
    isMultihop,
    ...(ttlSecurityHops !== undefined && { ttlSecurityHops }),
    ...(bfdProfile !== undefined && { bfd: toBfdSettings(bfdProfile, isMultihop) }),
  };
}

function toTarget({ peerAddress, interface: device = "" }: BgpPeerConfig): BgpPeerTarget {
  if (peerAddress === undefined) return { type: "interface", interface: device };
  return { type: "address", address: formatIpAddress(peerAddress) };
}

function toConfiguration(peer: BgpPeerConfig, facts: SessionFacts): SessionConfiguration {
  const families = familiesOf(peer);
  const isOverIpv6 = peer.peerAddress?.family !== "ipv4";
  const { connectTimeMs } = peer;
  return {
    localAs: peer.localAsn ?? peer.myAsn,
    expectedAs: toExpectedAs(peer.peerAsn),
    bgpIdentifier: chooseBgpIdentifier({
      routerId: peer.routerId,
      nodeIpv4: facts.nodeIpv4,
      interfaceIpv4: facts.interfaceIpv4,
      nodeName: facts.nodeName,
    }),
    ...toHoldTimes(peer),
    ...(connectTimeMs !== undefined && { connectRetrySeconds: connectTimeMs / 1_000 }),
    families: families.map(unicastFamily),
    offersExtendedNextHop: isOverIpv6 && families.includes("ipv4"),
    offersExtendedMessages: false,
    ...(peer.isGracefulRestartEnabled && { gracefulRestartSeconds: facts.restartSeconds }),
  };
}

function toExpectedAs(peerAsn: BgpPeerConfig["peerAsn"]): ExpectedAs {
  return typeof peerAsn === "number" ? { type: "exactly", as: peerAsn } : { type: peerAsn };
}

/** RFC 4271's proposal, when stored values contradict each other: the rules of the configuration have said so. */
const FALLBACK: HoldTimes = { holdTimeSeconds: 90, keepaliveSeconds: 30 };

function toHoldTimes({ holdTimeMs, keepaliveTimeMs }: BgpPeerConfig): HoldTimes {
  const times = resolveHoldTimes({
    ...(holdTimeMs !== undefined && { holdTimeSeconds: holdTimeMs / 1_000 }),
    ...(keepaliveTimeMs !== undefined && { keepaliveSeconds: keepaliveTimeMs / 1_000 }),
  });
  return times.ok ? times.value : FALLBACK;
}

/** As FRR decides it: because the peer says so, or inside an AS to a peer that is not on the link. */
function isPeerMultihop(peer: BgpPeerConfig, facts: SessionFacts): boolean {
  if (peer.isMultiHop) return true;
  const { peerAddress, peerAsn } = peer;
  const isInternal = peerAsn === "internal" || peerAsn === (peer.localAsn ?? peer.myAsn);
  return isInternal && peerAddress !== undefined && !facts.isOnLink(peerAddress);
}

function toBfdSettings(profile: BfdProfileConfig, isMultihop: boolean): BfdSettings {
  const { transmitIntervalMs, receiveIntervalMs, detectMultiplier, isPassive } = profile;
  return {
    transmitIntervalMs,
    receiveIntervalMs,
    detectMultiplier,
    // RFC 5883 §4: no echo over several hops.
    ...(profile.isEchoEnabled && !isMultihop && { echoIntervalMs: profile.echoIntervalMs }),
    isPassive,
    ...(isMultihop && { minimumTtl: profile.minimumTtl }),
  };
}
