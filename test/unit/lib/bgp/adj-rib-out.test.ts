import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AdjRibOut, type NextHops, type Route } from "../../../../lib/bgp/adj-rib-out";
import type { AddressFamily } from "../../../../lib/bgp/codec/address-family";
import type { NegotiatedSession } from "../../../../lib/bgp/negotiation";
import { toPathAttributes, type RouteAttributes } from "../../../../lib/bgp/route-attributes";
import { formatIpPrefix, toPrefixes, type IpPrefix } from "../../../../lib/net/ip-prefix";
import { toAddress, toPrefix } from "./support/golden";
import { ModelPeer, NEXT_HOPS, SESSION } from "./support/model-peer";

const PLAIN: RouteAttributes = { communities: [], largeCommunities: [] };
const TAGGED: RouteAttributes = { communities: [0xfc00_0064], largeCommunities: [] };
const EVERYTHING = Number.POSITIVE_INFINITY;

/** The first `count` host prefixes of 10/8 or 2001:db8:ff::/112. */
function hosts(family: "ipv4" | "ipv6", count: number): IpPrefix[] {
  const base = toAddress(family === "ipv4" ? "10.0.0.0" : "2001:db8:ff::").value;
  const lengthBits = family === "ipv4" ? 32 : 128;
  return Array.from({ length: count }, (_, index) => ({
    family,
    value: base + BigInt(index),
    lengthBits,
  }));
}

function started(session: NegotiatedSession = SESSION, nextHops: NextHops = NEXT_HOPS): AdjRibOut {
  const rib = new AdjRibOut();
  rib.release();
  rib.start(session, nextHops, 0);
  return rib;
}

function announceAll(rib: AdjRibOut, prefixes: readonly IpPrefix[], attributes = PLAIN): void {
  for (const prefix of prefixes) rib.announce({ prefix, attributes });
}

describe("packing", () => {
  it("sends 10,000 IPv4 routes of one attribute set in at most 14 UPDATEs, End-of-RIB included", () => {
    const rib = started({ ...SESSION, families: ["ipv4-unicast"] });
    announceAll(rib, hosts("ipv4", 10_000), TAGGED);
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.table.size).toBe(10_000);
    expect(peer.updates).toBeLessThanOrEqual(14);
    for (const prefix of hosts("ipv4", 10_000)) rib.withdraw(prefix);
    const before = peer.updates;
    peer.read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.table.size).toBe(0);
    expect(peer.updates - before).toBeLessThanOrEqual(14);
  });

  it("sends 10,000 IPv6 routes of one attribute set in at most 44 UPDATEs, End-of-RIB included", () => {
    const rib = started({ ...SESSION, families: ["ipv6-unicast"] });
    announceAll(rib, hosts("ipv6", 10_000), TAGGED);
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.table.size).toBe(10_000);
    expect(peer.updates).toBeLessThanOrEqual(44);
  });

  it("fills messages up to 65535 octets when extended messages are negotiated", () => {
    const session = { ...SESSION, maxMessageOctets: 65_535 };
    const rib = started(session);
    announceAll(rib, hosts("ipv4", 13_000));
    const peer = new ModelPeer(session).read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.log).toEqual([
      "announce 13000",
      "end-of-rib ipv4-unicast",
      "end-of-rib ipv6-unicast",
    ]);
  });

  it("does not announce what its attributes leave no room for (RFC 8654 §4)", () => {
    const communities = Array.from({ length: 1_020 }, (_, index) => index);
    const rib = started();
    const [first, second] = hosts("ipv4", 2);
    rib.announce({ prefix: first!, attributes: PLAIN });
    rib.announce({ prefix: second!, attributes: PLAIN });
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    rib.announce({ prefix: first!, attributes: { ...PLAIN, communities } });
    peer.read(rib.takeMessages(EVERYTHING, 0));
    expect([...peer.table.keys()]).toEqual([formatIpPrefix(second!)]);
    expect(rib.pendingPrefixes).toBe(0);
  });
});

