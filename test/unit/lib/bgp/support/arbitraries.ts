/** Arbitrary BGP values over their full ranges, for properties. */
import { fc } from "@fast-check/vitest";
import type { AsPathSegment, PathAttribute } from "../../../../../lib/bgp/codec/path-attribute";
import type { Capability } from "../../../../../lib/bgp/codec/capability";
import type { BgpMessage } from "../../../../../lib/bgp/codec/message";
import { AttributeFlag, CapabilityCode, PathAttributeType } from "../../../../../lib/bgp/constants";
import { maxAddressValue, type IpAddress, type IpFamily } from "../../../../../lib/net/ip-address";
import { toPrefix, type IpPrefix } from "../../../../../lib/net/ip-prefix";

export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const asNumber = fc.integer({ min: 1, max: 0xffff_ffff });
const octets = (maxLength: number) => fc.uint8Array({ maxLength });

export const address = (family: IpFamily): fc.Arbitrary<IpAddress> =>
  fc.bigInt({ min: 0n, max: maxAddressValue(family) }).map(value => ({ family, value }));

export const prefix = (family: IpFamily): fc.Arbitrary<IpPrefix> =>
  fc
    .tuple(address(family), fc.integer({ min: 0, max: family === "ipv4" ? 32 : 128 }))
    .map(([value, lengthBits]) => toPrefix(value, lengthBits));

const prefixes = (family: IpFamily) => fc.array(prefix(family), { maxLength: 20 });

const SPOKEN_CODES: readonly number[] = [
  CapabilityCode.multiprotocolExtensions,
  CapabilityCode.routeRefresh,
  CapabilityCode.extendedNextHopEncoding,
  CapabilityCode.extendedMessage,
  CapabilityCode.gracefulRestart,
  CapabilityCode.fourOctetAsNumber,
  CapabilityCode.enhancedRouteRefresh,
];

export const capability: fc.Arbitrary<Capability> = fc.oneof(
  fc.record({ type: fc.constant("multiprotocol" as const), afi: u16, safi: u8 }),
  fc.constantFrom<Capability>(
    { type: "routeRefresh" },
    { type: "extendedMessage" },
    { type: "enhancedRouteRefresh" },
  ),
  fc.record({
    type: fc.constant("extendedNextHop" as const),
    encodings: fc.array(fc.record({ afi: u16, safi: u16, nextHopAfi: u16 }), { maxLength: 42 }),
  }),
  fc.record({
    type: fc.constant("gracefulRestart" as const),
    isRestarting: fc.boolean(),
    supportsNotification: fc.boolean(),
    restartTimeSeconds: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(fc.record({ afi: u16, safi: u8, isForwardingPreserved: fc.boolean() }), {
      maxLength: 63,
    }),
  }),
  fc.record({ type: fc.constant("fourOctetAs" as const), as: asNumber }),
  fc.record({
    type: fc.constant("unknown" as const),
    code: u8.filter(code => !SPOKEN_CODES.includes(code)),
    value: octets(255),
  }),
);

const segments: fc.Arbitrary<readonly AsPathSegment[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(
      "asSet" as const,
      "asSequence" as const,
      "asConfedSequence" as const,
      "asConfedSet" as const,
    ),
    autonomousSystems: fc.oneof(
      fc.array(asNumber, { minLength: 1, maxLength: 4 }),
      fc.array(asNumber, { minLength: 255, maxLength: 255 }),
    ),
  }),
  { maxLength: 2 },
);

const hostAddress = address("ipv4").filter(({ value }) => {
  const first = Number(value >> 24n);
  return first !== 0 && first !== 127 && first < 224;
});

const community = u32;
const nonEmpty = { minLength: 1, maxLength: 70 };

