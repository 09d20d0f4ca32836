import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../../lib/bgp/codec/message";
import type { NegotiatedSession } from "../../../../lib/bgp/negotiation";
import {
  canonicalKey,
  toGracefulShutdown,
  toPathAttributes,
  type RouteAttributes,
} from "../../../../lib/bgp/route-attributes";
import { makeTemplate, packRoutes } from "../../../../lib/bgp/update-packer";
import { encodePrefix } from "../../../../lib/bgp/codec/nlri";
import { u32 } from "./support/arbitraries";
import { fromHex, loadMessages, toHex, toPrefix } from "./support/golden";
import { NEXT_HOPS, SESSION } from "./support/model-peer";

const PLAIN: RouteAttributes = { communities: [], largeCommunities: [] };
const INTERNAL: NegotiatedSession = { ...SESSION, isExternal: false, localAs: 65_002 };

const types = (attributes: RouteAttributes, session: NegotiatedSession): readonly string[] =>
  toPathAttributes(attributes, session).map(({ type }) => type);

describe("toPathAttributes", () => {
  it("never tells LOCAL_PREF to an external peer and always to an internal one (RFC 4271 §5.1.5)", () => {
    expect(types({ ...PLAIN, localPreference: 200 }, SESSION)).toEqual(["origin", "asPath"]);
    expect(toPathAttributes(PLAIN, INTERNAL)).toContainEqual({
      type: "localPref",
      preference: 100,
    });
    const shutdown = toPathAttributes(toGracefulShutdown(PLAIN), INTERNAL);
    expect(shutdown).toContainEqual({ type: "localPref", preference: 0 });
    expect(shutdown).toContainEqual({ type: "communities", communities: [0xffff_0000] });
  });

  it("has an empty AS_PATH for internal peers and repeats our AS for external ones", () => {
    expect(toPathAttributes({ ...PLAIN, asPathPrepend: 2 }, INTERNAL)[1]).toEqual({
      type: "asPath",
      segments: [],
    });
    expect(toPathAttributes({ ...PLAIN, asPathPrepend: 2 }, SESSION)[1]).toEqual({
      type: "asPath",
      segments: [{ kind: "asSequence", autonomousSystems: [64_512, 64_512, 64_512] }],
    });
  });

  it("uses AS_TRANS and AS4_PATH towards a peer of two octets (RFC 6793 §4.2.2)", () => {
    const large = [{ global: 1, data1: 2, data2: 3 }];
    const attributes = { ...PLAIN, communities: [1], largeCommunities: large };
    const old = { ...SESSION, hasFourOctetAs: false, localAs: 4_200_000_001 };
    expect(toPathAttributes(attributes, old)).toMatchObject([
      { type: "origin" },
      { type: "asPath", segments: [{ autonomousSystems: [23_456] }] },
      { type: "communities" },
      { type: "as4Path", segments: [{ autonomousSystems: [4_200_000_001] }] },
      { type: "largeCommunities" },
    ]);
    expect(types(attributes, { ...old, localAs: 40_000 })).not.toContain("as4Path");
  });

  it("sends MULTI_EXIT_DISC only if it is set, 0 included", () => {
    expect(types(PLAIN, SESSION)).not.toContain("multiExitDisc");
    expect(types({ ...PLAIN, multiExitDisc: 0 }, SESSION)).toContain("multiExitDisc");
  });
});

describe("canonicalKey", () => {
  const communities = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 });
  const large = fc.array(fc.record({ global: fc.nat(2), data1: fc.nat(1), data2: fc.nat(1) }), {
    maxLength: 4,
  });
  const attributes = fc.record(
    {
      communities,
      largeCommunities: large,
      localPreference: fc.nat(2),
      multiExitDisc: fc.nat(2),
      extendedCommunities: fc.array(fc.bigInt({ min: 0n, max: 2n }), { maxLength: 3 }),
      asPathPrepend: fc.nat(2),
    },
    { requiredKeys: ["communities", "largeCommunities"] },
  );

  test.prop([attributes, attributes])("is equal exactly when the encoding is", (one, other) => {
    const encode = (value: RouteAttributes, session: NegotiatedSession): string =>
      toHex(makeTemplate(value, session, "ipv4-unicast", NEXT_HOPS["ipv4-unicast"]!).attributes);
    const isEqual =
      encode(one, SESSION) === encode(other, SESSION) &&
      encode(one, INTERNAL) === encode(other, INTERNAL);
    // Unset and 100 are one to the peer but two wishes: they may differ without harm.
    if (canonicalKey(one) === canonicalKey(other)) expect(isEqual).toBe(true);
    if (!isEqual) expect(canonicalKey(one)).not.toBe(canonicalKey(other));
  });

  test.prop([fc.array(u32, { maxLength: 8 })])("does not depend on order or repetition", list => {
    const one = canonicalKey({ ...PLAIN, communities: list });
    expect(canonicalKey({ ...PLAIN, communities: [...list].reverse() })).toBe(one);
    expect(canonicalKey({ ...PLAIN, communities: [...list, ...list] })).toBe(one);
  });
});

describe("packed messages", () => {
  const golden = (name: string): string => {
    const found = loadMessages().find(message => message.name === name);
    return found!.hex.replaceAll(" ", "");
  };

  it("are the vector of external IPv4 routes with communities, octet by octet", () => {
    const attributes = {
      communities: [0xfc00_0064],
      largeCommunities: [{ global: 64_512, data1: 1, data2: 2 }],
    };
    const template = makeTemplate(attributes, SESSION, "ipv4-unicast", NEXT_HOPS["ipv4-unicast"]!);
    const nlri = fromHex("20cb00710a20cb00710b");
    expect(toHex(packRoutes(template, nlri))).toBe(golden("external IPv4 routes with communities"));
  });

  it("are the vectors of an IPv6 route and of an internal IPv4 route", () => {
    const ipv6 = makeTemplate(PLAIN, SESSION, "ipv6-unicast", NEXT_HOPS["ipv6-unicast"]!);
    expect(toHex(packRoutes(ipv6, encodePrefix(toPrefix("2001:db8:1::10/128"))))).toBe(
      golden("IPv6 route with global and link-local next hop"),
    );
    const ipv4 = makeTemplate(PLAIN, INTERNAL, "ipv4-unicast", NEXT_HOPS["ipv4-unicast"]!);
    expect(toHex(packRoutes(ipv4, encodePrefix(toPrefix("203.0.113.0/24"))))).toBe(
      golden("internal IPv4 route"),
    );
  });

  it("are what the general encoder makes of the same message", () => {
    const { ["ipv4-unicast"]: nextHop } = NEXT_HOPS;
    const template = makeTemplate(PLAIN, SESSION, "ipv4-unicast", nextHop!);
    const prefix = toPrefix("203.0.113.10/32");
    const [origin, asPath] = toPathAttributes(PLAIN, SESSION);
    const message = {
      type: "update",
      withdrawn: [],
      attributes: [origin!, asPath!, { type: "nextHop", address: nextHop!.address }],
      nlri: [prefix],
    } as const;
    expect(packRoutes(template, encodePrefix(prefix))).toEqual(encodeMessage(message, SESSION));
  });
});