describe("order", () => {
  it("sends routes before withdrawals, End-of-RIB last and once", () => {
    const rib = started();
    const [first, second, third] = hosts("ipv4", 3);
    announceAll(rib, [first!, second!]);
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.log).toEqual(["announce 2", "end-of-rib ipv4-unicast", "end-of-rib ipv6-unicast"]);
    rib.withdraw(first!);
    rib.announce({ prefix: second!, attributes: TAGGED });
    rib.announce({ prefix: third!, attributes: PLAIN });
    peer.log.length = 0;
    peer.read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.log).toEqual(["announce 1", "announce 1", "withdraw 1"]);
    expect(rib.takeMessages(EVERYTHING, 0)).toEqual([]);
  });

  it("stops at the budget and goes on where it stopped", () => {
    const rib = started();
    announceAll(rib, hosts("ipv4", 3_000));
    announceAll(rib, hosts("ipv6", 500));
    const peer = new ModelPeer();
    let calls = 0;
    for (;;) {
      const messages = rib.takeMessages(1, 0);
      if (messages.length === 0) break;
      expect(messages).toHaveLength(1);
      peer.read(messages);
      calls += 1;
    }
    expect(calls).toBe(4 + 3 + 2);
    expect(peer.table.size).toBe(3_500);
    expect(peer.log.slice(-2)).toEqual(["end-of-rib ipv4-unicast", "end-of-rib ipv6-unicast"]);
  });

  it("sends nothing for what is undone before it was sent", () => {
    const rib = started();
    const [first, second] = hosts("ipv4", 2);
    announceAll(rib, [first!]);
    rib.takeMessages(EVERYTHING, 0);
    rib.announce({ prefix: first!, attributes: TAGGED });
    rib.announce({ prefix: first!, attributes: PLAIN });
    rib.announce({ prefix: second!, attributes: PLAIN });
    rib.withdraw(second!);
    expect(rib.pendingPrefixes).toBe(0);
    expect(rib.takeMessages(EVERYTHING, 0)).toEqual([]);
  });
});

describe("holding the first table", () => {
  const gracefulRestart = {
    isRestarting: true,
    supportsNotification: true,
    restartTimeSeconds: 20,
  };

  it("sends nothing before the release, then everything", () => {
    const rib = new AdjRibOut();
    rib.start(SESSION, NEXT_HOPS, 1_000);
    announceAll(rib, hosts("ipv4", 2));
    expect(rib.takeMessages(EVERYTHING, 1_000)).toEqual([]);
    expect(rib.nextDeadlineMs()).toBe(31_000);
    rib.release();
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 1_000));
    expect(peer.log[0]).toBe("announce 2");
    expect(rib.nextDeadlineMs()).toBeUndefined();
  });

  it("waits at most 30 s, or half the restart time", () => {
    for (const [session, limitMs] of [
      [SESSION, 30_000],
      [{ ...SESSION, gracefulRestart }, 10_000],
      [{ ...SESSION, gracefulRestart: { ...gracefulRestart, restartTimeSeconds: 120 } }, 30_000],
    ] as const) {
      const rib = new AdjRibOut();
      rib.start(session, NEXT_HOPS, 0);
      expect(rib.nextDeadlineMs()).toBe(limitMs);
      expect(rib.takeMessages(EVERYTHING, limitMs - 1)).toEqual([]);
      expect(rib.takeMessages(EVERYTHING, limitMs)).toHaveLength(2);
    }
  });
});

describe("sessions", () => {
  it("sends the whole table and End-of-RIB again to each session", () => {
    const rib = started();
    announceAll(rib, hosts("ipv4", 3));
    const first = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    rib.stop();
    expect(rib.sentPrefixes).toBe(0);
    expect(rib.takeMessages(EVERYTHING, 0)).toEqual([]);
    rib.withdraw(hosts("ipv4", 1)[0]!);
    rib.start(SESSION, NEXT_HOPS, 0);
    const second = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    expect(second.log).toEqual(["announce 2", ...first.log.slice(1)]);
    expect(rib.sentPrefixes).toBe(2);
  });

  it("sends only the families of the session", () => {
    const rib = started({ ...SESSION, families: ["ipv6-unicast"] });
    announceAll(rib, [...hosts("ipv4", 2), ...hosts("ipv6", 2)]);
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.log).toEqual(["announce 2", "end-of-rib ipv6-unicast"]);
    expect(rib.desiredPrefixes).toBe(4);
  });

  it("sends End-of-RIB alone for a family without a next hop", () => {
    const rib = started(SESSION, { "ipv4-unicast": NEXT_HOPS["ipv4-unicast"]! });
    announceAll(rib, hosts("ipv6", 2));
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.log).toEqual(["end-of-rib ipv4-unicast", "end-of-rib ipv6-unicast"]);
  });

  it("announces and withdraws IPv4 over IPv6 in MP attributes (RFC 8950)", () => {
    const session = { ...SESSION, allowsIpv6NextHopForIpv4: true };
    const rib = started(session, { ...NEXT_HOPS, "ipv4-unicast": NEXT_HOPS["ipv6-unicast"]! });
    announceAll(rib, hosts("ipv4", 2));
    const peer = new ModelPeer(session).read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.table.get("10.0.0.1/32")).toContain("mpReachNlri");
    rib.withdraw(hosts("ipv4", 1)[0]!);
    peer.read(rib.takeMessages(EVERYTHING, 0));
    expect([...peer.table.keys()]).toEqual(["10.0.0.1/32"]);
  });
});

