/**
 * Takes an UPDATE apart and checks it, in the order of RFC 7606 §5: the lengths and every prefix first, since only routes that can
 * be named can be treated as withdrawn; then the attributes. Parts alias the message.
 */
import { err, ok, type Result } from "../../net/result";
import { AttributeFlag, PathAttributeType, UpdateErrorSubcode } from "../constants";
import { MAX_PROBLEMS_PER_MESSAGE } from "../limits";
import { toAddressFamily, toIpFamily, type AddressFamily } from "./address-family";
import { ruleOf, type UpdateContext } from "./attribute-rules";
import { updateError, withReaction, type BgpDecodeError, type Reaction } from "./decode-error";
import { countPrefixes } from "./nlri";
import type { RawAttribute } from "./path-attribute-decode";

export interface MpUnreachParts {
  readonly raw: RawAttribute;
  readonly family: AddressFamily;
  readonly nlri: Uint8Array;
  readonly count: number;
}

export interface MpReachParts extends MpUnreachParts {
  /** 4, 16 or 32 octets. */
  readonly nextHop: Uint8Array;
}

export interface UpdateParts {
  readonly withdrawn: Uint8Array;
  readonly withdrawnCount: number;
  readonly nlri: Uint8Array;
  readonly nlriCount: number;
  /** Well-formed attributes, MP attributes included, in order. */
  readonly attributes: readonly RawAttribute[];
  readonly mpReach?: MpReachParts;
  readonly mpUnreach?: MpUnreachParts;
  readonly problems: readonly BgpDecodeError[];
  readonly problemCount: number;
  /** The strongest reaction of the problems; undefined without one. */
  readonly reaction: Reaction | undefined;
}

const {
  malformedAttributeList,
  unrecognizedWellKnownAttribute,
  missingWellKnownAttribute,
  attributeFlagsError,
  optionalAttributeError,
  invalidNetworkField,
} = UpdateErrorSubcode;

/** Gives the checked parts of an UPDATE's body; an error is always a `reset` (see `surveyUpdate`). */
export function dissectUpdate(
  body: Uint8Array,
  context: UpdateContext,
): Result<UpdateParts, BgpDecodeError> {
  const fields = splitFields(body);
  if (!fields.ok) return fields;
  const { withdrawn, attributes, nlri } = fields.value;
  const withdrawnCount = countPrefixes("ipv4", withdrawn);
  if (!withdrawnCount.ok) return err(updateError(invalidNetworkField, "bad withdrawn prefix"));
  const nlriCount = countPrefixes("ipv4", nlri);
  if (!nlriCount.ok) return err(updateError(invalidNetworkField, "bad announced prefix"));
  const inspection = new AttributeInspection(context);
  const defect = inspection.inspect(attributes);
  if (defect !== undefined) return err(defect);
  inspection.demandMandatory(nlriCount.value > 0);
  const parts = inspection.finish();
  return ok({
    withdrawn,
    withdrawnCount: withdrawnCount.value,
    nlri,
    nlriCount: nlriCount.value,
    ...parts,
  });
}

interface Fields {
  readonly withdrawn: Uint8Array;
  readonly attributes: Uint8Array;
  readonly nlri: Uint8Array;
}

function splitFields(body: Uint8Array): Result<Fields, BgpDecodeError> {
  const withdrawnLength = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
  const attributesAt = 2 + withdrawnLength + 2;
  if (attributesAt > body.length) {
    return err(updateError(malformedAttributeList, "withdrawn routes run over the message"));
  }
  const attributesLength = ((body[attributesAt - 2] ?? 0) << 8) | (body[attributesAt - 1] ?? 0);
  const nlriAt = attributesAt + attributesLength;
  if (nlriAt > body.length) {
    return err(updateError(malformedAttributeList, "path attributes run over the message"));
  }
  return ok({
    withdrawn: body.subarray(2, 2 + withdrawnLength),
    attributes: body.subarray(attributesAt, nlriAt),
    nlri: body.subarray(nlriAt),
  });
}

