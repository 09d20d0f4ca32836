import { describe, expect, it } from "vitest";
import type { Capability } from "../../../../lib/bgp/codec/capability";
import type { OpenMessage } from "../../../../lib/bgp/codec/open";
import { resolveHoldTimes } from "../../../../lib/bgp/hold-time";
import {
  makeOpen,
  negotiate,
  reduceCapabilities,
  type SessionConfiguration,
} from "../../../../lib/bgp/negotiation";
import {
  CONFIGURATION,
  GRACEFUL_RESTART,
  PEER_CAPABILITIES,
  PEER_OPEN,
} from "./support/conversation";
import { toHex } from "./support/golden";

function agree(configuration: Partial<SessionConfiguration>, open: Partial<OpenMessage> = {}) {
  const full = { ...CONFIGURATION, ...configuration };
  return negotiate(full, makeOpen(full, "full", false), { ...PEER_OPEN, ...open });
}

const withCapabilities = (...more: Capability[]) => ({
  capabilities: [...PEER_CAPABILITIES, ...more],
});

describe("expected AS", () => {
  const internalOpen = {
    myAs: 65_001,
    capabilities: [{ type: "fourOctetAs", as: 65_001 }],
  } as const;

  it.each([
    ["exactly the configured one", { type: "exactly", as: 65_002 }, {}, true],
    ["another than configured", { type: "exactly", as: 65_003 }, {}, false],
    ["internal, ours", { type: "internal" }, internalOpen, true],
    ["internal, another", { type: "internal" }, {}, false],
    ["external, another", { type: "external" }, {}, true],
    ["external, ours", { type: "external" }, internalOpen, false],
    [
      "external, AS_TRANS without its capability",
      { type: "external" },
      { myAs: 23_456, capabilities: [] },
      false,
    ],
  ] as const)("%s", (_name, expectedAs, open, isAccepted) => {
    const result = agree({ expectedAs }, open);
    expect(result.ok).toBe(isAccepted);
    if (!result.ok) expect(result.error).toMatchObject({ code: 2, subcode: 2, reaction: "reset" });
  });

  it("makes a session internal exactly when both AS numbers are equal", () => {
    expect(agree({})).toMatchObject({ ok: true, value: { isExternal: true } });
    const internal = agree({ localAs: 65_002, expectedAs: { type: "internal" } });
    expect(internal).toMatchObject({ ok: true, value: { isExternal: false } });
  });
});

describe("BGP Identifier (RFC 6286)", () => {
  it("may be ours on an external session only", () => {
    const open = { bgpIdentifier: CONFIGURATION.bgpIdentifier };
    expect(agree({}, open).ok).toBe(true);
    const internal = agree({ localAs: 65_002, expectedAs: { type: "internal" } }, open);
    expect(internal).toMatchObject({ ok: false, error: { code: 2, subcode: 3 } });
  });

  it("may look like a multicast address", () => {
    expect(agree({}, { bgpIdentifier: 0xe000_0001 }).ok).toBe(true);
  });
});

describe("families (RFC 4760 §8)", () => {
  it("are those both sides offer", () => {
    const capabilities: Capability[] = [{ type: "multiprotocol", afi: 2, safi: 1 }];
    expect(agree({}, { capabilities })).toMatchObject({
      ok: true,
      value: { families: ["ipv6-unicast"] },
    });
  });

  it("are IPv4 unicast for a peer without the capability", () => {
    expect(agree({}, { capabilities: [] })).toMatchObject({
      ok: true,
      value: { families: ["ipv4-unicast"], hasFourOctetAs: false },
    });
  });

  it("in common there must be one: else 2/7 with what is missing (RFC 5492 §5)", () => {
    const result = agree({ families: ["ipv6-unicast"] }, { capabilities: [] });
    expect(result).toMatchObject({ ok: false, error: { code: 2, subcode: 7 } });
    expect(!result.ok && toHex(result.error.data)).toBe("010400020001");
  });
});