describe("a table in place of another one", () => {
  it("has what the other one shall have, and was told nothing", () => {
    const before = started();
    before.announce({ prefix: toPrefix("192.0.2.1/32"), attributes: PLAIN });
    before.announce({ prefix: toPrefix("2001:db8::1/128"), attributes: TAGGED });
    before.announce({ prefix: toPrefix("192.0.2.9/32"), attributes: PLAIN });
    before.takeMessages(EVERYTHING, 0);
    before.withdraw(toPrefix("192.0.2.9/32"));
    const next = new AdjRibOut();
    next.copyDesired(before);
    expect(next.desiredPrefixes).toBe(2);
    expect(next.sentPrefixes).toBe(0);
    // It is released as the other one was.
    next.start(SESSION, NEXT_HOPS, 0);
    const peer = new ModelPeer().read(next.takeMessages(EVERYTHING, 0));
    expect([...peer.table.keys()].sort()).toEqual(["192.0.2.1/32", "2001:db8::1/128"]);
    // The two share nothing.
    before.replaceAll([]);
    expect(next.desiredPrefixes).toBe(2);
  });

  it("holds its first table as long as the other one does", () => {
    const before = new AdjRibOut();
    before.announce({ prefix: toPrefix("192.0.2.1/32"), attributes: PLAIN });
    const next = new AdjRibOut();
    next.copyDesired(before);
    next.start(SESSION, NEXT_HOPS, 0);
    expect(next.takeMessages(EVERYTHING, 1)).toEqual([]);
    next.release();
    expect(next.takeMessages(EVERYTHING, 1)).not.toEqual([]);
  });
});

describe("ROUTE-REFRESH", () => {
  it("sends the family again, enclosed when enhanced refresh is negotiated (RFC 7313)", () => {
    const rib = started({ ...SESSION, hasEnhancedRouteRefresh: true });
    announceAll(rib, [...hosts("ipv4", 2), ...hosts("ipv6", 1)]);
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    peer.log.length = 0;
    rib.requestRefresh("ipv4-unicast");
    peer.read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.log).toEqual(["refresh 1", "announce 2", "refresh 2"]);
  });

  it("answers 100 requests in one second with at most two tables", () => {
    const rib = started();
    announceAll(rib, hosts("ipv4", 2));
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    peer.log.length = 0;
    for (let nowMs = 0; nowMs < 1_000; nowMs += 10) {
      rib.requestRefresh("ipv4-unicast");
      peer.read(rib.takeMessages(EVERYTHING, nowMs));
    }
    expect(peer.log).toEqual(["announce 2"]);
    expect(rib.nextDeadlineMs()).toBe(1_000);
    peer.read(rib.takeMessages(EVERYTHING, 1_000));
    expect(peer.log).toEqual(["announce 2", "announce 2"]);
    expect(rib.nextDeadlineMs()).toBeUndefined();
  });

  it("withdraws a route that goes while it waits to be sent again", () => {
    const rib = started();
    const [first] = hosts("ipv4", 1);
    announceAll(rib, [first!]);
    const peer = new ModelPeer().read(rib.takeMessages(EVERYTHING, 0));
    announceAll(rib, hosts("ipv4", 2_000).slice(1));
    rib.requestRefresh("ipv4-unicast");
    peer.read(rib.takeMessages(1, 0));
    rib.withdraw(first!);
    peer.read(rib.takeMessages(EVERYTHING, 0));
    expect(peer.table.has(formatIpPrefix(first!))).toBe(false);
    expect(peer.table.size).toBe(1_999);
  });
});

