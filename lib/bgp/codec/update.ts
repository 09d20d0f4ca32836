/**
 * UPDATE (RFC 4271 §4.3) with the error handling of RFC 7606:
 *
 *      +-----------------------------------------------+
 *      | withdrawn routes length u16                   |
 *      | withdrawn routes: { length u8, prefix }*      |
 *      | total path attribute length u16               |
 *      | path attributes: { flags, type, length, value }* |
 *      | NLRI: { length u8, prefix }*                  |
 *      +-----------------------------------------------+
 *
 * `surveyUpdate` counts without building values: what a speaker that keeps no routes needs. `decodeUpdate` builds them. Both see
 * the same problems.
 */
import { fromAddressBytes } from "../../net/ip-address";
import type { IpPrefix } from "../../net/ip-prefix";
import { ok, type Result } from "../../net/result";
import { ADDRESS_FAMILIES, toIpFamily, type AddressFamily } from "./address-family";
import type { UpdateContext } from "./attribute-rules";
import type { BgpDecodeError, Decoded } from "./decode-error";
import { decodePrefixes, encodePrefix } from "./nlri";
import type { OctetWriter } from "./octet-writer";
import { decodePathAttribute } from "./path-attribute-decode";
import { writePathAttribute, type MpUnreachNlri, type PathAttribute } from "./path-attribute";
import { dissectUpdate, type MpReachParts, type UpdateParts } from "./update-parts";

export interface UpdateMessage {
  readonly type: "update";
  /** IPv4 unicast. */
  readonly withdrawn: readonly IpPrefix[];
  readonly attributes: readonly PathAttribute[];
  /** IPv4 unicast. */
  readonly nlri: readonly IpPrefix[];
}

/** Number of prefixes of each family. */
export type PrefixCounts = Readonly<Record<AddressFamily, number>>;

export interface UpdateSurvey {
  readonly announced: PrefixCounts;
  readonly withdrawn: PrefixCounts;
  /** Set when the message says nothing but that the family's table is complete (RFC 4724 §2). */
  readonly endOfRib: AddressFamily | undefined;
  readonly problems: readonly BgpDecodeError[];
  /** Problems found, those beyond the bound of `problems` included. */
  readonly problemCount: number;
}

/** Appends the body after the header. */
export function writeUpdate(
  writer: OctetWriter,
  message: UpdateMessage,
  hasFourOctetAs: boolean,
): void {
  writer.lengthPrefixed16(field => {
    for (const prefix of message.withdrawn) field.octets(encodePrefix(prefix));
  });
  writer.lengthPrefixed16(field => {
    for (const attribute of message.attributes) {
      writePathAttribute(field, attribute, hasFourOctetAs);
    }
  });
  for (const prefix of message.nlri) writer.octets(encodePrefix(prefix));
}

/** The End-of-RIB marker of the family (RFC 4724 §2). */
export function makeEndOfRib(family: AddressFamily): UpdateMessage {
  const attributes: PathAttribute[] =
    family === "ipv4-unicast" ? [] : [{ type: "mpUnreachNlri", family, withdrawn: [] }];
  return { type: "update", withdrawn: [], attributes, nlri: [] };
}

/**
 * Counts what an UPDATE announces and withdraws; routes treated as withdrawn count as withdrawn. The work is linear in the length.
 * An error is always a `reset`: 3/1 lengths that do not fit, 3/9 a bad MP attribute, 3/10 a bad prefix.
 */
export function surveyUpdate(
  body: Uint8Array,
  context: UpdateContext,
): Result<UpdateSurvey, BgpDecodeError> {
  const dissected = dissectUpdate(body, context);
  if (!dissected.ok) return dissected;
  const parts = dissected.value;
  const announced = { "ipv4-unicast": 0, "ipv6-unicast": 0 };
  const withdrawn = { "ipv4-unicast": 0, "ipv6-unicast": 0 };
  const reached = isTreatedAsWithdrawn(parts) ? withdrawn : announced;
  withdrawn["ipv4-unicast"] += parts.withdrawnCount;
  reached["ipv4-unicast"] += parts.nlriCount;
  if (parts.mpReach !== undefined) reached[parts.mpReach.family] += parts.mpReach.count;
  if (parts.mpUnreach !== undefined) withdrawn[parts.mpUnreach.family] += parts.mpUnreach.count;
  const { problems, problemCount } = parts;
  return ok({ announced, withdrawn, endOfRib: endOfRibOf(parts), problems, problemCount });
}

