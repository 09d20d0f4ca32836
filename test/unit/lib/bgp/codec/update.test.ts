import { test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { bodyOf, encodeMessage, INITIAL_CONTEXT } from "../../../../../lib/bgp/codec/message";
import {
  decodeUpdate,
  makeEndOfRib,
  surveyUpdate,
  type UpdateMessage,
} from "../../../../../lib/bgp/codec/update";
import type { AddressFamily } from "../../../../../lib/bgp/codec/address-family";
import { update } from "../support/arbitraries";
import { fromHex, loadMalformed, toContext, toPrefix } from "../support/golden";

const CONTEXT = toContext({
  isExternal: false,
  hasFourOctetAs: true,
  families: ["ipv4-unicast", "ipv6-unicast"],
  allowsIpv6NextHopForIpv4: true,
  maxMessageOctets: 65_535,
});

/** The slow, obvious count of a decoded message. */
function countOf(message: UpdateMessage) {
  const announced = { "ipv4-unicast": message.nlri.length, "ipv6-unicast": 0 };
  const withdrawn = { "ipv4-unicast": message.withdrawn.length, "ipv6-unicast": 0 };
  for (const attribute of message.attributes) {
    if (attribute.type === "mpReachNlri") announced[attribute.family] += attribute.nlri.length;
    if (attribute.type === "mpUnreachNlri") {
      withdrawn[attribute.family] += attribute.withdrawn.length;
    }
  }
  return { announced, withdrawn };
}

describe("surveyUpdate", () => {
  test.prop([update])("counts what decodeUpdate builds", message => {
    const body = bodyOf(encodeMessage(message, CONTEXT));
    const survey = surveyUpdate(body, CONTEXT);
    expect(survey).toMatchObject({ ok: true, value: { ...countOf(message), problemCount: 0 } });
  });

  it("agrees with decodeUpdate on every malformed UPDATE", () => {
    const updates = loadMalformed().filter(({ hex }) => hex.split(" ")[2] === "02");
    expect(updates.length).toBeGreaterThan(40);
    for (const { name, hex, context } of updates) {
      const body = bodyOf(fromHex(hex));
      const survey = surveyUpdate(body, toContext(context));
      const decoded = decodeUpdate(body, toContext(context));
      expect(survey.ok, name).toBe(decoded.ok);
      if (survey.ok && decoded.ok) {
        expect(survey.value.problems, name).toEqual(decoded.value.problems);
        expect(survey.value, name).toMatchObject(countOf(decoded.value.message));
      }
    }
  });

  it("counts the routes of an UPDATE that is treated as withdrawn as withdrawn (RFC 7606 §2)", () => {
    const message: UpdateMessage = {
      type: "update",
      withdrawn: [toPrefix("198.51.100.0/24")],
      attributes: [{ type: "origin", origin: 3 }],
      nlri: [toPrefix("203.0.113.1/32"), toPrefix("203.0.113.2/32")],
    };
    const body = bodyOf(encodeMessage(message));
    expect(surveyUpdate(body, INITIAL_CONTEXT)).toMatchObject({
      ok: true,
      value: { announced: { "ipv4-unicast": 0 }, withdrawn: { "ipv4-unicast": 3 } },
    });
    const decoded = decodeUpdate(body, INITIAL_CONTEXT);
    expect(decoded.ok && decoded.value.message).toEqual({
      type: "update",
      withdrawn: [...message.withdrawn, ...message.nlri],
      attributes: [],
      nlri: [],
    });
  });

  it.each<AddressFamily>(["ipv4-unicast", "ipv6-unicast"])(
    "knows the End-of-RIB of %s (RFC 4724 §2)",
    family => {
      const body = bodyOf(encodeMessage(makeEndOfRib(family)));
      expect(surveyUpdate(body, CONTEXT)).toMatchObject({ ok: true, value: { endOfRib: family } });
    },
  );

  it("bounds the problems it lists, not those it counts", () => {
    const twice = "40010100".repeat(40);
    const hex = `${"ff".repeat(16)}00b702000000a0${twice}`;
    const survey = surveyUpdate(bodyOf(fromHex(hex)), CONTEXT);
    expect(survey.ok && survey.value.problems).toHaveLength(16);
    expect(survey.ok && survey.value.problemCount).toBe(39);
  });
});
