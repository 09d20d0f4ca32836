/**
 * What makes a path attribute malformed and what follows from it (RFC 7606 §7 and the RFCs of the later attributes): a table by
 * type. MP_REACH_NLRI and MP_UNREACH_NLRI are not in it, `update.ts` takes them apart. Checks never build values.
 */
import { AttributeFlag, PathAttributeType, UpdateErrorSubcode } from "../constants";
import type { AddressFamily } from "./address-family";
import type { Reaction } from "./decode-error";
import { ATTRIBUTE_FLAGS } from "./path-attribute";

/** What the two OPENs agreed on, as far as it changes how an UPDATE is read. */
export interface UpdateContext {
  /** External peer: attributes that only an internal one may send are discarded. */
  readonly isExternal: boolean;
  /** AS numbers have four octets: both sides sent capability 65. */
  readonly hasFourOctetAs: boolean;
  /** Negotiated families; MP attributes of others are left alone. */
  readonly families: readonly AddressFamily[];
  /** IPv4 routes may have an IPv6 next hop: both sides sent capability 5. */
  readonly allowsIpv6NextHopForIpv4: boolean;
}

export interface AttributeDefect {
  readonly subcode: number;
  readonly reason: string;
}

export interface AttributeRule {
  /** Optional and transitive bits it must have. */
  readonly flags: number;
  readonly reaction: Exclude<Reaction, "reset">;
  /** Discarded when an external peer sends it (RFC 7606 §7.5, 7.9, 7.10). */
  readonly isInternalOnly?: boolean;
  readonly check: (value: Uint8Array, context: UpdateContext) => AttributeDefect | undefined;
}

const { attributeLengthError, optionalAttributeError } = UpdateErrorSubcode;
const OPTIONAL_TRANSITIVE = AttributeFlag.optional | AttributeFlag.transitive;

function lengthIs(...lengths: readonly number[]) {
  return (value: Uint8Array): AttributeDefect | undefined =>
    lengths.includes(value.length)
      ? undefined
      : { subcode: attributeLengthError, reason: "wrong attribute length" };
}

function isListOf(entryOctets: number) {
  return (value: Uint8Array): AttributeDefect | undefined =>
    value.length > 0 && value.length % entryOctets === 0
      ? undefined
      : { subcode: optionalAttributeError, reason: "length is not a multiple of an entry" };
}

function checkOrigin(value: Uint8Array): AttributeDefect | undefined {
  const defect = lengthIs(1)(value);
  if (defect !== undefined || (value[0] ?? 0) <= 2) return defect;
  return { subcode: UpdateErrorSubcode.invalidOriginAttribute, reason: "unknown ORIGIN" };
}

function checkNextHop(value: Uint8Array): AttributeDefect | undefined {
  const defect = lengthIs(4)(value);
  if (defect !== undefined) return defect;
  const first = value[0] ?? 0;
  const isHost = first !== 0 && first !== 127 && first < 224;
  return isHost
    ? undefined
    : {
        subcode: UpdateErrorSubcode.invalidNextHopAttribute,
        reason: "NEXT_HOP is no host address",
      };
}

function checkAsPath(value: Uint8Array, asOctets: number): AttributeDefect | undefined {
  const defect = (reason: string): AttributeDefect => ({
    subcode: UpdateErrorSubcode.malformedAsPath,
    reason,
  });
  let offset = 0;
  while (offset < value.length) {
    const kind = value[offset] ?? 0;
    const count = value[offset + 1] ?? 0;
    const end = offset + 2 + count * asOctets;
    if (kind < 1 || kind > 4) return defect("unknown AS_PATH segment");
    if (count === 0 || end > value.length) return defect("AS_PATH segment does not fit");
    for (let at = offset + 2; at < end; at += asOctets) {
      if (isZero(value, at, asOctets)) return defect("AS 0 in AS_PATH"); // RFC 7607 §2
    }
    offset = end;
  }
  return undefined;
}

function isZero(value: Uint8Array, offset: number, length: number): boolean {
  for (let index = 0; index < length; index += 1) {
    if (value[offset + index] !== 0) return false;
  }
  return true;
}

/** Type-length-value entries fill the value exactly; `lengthOctets` may depend on the type. */
function checkEntries(
  value: Uint8Array,
  typeOctets: number,
  lengthOctetsOf: (type: number) => number,
): AttributeDefect | undefined {
  let offset = 0;
  while (offset < value.length) {
    const lengthOctets = lengthOctetsOf(value[offset] ?? 0);
    const valueAt = offset + typeOctets + lengthOctets;
    const low = value[valueAt - 1] ?? 0;
    const high = lengthOctets === 2 ? (value[valueAt - 2] ?? 0) : 0;
    offset = valueAt + (high << 8) + low;
    if (offset > value.length) {
      return { subcode: optionalAttributeError, reason: "entry runs over the attribute" };
    }
  }
  return undefined;
}

