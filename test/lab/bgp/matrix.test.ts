/**
 * The interoperability matrix: each daemon of Debian as the peer of our BGP thread, one test for each feature. With
 * `HERALD_WRITE_RESULTS=1` the outcome is written to `bench/results/bgp-interop.md`.
 */
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ensureRouters, type RouterName } from "../../../lab/routers/packages";
import type { Router, RouterPeer, RouterSettings } from "../../../lab/routers/router";
import { BgpNode, bundleBgpPrograms, type BgpBundles } from "../../support/bgp-node";
import { eventually, type Segment } from "../../support/netns";
import { Matrix } from "./matrix-report";
import {
  announce,
  ATTRIBUTES,
  begin,
  COMMUNITIES,
  DAEMONS,
  FAMILIES,
  LARGE_COMMUNITIES,
  learnt,
  makeSegment,
  NODE,
  NODE_AS,
  ROUTER,
  ROUTER_AS,
  routerSettings,
  SESSION,
  VIP,
  VIP6,
  type SessionOptions,
} from "./support";

const CANARY = "canary-7f3a91";
const NAMES = Object.keys(DAEMONS) as readonly RouterName[];
const matrix = new Matrix(NAMES);
let bundles: BgpBundles;

beforeAll(async () => {
  await ensureRouters(NAMES);
  bundles = await bundleBgpPrograms();
});

afterAll(async () => {
  bundles.remove();
  await matrix.write();
});