/** One pass over the path attributes; collects what is good and what is wrong. */
class AttributeInspection {
  readonly #context: UpdateContext;
  readonly #attributes: RawAttribute[] = [];
  readonly #seen = new Set<number>();
  readonly #problems: BgpDecodeError[] = [];
  #problemCount = 0;
  #reaction: Reaction | undefined;
  #mpReach: MpReachParts | undefined;
  #mpUnreach: MpUnreachParts | undefined;

  constructor(context: UpdateContext) {
    this.#context = context;
  }

  /** Looks at all attributes; gives the defect that resets the session, if there is one. */
  inspect(octets: Uint8Array): BgpDecodeError | undefined {
    let offset = 0;
    while (offset < octets.length) {
      const raw = readAttribute(octets.subarray(offset));
      if (raw === undefined) return this.#handleOverrun(octets.subarray(offset));
      const defect = this.#inspectOne(raw);
      if (defect !== undefined) return defect;
      offset += raw.whole.length;
    }
    return undefined;
  }

  /** RFC 7606 §3 (d): announced routes need ORIGIN and AS_PATH, those of the classic field NEXT_HOP too. */
  demandMandatory(hasClassicNlri: boolean): void {
    const needed: number[] = [];
    if (hasClassicNlri || this.#mpReach !== undefined) {
      needed.push(PathAttributeType.origin, PathAttributeType.asPath);
    }
    if (hasClassicNlri) needed.push(PathAttributeType.nextHop);
    for (const code of needed) {
      if (this.#seen.has(code)) continue;
      const data = new Uint8Array([code]);
      const error = updateError(
        missingWellKnownAttribute,
        "a mandatory attribute is missing",
        data,
      );
      this.#add(withReaction(error, "treatAsWithdraw"));
    }
  }

  finish() {
    return {
      attributes: this.#attributes,
      ...(this.#mpReach === undefined ? {} : { mpReach: this.#mpReach }),
      ...(this.#mpUnreach === undefined ? {} : { mpUnreach: this.#mpUnreach }),
      problems: this.#problems,
      problemCount: this.#problemCount,
      reaction: this.#reaction,
    };
  }

  #inspectOne(raw: RawAttribute): BgpDecodeError | undefined {
    const isMp =
      raw.code === PathAttributeType.mpReachNlri || raw.code === PathAttributeType.mpUnreachNlri;
    if (this.#seen.has(raw.code)) {
      const error = updateError(malformedAttributeList, "an attribute appears twice", raw.whole);
      if (isMp) return error; // RFC 7606 §3 (g)
      this.#add(withReaction(error, "attributeDiscard"));
      return undefined;
    }
    this.#seen.add(raw.code);
    if (isMp) return this.#inspectMp(raw);
    this.#inspectPlain(raw);
    return undefined;
  }

  #inspectPlain(raw: RawAttribute): void {
    const rule = ruleOf(raw.code);
    if (rule === undefined) {
      this.#inspectUnknown(raw);
      return;
    }
    const add = (subcode: number, reason: string, reaction: Reaction): void => {
      this.#add(withReaction(updateError(subcode, reason, raw.whole), reaction));
    };
    if (rule.isInternalOnly === true && this.#context.isExternal) {
      add(optionalAttributeError, "internal attribute from an external peer", "attributeDiscard");
    } else if (!hasFlags(raw, rule.flags)) {
      add(attributeFlagsError, "wrong attribute flags", rule.reaction);
    } else {
      const defect = rule.check(raw.value, this.#context);
      if (defect === undefined) this.#attributes.push(raw);
      else add(defect.subcode, defect.reason, rule.reaction);
    }
  }

  #inspectUnknown(raw: RawAttribute): void {
    if ((raw.flags & AttributeFlag.optional) !== 0) {
      this.#attributes.push(raw);
      return;
    }
    // RFC 4271 §6.3 resets here; a speaker that keeps no route loses nothing by going on, its own routes would be lost otherwise.
    const error = updateError(
      unrecognizedWellKnownAttribute,
      "unknown well-known attribute",
      raw.whole,
    );
    this.#add(withReaction(error, "treatAsWithdraw"));
  }

  /** RFC 7606 §4: the routes can still be named unless the attribute that runs over is the one that names them. */
  #handleOverrun(rest: Uint8Array): BgpDecodeError | undefined {
    const error = updateError(malformedAttributeList, "an attribute runs over the list", rest);
    const code = rest[1];
    const isMp = code === PathAttributeType.mpReachNlri || code === PathAttributeType.mpUnreachNlri;
    if (isMp) return error;
    this.#add(withReaction(error, "treatAsWithdraw"));
    return undefined;
  }