const optionalAttribute: fc.Arbitrary<PathAttribute> = fc.oneof(
  fc.record({ type: fc.constant("multiExitDisc" as const), metric: u32 }),
  fc.record({ type: fc.constant("localPref" as const), preference: u32 }),
  fc.constant<PathAttribute>({ type: "atomicAggregate" }),
  fc.record({
    type: fc.constantFrom("aggregator" as const, "as4Aggregator" as const),
    as: u32,
    address: address("ipv4"),
  }),
  fc.record({
    type: fc.constant("communities" as const),
    communities: fc.array(community, nonEmpty),
  }),
  fc.record({ type: fc.constant("originatorId" as const), bgpIdentifier: u32 }),
  fc.record({ type: fc.constant("clusterList" as const), clusterIds: fc.array(u32, nonEmpty) }),
  fc.record({
    type: fc.constant("extendedCommunities" as const),
    communities: fc.array(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), nonEmpty),
  }),
  fc.record({
    type: fc.constant("largeCommunities" as const),
    communities: fc.array(fc.record({ global: u32, data1: u32, data2: u32 }), nonEmpty),
  }),
  fc.record({
    type: fc.constant("as4Path" as const),
    segments: segments.filter(list => list.length > 0),
  }),
  fc.record({
    type: fc.constant("unknown" as const),
    flags: fc.constantFrom(
      AttributeFlag.optional,
      AttributeFlag.optional | AttributeFlag.transitive,
      AttributeFlag.optional | AttributeFlag.transitive | AttributeFlag.partial,
    ),
    code: fc.integer({ min: 41, max: 255 }),
    value: octets(300),
  }),
  fc
    .record({
      family: fc.constantFrom("ipv4-unicast" as const, "ipv6-unicast" as const),
      ipv4: prefixes("ipv4"),
      ipv6: prefixes("ipv6"),
    })
    .map(({ family, ipv4, ipv6 }) => ({
      type: "mpUnreachNlri" as const,
      family,
      withdrawn: family === "ipv4-unicast" ? ipv4 : ipv6,
    })),
  fc
    .record({ nextHop: address("ipv6"), linkLocal: address("ipv6"), nlri: prefixes("ipv6") })
    .map(({ nextHop, linkLocal, nlri }) => ({
      type: "mpReachNlri" as const,
      family: "ipv6-unicast" as const,
      nextHop,
      linkLocalNextHop: linkLocal,
      nlri,
    })),
  fc
    .record({
      nextHop: fc.oneof(address("ipv4"), address("ipv6")),
      nlri: prefixes("ipv4"),
    })
    .map(fields => ({ type: "mpReachNlri" as const, family: "ipv4-unicast" as const, ...fields })),
);

/** Attributes of a well-formed UPDATE of an internal peer: the mandatory ones and any others, each once. */
export const attributes: fc.Arbitrary<readonly PathAttribute[]> = fc
  .tuple(
    fc.integer({ min: 0, max: 2 }),
    segments,
    hostAddress,
    fc.uniqueArray(optionalAttribute, {
      maxLength: 6,
      selector: attribute =>
        attribute.type === "unknown" ? attribute.code : PathAttributeType[attribute.type],
    }),
  )
  .map(([origin, path, nextHop, others]) => [
    { type: "origin", origin },
    { type: "asPath", segments: path },
    { type: "nextHop", address: nextHop },
    ...others,
  ]);

export const update = fc.record({
  type: fc.constant("update" as const),
  withdrawn: prefixes("ipv4"),
  attributes,
  nlri: prefixes("ipv4"),
});

export const open = fc.record({
  type: fc.constant("open" as const),
  myAs: fc.integer({ min: 1, max: 0xffff }),
  holdTimeSeconds: fc.oneof(fc.constant(0), fc.integer({ min: 3, max: 0xffff })),
  bgpIdentifier: fc.integer({ min: 1, max: 0xffff_ffff }),
  capabilities: fc.array(capability, { maxLength: 12 }),
});

export const notification = fc.record({
  type: fc.constant("notification" as const),
  code: u8,
  subcode: u8,
  data: octets(300),
});

export const routeRefresh = fc.record({
  type: fc.constant("routeRefresh" as const),
  afi: u16,
  safi: u8,
  subtype: u8,
});

export const message: fc.Arbitrary<BgpMessage> = fc.oneof(
  open,
  update,
  notification,
  routeRefresh,
  fc.constant<BgpMessage>({ type: "keepalive" }),
);