describe.each(NAMES)("%s:", daemon => {
  let segment: Segment;
  let node: BgpNode;
  let router: Router | undefined;

  beforeAll(async () => {
    segment = makeSegment(`bgp-matrix-${daemon}`);
    node = await startNode();
  });

  afterEach(async () => {
    await endRouter("stop");
    node.post({ type: "sessions", sessions: [] });
    await eventually("the session is gone", 5000, () => node.session(SESSION) === undefined);
  });

  afterAll(async () => {
    await node.stop();
    segment.destroy();
  });

  const startNode = () => BgpNode.start(segment.host("node"), bundles);

  async function startRouter(
    peer: Partial<RouterPeer> = {},
    settings: Partial<RouterSettings> = {},
  ): Promise<Router> {
    const start = DAEMONS[daemon];
    router = await start(segment.host("router").namespace, routerSettings(peer, settings));
    return router;
  }

  async function endRouter(how: "stop" | "kill"): Promise<void> {
    const ending = router;
    router = undefined;
    await ending?.[how]();
  }

  /** Test of one cell of the matrix. */
  const cell = (feature: string, run: () => Promise<void>): void => {
    it(feature, async () => {
      await matrix.record(feature, daemon, run);
    });
  };

  /** Starts both sides and waits for the routes. */
  async function meet(
    ours: SessionOptions,
    theirs: Partial<RouterPeer>,
    prefixes: readonly string[] = [VIP],
    settings: Partial<RouterSettings> = {},
  ) {
    const peer = await startRouter(theirs, settings);
    begin(node, ours, prefixes);
    const session = await node.established(SESSION);
    return { peer, session, routes: await learnt(peer, prefixes) };
  }

  cell("IPv4, external, communities and large communities", async () => {
    const { routes, session } = await meet({}, {});
    expect(routes).toMatchObject([
      {
        nextHop: NODE.ipv4,
        asPath: [NODE_AS],
        communities: COMMUNITIES,
        largeCommunities: LARGE_COMMUNITIES,
      },
    ]);
    expect(session).toMatchObject({
      localAddress: NODE.ipv4,
      negotiated: { isExternal: true, remoteAs: ROUTER_AS, remoteIdentifier: ROUTER.ipv4 },
    });
  });

  cell("IPv6", async () => {
    const configuration = { families: ["ipv6-unicast"] } as const;
    const spec = { target: { type: "address", address: ROUTER.ipv6 } } as const;
    const theirs = { target: { address: NODE.ipv6 }, families: ["ipv6"] } as const;
    const { routes } = await meet({ configuration, spec }, theirs, [VIP6]);
    expect(routes).toMatchObject([{ asPath: [NODE_AS], largeCommunities: LARGE_COMMUNITIES }]);
    expect([NODE.ipv6, "fe80::ff:fe00:1"]).toContain(routes[0]?.nextHop);
  });

  cell("both families on one IPv4 session", async () => {
    const configuration = { families: FAMILIES };
    const { routes } = await meet({ configuration }, { families: ["ipv4", "ipv6"] }, [VIP, VIP6]);
    expect(routes[0]?.nextHop).toBe(NODE.ipv4);
    expect([NODE.ipv6, "fe80::ff:fe00:1"]).toContain(routes[1]?.nextHop);
  });

  cell("IPv4 routes with IPv6 next hop (RFC 8950)", async () => {
    const { routes, session } = await meet(
      {
        configuration: { families: FAMILIES, offersExtendedNextHop: true },
        spec: { target: { type: "address", address: ROUTER.ipv6 } },
      },
      { target: { address: NODE.ipv6 }, families: ["ipv4", "ipv6"], extendedNextHop: true },
      [VIP, VIP6],
    );
    expect(session.negotiated?.allowsIpv6NextHopForIpv4).toBe(true);
    expect([NODE.ipv6, "fe80::ff:fe00:1"]).toContain(routes[0]?.nextHop);
  });

  cell("internal, LOCAL_PREF", async () => {
    const configuration = {
      localAs: ROUTER_AS,
      expectedAs: { type: "internal" },
    } as const;
    const peer = await startRouter({ as: ROUTER_AS });
    begin(node, { configuration });
    node.post(announce([VIP], { ...ATTRIBUTES, localPreference: 250 }, 2));
    await node.established(SESSION);
    const routes = await learnt(peer, [VIP]);
    expect(routes).toMatchObject([{ asPath: [], localPreference: 250, nextHop: NODE.ipv4 }]);
  });

  cell("multihop, loopback to loopback with source address", async () => {
    const { routes } = await meet(
      {
        spec: {
          target: { type: "address", address: ROUTER.loopback },
          sourceAddress: NODE.loopback,
          isMultihop: true,
        },
      },
      { target: { address: NODE.loopback }, isMultihop: true },
      [VIP],
      { addresses: [ROUTER.loopback] },
    );
    expect(routes).toMatchObject([{ nextHop: NODE.loopback }]);
  });

  cell("TCP MD5 over IPv4; a wrong password is told and corrected", async () => {
    await startRouter({ password: CANARY });
    begin(node, { spec: { password: `${CANARY}-wrong` } });
    await eventually("the hint", 10_000, () =>
      node.session(SESSION)?.warnings.some(words => words.includes("MD5")),
    );
    begin(node, { spec: { password: CANARY } });
    const session = await node.established(SESSION);
    expect(session.warnings).toEqual([]);
    expect(node.transcript).not.toContain(CANARY);
  });

  cell("TCP MD5 over IPv6", async () => {
    await meet(
      {
        configuration: { families: ["ipv6-unicast"] },
        spec: { target: { type: "address", address: ROUTER.ipv6 }, password: CANARY },
      },
      { target: { address: NODE.ipv6 }, families: ["ipv6"], password: CANARY },
      [VIP6],
    );
    expect(node.transcript).not.toContain(CANARY);
  });

  cell("TTL security (RFC 5082)", async () => {
    const { routes } = await meet({ spec: { ttlSecurityHops: 1 } }, { ttlSecurity: true });
    expect(routes).toHaveLength(1);
  });

  cell("four-octet AS numbers", async () => {
    const [ours, theirs] = [4_200_000_001, 4_200_000_002];
    const { routes, session } = await meet(
      { configuration: { localAs: ours, expectedAs: { type: "exactly", as: theirs } } },
      { as: ours },
      [VIP],
      { as: theirs },
    );
    expect(routes).toMatchObject([{ asPath: [ours] }]);
    expect(session.negotiated).toMatchObject({ remoteAs: theirs, hasFourOctetAs: true });
  });

  cell("received routes are counted and not kept", async () => {
    await meet({}, {}, [VIP], { announces: ["198.18.0.0/24", "198.18.1.0/24"] });
    await eventually("counted", 5000, () => (node.counters(SESSION)?.announcedPrefixes ?? 0) >= 2);
  });

  cell("route refresh", async () => {
    const { peer } = await meet({}, {});
    if (peer.requestRefresh === undefined) {
      matrix.passOver("cannot be asked to");
      return;
    }
    const before = node.counters(SESSION)?.sent.update ?? 0;
    await peer.requestRefresh();
    await eventually("asked", 5000, () => node.counters(SESSION)?.received.routeRefresh === 1);
    await eventually("sent", 5000, () => (node.counters(SESSION)?.sent.update ?? 0) > before);
    expect(await learnt(peer, [VIP])).toHaveLength(1);
  });

  cell("shutdown communication, received (RFC 9003)", async () => {
    const { peer } = await meet({}, {});
    if (peer.shutDown === undefined) {
      matrix.passOver("cannot be asked to");
      return;
    }
    await peer.shutDown("back at noon");
    const received = await eventually(
      "the session is down",
      5000,
      () => node.session(SESSION)?.lastReceived,
    );
    expect(received).toMatchObject({ code: 6, subcode: 2 });
    // GoBGP 3.10 takes a reason on its command line and leaves it out.
    if (daemon === "gobgp") matrix.remark("sends no text");
    else expect(received.words).toContain('"back at noon"');
  });

  cell("peer restarts", async () => {
    await meet({}, {});
    await endRouter("kill");
    await eventually("seen", 12_000, () => !node.isEstablished(SESSION));
    const peer = await startRouter();
    await node.established(SESSION);
    expect(await learnt(peer, [VIP])).toHaveLength(1);
    expect(node.session(SESSION)?.flaps).toBe(1);
  });

  cell("peer goes silent: down at the hold time, 4/0, and back", async () => {
    await meet({ configuration: { holdTimeSeconds: 3, keepaliveSeconds: 1 } }, {});
    router?.signal("SIGSTOP");
    const stoppedAtMs = performance.now();
    await eventually("down", 6000, () => !node.isEstablished(SESSION));
    const downMs = performance.now() - stoppedAtMs;
    expect(downMs).toBeGreaterThan(1_900);
    expect(downMs).toBeLessThan(4_000);
    expect(node.session(SESSION)?.lastSent).toMatchObject({ code: 4, subcode: 0 });
    router?.signal("SIGCONT");
    await node.established(SESSION, 20_000);
  });

  cell("link cut and healed", async () => {
    const { peer } = await meet({ configuration: { holdTimeSeconds: 3, keepaliveSeconds: 1 } }, {});
    segment.setCable("node", false);
    await eventually("down", 6000, () => !node.isEstablished(SESSION));
    segment.setCable("node", true);
    await node.established(SESSION, 30_000);
    expect(await learnt(peer, [VIP])).toHaveLength(1);
  });

  cell("peer refuses (another AS than it expects): told why, asked seldom", async () => {
    await startRouter({ as: 65_099 });
    begin(node);
    const received = await eventually(
      "refused",
      10_000,
      () => node.session(SESSION)?.lastReceived ?? node.session(SESSION)?.lastSent,
    );
    expect(received).toMatchObject({ code: 2, subcode: 2 });
    await new Promise(resolve => setTimeout(resolve, 4_000));
    // The first wait after a refusal is 5 s.
    expect(node.counters(SESSION)?.connectionAttempts).toBeLessThanOrEqual(2);
  });

  cell("drain: graceful shutdown, withdrawal, Cease with text", async () => {
    const peer = await startRouter();
    // Of its own node: a thread that has left does not come back.
    const leaving = await startNode();
    begin(leaving);
    await leaving.established(SESSION);
    await learnt(peer, [VIP]);
    leaving.post({ type: "leave", reason: "drain", text: "node draining", drainMs: 1_500 });
    await eventually("left", 6_000, () => leaving.has("left"));
    expect(leaving.session(SESSION)?.lastSent).toMatchObject({ code: 6, subcode: 2 });
    await learnt(peer, []);
    await leaving.stop();
    const log = readFileSync(peer.logPath, "utf8");
    if (!log.includes("node draining")) matrix.remark("text is not in its log");
  });

  cell("graceful restart: routes stay over a kill, stale ones go with End-of-RIB", async () => {
    const gracefulRestartSeconds = 20;
    const others = ["203.0.113.11/32"];
    const peer = await startRouter({ gracefulRestartSeconds });
    const configuration = { gracefulRestartSeconds };
    const first = await startNode();
    begin(first, { configuration }, [VIP, ...others]);
    const session = await first.established(SESSION);
    await learnt(peer, [VIP, ...others]);
    await first.kill();
    if (daemon === "exabgp") {
      matrix.passOver("keeps no table");
      return;
    }
    expect(session.negotiated?.hasGracefulRestart).toBe(true);
    // Longer than any daemon needs to remove them.
    await new Promise(resolve => setTimeout(resolve, 1_500));
    expect(await peer.routes()).toHaveLength(2);
    const second = await startNode();
    begin(second, { configuration }, [VIP]);
    await second.established(SESSION, 25_000);
    await learnt(peer, [VIP]);
    await second.stop();
  });
});