  #inspectMp(raw: RawAttribute): BgpDecodeError | undefined {
    if (!hasFlags(raw, AttributeFlag.optional)) {
      const error = updateError(attributeFlagsError, "wrong attribute flags", raw.whole);
      this.#add(withReaction(error, "treatAsWithdraw"));
    }
    const isReach = raw.code === PathAttributeType.mpReachNlri;
    const fail = (reason: string): BgpDecodeError =>
      updateError(optionalAttributeError, reason, raw.whole);
    if (raw.value.length < (isReach ? 5 : 3)) return fail("MP attribute is cut");
    const family = familyOf(raw.value);
    if (family !== undefined && this.#context.families.includes(family)) {
      const reason = isReach ? this.#readReach(raw, family) : this.#readUnreach(raw, family);
      if (reason !== undefined) return fail(reason);
    }
    this.#attributes.push(raw);
    return undefined;
  }

  /** Gives what is wrong, if anything. */
  #readReach(raw: RawAttribute, family: AddressFamily): string | undefined {
    const nlriAt = 5 + (raw.value[3] ?? 0);
    if (nlriAt > raw.value.length) return "next hop runs over MP_REACH_NLRI";
    const nextHop = raw.value.subarray(4, nlriAt - 1);
    if (!this.#isNextHopLength(family, nextHop.length)) return "bad next-hop length";
    const nlri = raw.value.subarray(nlriAt);
    const count = countPrefixes(toIpFamily(family), nlri);
    if (!count.ok) return "bad prefix in MP_REACH_NLRI";
    this.#mpReach = { raw, family, nlri, count: count.value, nextHop };
    return undefined;
  }

  /** Gives what is wrong, if anything. */
  #readUnreach(raw: RawAttribute, family: AddressFamily): string | undefined {
    const nlri = raw.value.subarray(3);
    const count = countPrefixes(toIpFamily(family), nlri);
    if (!count.ok) return "bad prefix in MP_UNREACH_NLRI";
    this.#mpUnreach = { raw, family, nlri, count: count.value };
    return undefined;
  }

  #isNextHopLength(family: AddressFamily, length: number): boolean {
    const isIpv6 = length === 16 || length === 32;
    if (family === "ipv6-unicast") return isIpv6;
    return length === 4 || (isIpv6 && this.#context.allowsIpv6NextHopForIpv4);
  }

  #add(error: BgpDecodeError): void {
    this.#problemCount += 1;
    if (this.#problems.length < MAX_PROBLEMS_PER_MESSAGE) this.#problems.push(error);
    if (this.#reaction !== "treatAsWithdraw") this.#reaction = error.reaction;
  }
}

/** The family an MP attribute's value of at least three octets begins with. */
function familyOf(value: Uint8Array): AddressFamily | undefined {
  return toAddressFamily(((value[0] ?? 0) << 8) | (value[1] ?? 0), value[2] ?? 0);
}

function hasFlags(raw: RawAttribute, flags: number): boolean {
  const mask = AttributeFlag.optional | AttributeFlag.transitive;
  return (raw.flags & mask) === flags;
}

/** The first attribute of a list; undefined when it does not fit. */
function readAttribute(octets: Uint8Array): RawAttribute | undefined {
  const flags = octets[0] ?? 0;
  const code = octets[1] ?? 0;
  const isLong = (flags & AttributeFlag.extendedLength) !== 0;
  const valueAt = isLong ? 4 : 3;
  if (valueAt > octets.length) return undefined;
  const first = octets[2] ?? 0;
  const length = isLong ? (first << 8) | (octets[3] ?? 0) : first;
  const end = valueAt + length;
  if (end > octets.length) return undefined;
  return { flags, code, value: octets.subarray(valueAt, end), whole: octets.subarray(0, end) };
}