describe("memory", () => {
  it("keeps nothing of routes that are gone", () => {
    const rib = started();
    for (let round = 0; round < 50; round += 1) {
      announceAll(rib, hosts("ipv4", 20), { ...PLAIN, communities: [round] });
      rib.takeMessages(EVERYTHING, 0);
      rib.replaceAll([]);
      rib.takeMessages(EVERYTHING, 0);
      expect(rib.retained).toEqual({ entries: 0, attributeSets: 0 });
    }
  });
});

const ATTRIBUTES: readonly RouteAttributes[] = [
  PLAIN,
  TAGGED,
  { ...PLAIN, localPreference: 200 },
  { ...PLAIN, multiExitDisc: 5, asPathPrepend: 2 },
  { ...PLAIN, largeCommunities: [{ global: 64_512, data1: 1, data2: 2 }] },
];

/** A few prefixes of both families, so that operations meet. */
const PREFIXES: readonly IpPrefix[] = [
  ...hosts("ipv4", 6),
  ...hosts("ipv6", 6),
  toPrefix("0.0.0.0/0"),
  toPrefix("10.0.0.0/8"),
  toPrefix("::/0"),
  ...toPrefixes({ family: "ipv4", first: 1n, last: 6n }),
];

type Operation = (rib: AdjRibOut, desired: Map<string, Route>) => void;

const route = fc.record({
  prefix: fc.constantFrom(...PREFIXES),
  attributes: fc.constantFrom(...ATTRIBUTES),
});

const operation: fc.Arbitrary<Operation> = fc.oneof(
  route.map(
    (value): Operation =>
      (rib, desired) => {
        rib.announce(value);
        desired.set(formatIpPrefix(value.prefix), value);
      },
  ),
  fc.constantFrom(...PREFIXES).map(
    (prefix): Operation =>
      (rib, desired) => {
        rib.withdraw(prefix);
        desired.delete(formatIpPrefix(prefix));
      },
  ),
  fc.array(route, { maxLength: 6 }).map(
    (routes): Operation =>
      (rib, desired) => {
        rib.replaceAll(routes);
        desired.clear();
        for (const value of routes) desired.set(formatIpPrefix(value.prefix), value);
      },
  ),
  fc.constantFrom<AddressFamily>("ipv4-unicast", "ipv6-unicast").map(
    (family): Operation =>
      rib =>
        rib.requestRefresh(family),
  ),
);

describe("any sequence of changes", () => {
  const steps = fc.array(
    fc.record({
      operations: fc.array(operation, { maxLength: 4 }),
      budget: fc.constantFrom(1, 50, 200, EVERYTHING),
      isRestarted: fc.integer({ min: 0, max: 9 }).map(number => number === 0),
    }),
    { minLength: 1, maxLength: 12 },
  );

  test.prop([steps, fc.boolean(), fc.boolean()], { numRuns: 300 })(
    "ends with the peer having exactly what is desired",
    (sequence, isExternal, hasEnhancedRouteRefresh) => {
      const session = { ...SESSION, isExternal, hasEnhancedRouteRefresh, localAs: 64_512 };
      const rib = started(session);
      const desired = new Map<string, Route>();
      let peer = new ModelPeer(session);
      let nowMs = 0;
      for (const { operations, budget, isRestarted } of sequence) {
        for (const apply of operations) apply(rib, desired);
        peer.read(rib.takeMessages(budget, nowMs));
        nowMs += 300;
        if (!isRestarted) continue;
        rib.stop();
        rib.start(session, NEXT_HOPS, nowMs);
        peer = new ModelPeer(session);
      }
      nowMs += 2_000;
      peer.read(rib.takeMessages(EVERYTHING, nowMs));
      expect([...peer.table.keys()].sort()).toEqual([...desired.keys()].sort());
      for (const [prefix, { attributes }] of desired) {
        const expected = toPathAttributes(attributes, session).map(({ type }) => type);
        const types = (JSON.parse(peer.table.get(prefix)!) as { type: string }[])
          .map(({ type }) => type)
          .filter(type => type !== "nextHop" && type !== "mpReachNlri");
        expect(types).toEqual(expected);
      }
      expect(rib.pendingPrefixes).toBe(0);
      expect(rib.sentPrefixes).toBe(desired.size);
      expect(rib.retained.entries).toBe(desired.size);
      expect(rib.takeMessages(EVERYTHING, nowMs + 5_000)).toEqual([]);
    },
  );
});