describe("what needs both sides", () => {
  it("extended next hop, extended messages, enhanced route refresh", () => {
    const encodings = [{ afi: 1, safi: 1, nextHopAfi: 2 }];
    const theirs = withCapabilities(
      { type: "extendedNextHop", encodings },
      { type: "extendedMessage" },
      { type: "enhancedRouteRefresh" },
    );
    expect(agree({}, theirs)).toMatchObject({
      value: {
        allowsIpv6NextHopForIpv4: false,
        maxMessageOctets: 4_096,
        hasEnhancedRouteRefresh: true,
      },
    });
    expect(
      agree({ offersExtendedNextHop: true, offersExtendedMessages: true }, theirs),
    ).toMatchObject({
      value: { allowsIpv6NextHopForIpv4: true, maxMessageOctets: 65_535 },
    });
    expect(agree({ offersExtendedNextHop: true, offersExtendedMessages: true })).toMatchObject({
      value: { allowsIpv6NextHopForIpv4: false, maxMessageOctets: 4_096 },
    });
  });

  it("graceful restart, a peer without families being a helper", () => {
    const theirs = withCapabilities(GRACEFUL_RESTART);
    expect(agree({}, theirs).ok && agree({}, theirs)).not.toHaveProperty("value.gracefulRestart");
    expect(agree({ gracefulRestartSeconds: 30 }, theirs)).toMatchObject({
      value: { gracefulRestart: { supportsNotification: true, restartTimeSeconds: 30 } },
    });
    const plain = withCapabilities({ ...GRACEFUL_RESTART, supportsNotification: false });
    expect(agree({ gracefulRestartSeconds: 30 }, plain)).toMatchObject({
      value: { gracefulRestart: { supportsNotification: false } },
    });
  });
});

describe("reduceCapabilities (RFC 5492 §3)", () => {
  const answer = { code: 2, subcode: 7 };

  it("goes from all to the basic ones to none, and no further", () => {
    expect(reduceCapabilities("full", CONFIGURATION, answer)).toBe("basic");
    expect(reduceCapabilities("basic", CONFIGURATION, { code: 2, subcode: 4 })).toBe("none");
    expect(reduceCapabilities("none", CONFIGURATION, answer)).toBe("none");
    expect(makeOpen(CONFIGURATION, "basic", false).capabilities.map(({ type }) => type)).toEqual([
      "multiprotocol",
      "multiprotocol",
      "routeRefresh",
      "fourOctetAs",
    ]);
    expect(makeOpen(CONFIGURATION, "none", false).capabilities).toEqual([]);
  });

  it("keeps what the session cannot do without", () => {
    const onlyIpv6: SessionConfiguration = { ...CONFIGURATION, families: ["ipv6-unicast"] };
    expect(reduceCapabilities("basic", onlyIpv6, answer)).toBe("basic");
    const largeAs: SessionConfiguration = { ...CONFIGURATION, localAs: 4_200_000_001 };
    expect(reduceCapabilities("basic", largeAs, answer)).toBe("basic");
  });

  it("does not react to other NOTIFICATIONs", () => {
    expect(reduceCapabilities("full", CONFIGURATION, { code: 2, subcode: 2 })).toBe("full");
    expect(reduceCapabilities("full", CONFIGURATION, { code: 6, subcode: 7 })).toBe("full");
  });
});

describe("resolveHoldTimes", () => {
  it.each([
    [{}, 90, 30],
    [{ holdTimeSeconds: 9 }, 9, 3],
    [{ keepaliveSeconds: 10 }, 30, 10],
    [{ holdTimeSeconds: 90.9, keepaliveSeconds: 60.9 }, 90, 60],
    [{ holdTimeSeconds: 0 }, 0, 0],
    [{ keepaliveSeconds: 0 }, 0, 0],
  ])("%o gives hold %i and keepalive %i", (given, holdTimeSeconds, keepaliveSeconds) => {
    expect(resolveHoldTimes(given)).toEqual({
      ok: true,
      value: { holdTimeSeconds, keepaliveSeconds },
    });
  });

  it.each([
    [{ holdTimeSeconds: 1 }, "hold-time-below-3-seconds"],
    [{ holdTimeSeconds: 2.9 }, "hold-time-below-3-seconds"],
    [{ holdTimeSeconds: 65_536 }, "hold-time-too-large"],
    [{ holdTimeSeconds: 9, keepaliveSeconds: 10 }, "keepalive-above-hold-time"],
    [{ holdTimeSeconds: 0, keepaliveSeconds: 1 }, "keepalive-without-hold-time"],
  ])("%o is refused: %s", (given, error) => {
    expect(resolveHoldTimes(given)).toEqual({ ok: false, error });
  });
});