/**
 * Decodes the body of an UPDATE. Where RFC 7606 treats it as withdrawn, the message has every one of its prefixes as withdrawn
 * and no other attribute; discarded attributes are left out. Errors as `surveyUpdate`.
 */
export function decodeUpdate(
  body: Uint8Array,
  context: UpdateContext,
): Result<Decoded<UpdateMessage>, BgpDecodeError> {
  const dissected = dissectUpdate(body, context);
  if (!dissected.ok) return dissected;
  const parts = dissected.value;
  const message = isTreatedAsWithdrawn(parts) ? toWithdrawal(parts) : toMessage(parts, context);
  return ok({ message, problems: parts.problems });
}

function isTreatedAsWithdrawn(parts: UpdateParts): boolean {
  return parts.reaction === "treatAsWithdraw";
}

function endOfRibOf(parts: UpdateParts): AddressFamily | undefined {
  const { attributes, mpUnreach, problemCount } = parts;
  const isBare = parts.withdrawnCount + parts.nlriCount === 0 && problemCount === 0;
  if (!isBare) return undefined;
  if (attributes.length === 0) return "ipv4-unicast";
  const isLonely = attributes.length === 1 && mpUnreach?.count === 0;
  return isLonely ? mpUnreach.family : undefined;
}

function toMessage(parts: UpdateParts, context: UpdateContext): UpdateMessage {
  const attributes = parts.attributes.map((raw): PathAttribute => {
    if (raw === parts.mpReach?.raw) return toMpReach(parts.mpReach);
    if (raw === parts.mpUnreach?.raw) {
      const { family, nlri } = parts.mpUnreach;
      return { type: "mpUnreachNlri", family, withdrawn: prefixesOf(family, nlri) };
    }
    return decodePathAttribute(raw, context.hasFourOctetAs);
  });
  return {
    type: "update",
    withdrawn: prefixesOf("ipv4-unicast", parts.withdrawn),
    attributes,
    nlri: prefixesOf("ipv4-unicast", parts.nlri),
  };
}

function toWithdrawal(parts: UpdateParts): UpdateMessage {
  const attributes: MpUnreachNlri[] = [];
  for (const family of ADDRESS_FAMILIES) {
    const withdrawn = [parts.mpUnreach, parts.mpReach].flatMap(part =>
      part?.family === family ? prefixesOf(family, part.nlri) : [],
    );
    if (withdrawn.length > 0) attributes.push({ type: "mpUnreachNlri", family, withdrawn });
  }
  const withdrawn = [parts.withdrawn, parts.nlri].flatMap(octets =>
    prefixesOf("ipv4-unicast", octets),
  );
  return { type: "update", withdrawn, attributes, nlri: [] };
}

function toMpReach(parts: MpReachParts): PathAttribute {
  const { family, nextHop } = parts;
  const isPair = nextHop.length === 32;
  return {
    type: "mpReachNlri",
    family,
    nextHop: fromAddressBytes(isPair ? nextHop.subarray(0, 16) : nextHop),
    ...(isPair ? { linkLocalNextHop: fromAddressBytes(nextHop.subarray(16)) } : {}),
    nlri: prefixesOf(family, parts.nlri),
  };
}

/** Prefixes of a field that `dissectUpdate` has found well-formed. */
function prefixesOf(family: AddressFamily, octets: Uint8Array): readonly IpPrefix[] {
  const decoded = decodePrefixes(toIpFamily(family), octets);
  return decoded.ok ? decoded.value : [];
}