/** RFC 9012 §2: tunnels of { type u16, length u16, sub-TLVs }, a sub-TLV's length having two octets from type 128 on. */
function checkTunnels(value: Uint8Array): AttributeDefect | undefined {
  const defect = checkEntries(value, 2, () => 2);
  if (defect !== undefined) return defect;
  for (let offset = 0; offset < value.length; ) {
    const end = offset + 4 + ((value[offset + 2] ?? 0) << 8) + (value[offset + 3] ?? 0);
    const inner = checkEntries(value.subarray(offset + 4, end), 1, type => (type < 128 ? 1 : 2));
    if (inner !== undefined) return inner;
    offset = end;
  }
  return undefined;
}

function checkOnlyToCustomer(value: Uint8Array): AttributeDefect | undefined {
  if (value.length === 4 && !isZero(value, 0, 4)) return undefined;
  return { subcode: optionalAttributeError, reason: "ONLY_TO_CUSTOMER without an AS" };
}

const wellKnownRule = (
  type: "origin" | "asPath" | "nextHop" | "localPref" | "multiExitDisc",
  check: AttributeRule["check"],
): AttributeRule => ({ flags: ATTRIBUTE_FLAGS[type], reaction: "treatAsWithdraw", check });

const RULES: ReadonlyMap<number, AttributeRule> = new Map<number, AttributeRule>([
  [PathAttributeType.origin, wellKnownRule("origin", checkOrigin)],
  [
    PathAttributeType.asPath,
    wellKnownRule("asPath", (value, context) => checkAsPath(value, context.hasFourOctetAs ? 4 : 2)),
  ],
  [PathAttributeType.nextHop, wellKnownRule("nextHop", checkNextHop)],
  [PathAttributeType.multiExitDisc, wellKnownRule("multiExitDisc", lengthIs(4))],
  [
    PathAttributeType.localPref,
    { ...wellKnownRule("localPref", lengthIs(4)), isInternalOnly: true },
  ],
  [
    PathAttributeType.atomicAggregate,
    {
      flags: ATTRIBUTE_FLAGS.atomicAggregate,
      reaction: "attributeDiscard",
      check: lengthIs(0),
    },
  ],
  [
    PathAttributeType.aggregator,
    {
      flags: ATTRIBUTE_FLAGS.aggregator,
      reaction: "attributeDiscard",
      check: (value, context) => lengthIs(context.hasFourOctetAs ? 8 : 6)(value),
    },
  ],
  [
    PathAttributeType.communities,
    { flags: OPTIONAL_TRANSITIVE, reaction: "treatAsWithdraw", check: isListOf(4) },
  ],
  [
    PathAttributeType.originatorId,
    {
      flags: ATTRIBUTE_FLAGS.originatorId,
      reaction: "treatAsWithdraw",
      isInternalOnly: true,
      check: lengthIs(4),
    },
  ],
  [
    PathAttributeType.clusterList,
    {
      flags: ATTRIBUTE_FLAGS.clusterList,
      reaction: "treatAsWithdraw",
      isInternalOnly: true,
      check: isListOf(4),
    },
  ],
  [
    PathAttributeType.extendedCommunities,
    { flags: OPTIONAL_TRANSITIVE, reaction: "treatAsWithdraw", check: isListOf(8) },
  ],
  [
    PathAttributeType.as4Path,
    {
      flags: OPTIONAL_TRANSITIVE,
      reaction: "attributeDiscard", // RFC 6793 §6
      check: value => (value.length === 0 ? lengthIs(6)(value) : checkAsPath(value, 4)),
    },
  ],
  [
    PathAttributeType.as4Aggregator,
    { flags: OPTIONAL_TRANSITIVE, reaction: "attributeDiscard", check: lengthIs(8) },
  ],
  [
    PathAttributeType.tunnelEncapsulation,
    { flags: OPTIONAL_TRANSITIVE, reaction: "treatAsWithdraw", check: checkTunnels },
  ],
  [
    PathAttributeType.bgpLs,
    {
      flags: AttributeFlag.optional,
      reaction: "attributeDiscard",
      check: value => checkEntries(value, 2, () => 2),
    },
  ],
  [
    PathAttributeType.largeCommunities,
    { flags: OPTIONAL_TRANSITIVE, reaction: "treatAsWithdraw", check: isListOf(12) },
  ],
  [
    PathAttributeType.onlyToCustomer,
    { flags: OPTIONAL_TRANSITIVE, reaction: "treatAsWithdraw", check: checkOnlyToCustomer },
  ],
  [
    PathAttributeType.prefixSid,
    {
      flags: OPTIONAL_TRANSITIVE,
      reaction: "attributeDiscard",
      check: value => checkEntries(value, 1, () => 2),
    },
  ],
]);

/** The rule of an attribute type, undefined for one that is passed over unread. */
export function ruleOf(code: number): AttributeRule | undefined {
  return RULES.get(code);
}
