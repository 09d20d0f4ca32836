/**
 * The interoperability matrix: each daemon of Debian as the peer of our BGP thread, one test for each feature, all daemons at once.
 * With `HERALD_WRITE_RESULTS=1` the outcome is written to `bench/results/bgp-interop.md`.
 */
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { ensureRouters, type RouterName } from "../../../lab/routers/packages";
import { bundleBgpPrograms, type BgpBundles } from "../../support/bgp-node";
import { eventually } from "../../support/netns";
import { DaemonLab } from "./daemon-lab";
import { Matrix, type CellTest } from "./matrix-report";
import {
  announce,
  ATTRIBUTES,
  begin,
  COMMUNITIES,
  DAEMONS,
  FAMILIES,
  LARGE_COMMUNITIES,
  learnt,
  NODE,
  NODE_AS,
  ROUTER,
  ROUTER_AS,
  SESSION,
  VIP,
  VIP6,
} from "./support";

const CANARY = "canary-7f3a91";
const NAMES = Object.keys(DAEMONS) as readonly RouterName[];
const matrix = new Matrix(NAMES);
let bundles: BgpBundles;
let labs: readonly DaemonLab[] = [];

beforeAll(async () => {
  await ensureRouters(NAMES);
  bundles = await bundleBgpPrograms();
  labs = await Promise.all(NAMES.map(name => DaemonLab.up(name, bundles)));
});

afterEach(async () => {
  await Promise.all(labs.map(lab => lab.clean()));
});

afterAll(async () => {
  await Promise.all(labs.map(lab => lab.down()));
  bundles.remove();
  await matrix.write();
});

/** A row of the matrix: the same with each daemon. */
function row(feature: string, run: CellTest): void {
  it(feature, async () => {
    const outcomes = await Promise.all(labs.map(lab => matrix.record(feature, lab, run)));
    expect(outcomes.filter(outcome => outcome !== undefined)).toEqual([]);
  });
}

row("IPv4, external, communities and large communities", async lab => {
  const { routes, session } = await lab.meet({}, {});
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

row("IPv6", async lab => {
  const configuration = { families: ["ipv6-unicast"] } as const;
  const spec = { target: { type: "address", address: ROUTER.ipv6 } } as const;
  const theirs = { target: { address: NODE.ipv6 }, families: ["ipv6"] } as const;
  const { routes } = await lab.meet({ configuration, spec }, theirs, [VIP6]);
  expect(routes).toMatchObject([{ asPath: [NODE_AS], largeCommunities: LARGE_COMMUNITIES }]);
  expect([NODE.ipv6, "fe80::ff:fe00:1"]).toContain(routes[0]?.nextHop);
});

row("both families on one IPv4 session", async lab => {
  const configuration = { families: FAMILIES };
  const { routes } = await lab.meet({ configuration }, { families: ["ipv4", "ipv6"] }, [VIP, VIP6]);
  expect(routes[0]?.nextHop).toBe(NODE.ipv4);
  expect([NODE.ipv6, "fe80::ff:fe00:1"]).toContain(routes[1]?.nextHop);
});

row("IPv4 routes with IPv6 next hop (RFC 8950)", async lab => {
  const { routes, session } = await lab.meet(
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

row("internal, LOCAL_PREF", async lab => {
  const configuration = {
    localAs: ROUTER_AS,
    expectedAs: { type: "internal" },
  } as const;
  const peer = await lab.startRouter({ as: ROUTER_AS });
  begin(lab.node, { configuration });
  lab.node.post(announce([VIP], { ...ATTRIBUTES, localPreference: 250 }, 2));
  await lab.node.established(SESSION);
  const routes = await learnt(peer, [VIP]);
  expect(routes).toMatchObject([{ asPath: [], localPreference: 250, nextHop: NODE.ipv4 }]);
});

row("multihop, loopback to loopback with source address", async lab => {
  const { routes } = await lab.meet(
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

row("TCP MD5 over IPv4; a wrong password is told and corrected", async lab => {
  await lab.startRouter({ password: CANARY });
  begin(lab.node, { spec: { password: `${CANARY}-wrong` } });
  await eventually("the hint", 10_000, () =>
    lab.node.session(SESSION)?.warnings.some(words => words.includes("MD5")),
  );
  begin(lab.node, { spec: { password: CANARY } });
  const session = await lab.node.established(SESSION);
  expect(session.warnings).toEqual([]);
  expect(lab.node.transcript).not.toContain(CANARY);
});

row("TCP MD5 over IPv6", async lab => {
  await lab.meet(
    {
      configuration: { families: ["ipv6-unicast"] },
      spec: { target: { type: "address", address: ROUTER.ipv6 }, password: CANARY },
    },
    { target: { address: NODE.ipv6 }, families: ["ipv6"], password: CANARY },
    [VIP6],
  );
  expect(lab.node.transcript).not.toContain(CANARY);
});

row("TTL security (RFC 5082)", async lab => {
  const { routes } = await lab.meet({ spec: { ttlSecurityHops: 1 } }, { ttlSecurity: true });
  expect(routes).toHaveLength(1);
});

row("four-octet AS numbers", async lab => {
  const [ours, theirs] = [4_200_000_001, 4_200_000_002];
  const { routes, session } = await lab.meet(
    { configuration: { localAs: ours, expectedAs: { type: "exactly", as: theirs } } },
    { as: ours },
    [VIP],
    { as: theirs },
  );
  expect(routes).toMatchObject([{ asPath: [ours] }]);
  expect(session.negotiated).toMatchObject({ remoteAs: theirs, hasFourOctetAs: true });
});

row("received routes are counted and not kept", async lab => {
  await lab.meet({}, {}, [VIP], { announces: ["198.18.0.0/24", "198.18.1.0/24"] });
  await eventually(
    "counted",
    5000,
    () => (lab.node.counters(SESSION)?.announcedPrefixes ?? 0) >= 2,
  );
});

row("route refresh", async (lab, note) => {
  const { peer } = await lab.meet({}, {});
  if (peer.requestRefresh === undefined) {
    note("– (cannot be asked to)");
    return;
  }
  const before = lab.node.counters(SESSION)?.sent.update ?? 0;
  await peer.requestRefresh();
  await eventually("asked", 5000, () => lab.node.counters(SESSION)?.received.routeRefresh === 1);
  await eventually("sent", 5000, () => (lab.node.counters(SESSION)?.sent.update ?? 0) > before);
  expect(await learnt(peer, [VIP])).toHaveLength(1);
});

row("shutdown communication, received (RFC 9003)", async (lab, note) => {
  const { peer } = await lab.meet({}, {});
  if (peer.shutDown === undefined) {
    note("– (cannot be asked to)");
    return;
  }
  await peer.shutDown("back at noon");
  const received = await eventually(
    "the session is down",
    5000,
    () => lab.node.session(SESSION)?.lastReceived,
  );
  expect(received).toMatchObject({ code: 6, subcode: 2 });
  // GoBGP 3.10 takes a reason on its command line and leaves it out.
  if (lab.daemon === "gobgp") note("✓ (sends no text)");
  else expect(received.words).toContain('"back at noon"');
});

row("peer restarts", async lab => {
  await lab.meet({}, {});
  await lab.endRouter("kill");
  await eventually("seen", 12_000, () => !lab.node.isEstablished(SESSION));
  const peer = await lab.startRouter();
  await lab.node.established(SESSION);
  expect(await learnt(peer, [VIP])).toHaveLength(1);
  expect(lab.node.session(SESSION)?.flaps).toBe(1);
});

row("peer goes silent: down at the hold time, 4/0, and back", async lab => {
  await lab.meet({ configuration: { holdTimeSeconds: 3, keepaliveSeconds: 1 } }, {});
  lab.router?.signal("SIGSTOP");
  const stoppedAtMs = performance.now();
  await eventually("down", 6000, () => !lab.node.isEstablished(SESSION));
  const downMs = performance.now() - stoppedAtMs;
  expect(downMs).toBeGreaterThan(1_900);
  expect(downMs).toBeLessThan(4_000);
  expect(lab.node.session(SESSION)?.lastSent).toMatchObject({ code: 4, subcode: 0 });
  lab.router?.signal("SIGCONT");
  await lab.node.established(SESSION, 20_000);
});

row("link cut and healed", async lab => {
  const { peer } = await lab.meet(
    { configuration: { holdTimeSeconds: 3, keepaliveSeconds: 1 } },
    {},
  );
  lab.segment.setCable("node", false);
  await eventually("down", 6000, () => !lab.node.isEstablished(SESSION));
  lab.segment.setCable("node", true);
  await lab.node.established(SESSION, 30_000);
  expect(await learnt(peer, [VIP])).toHaveLength(1);
});

row("peer refuses (another AS than it expects): told why, asked seldom", async lab => {
  await lab.startRouter({ as: 65_099 });
  begin(lab.node);
  const received = await eventually(
    "refused",
    10_000,
    () => lab.node.session(SESSION)?.lastReceived ?? lab.node.session(SESSION)?.lastSent,
  );
  expect(received).toMatchObject({ code: 2, subcode: 2 });
  await new Promise(resolve => setTimeout(resolve, 4_000));
  // The first wait after a refusal is 5 s.
  expect(lab.node.counters(SESSION)?.connectionAttempts).toBeLessThanOrEqual(2);
});

row("drain: graceful shutdown, withdrawal, Cease with text", async (lab, note) => {
  const peer = await lab.startRouter();
  // Of its own node: a thread that has left does not come back.
  const leaving = await lab.startNode();
  begin(leaving);
  await leaving.established(SESSION);
  await learnt(peer, [VIP]);
  leaving.post({ type: "leave", reason: "drain", text: "node draining", drainMs: 1_500 });
  await eventually("left", 6_000, () => leaving.has("left"));
  expect(leaving.session(SESSION)?.lastSent).toMatchObject({ code: 6, subcode: 2 });
  await learnt(peer, []);
  await leaving.stop();
  const log = readFileSync(peer.logPath, "utf8");
  if (!log.includes("node draining")) note("✓ (text is not in its log)");
});

row(
  "graceful restart: routes stay over a kill, stale ones go with End-of-RIB",
  async (lab, note) => {
    const gracefulRestartSeconds = 20;
    const others = ["203.0.113.11/32"];
    const peer = await lab.startRouter({ gracefulRestartSeconds });
    const configuration = { gracefulRestartSeconds };
    const first = await lab.startNode();
    begin(first, { configuration }, [VIP, ...others]);
    const session = await first.established(SESSION);
    await learnt(peer, [VIP, ...others]);
    await first.kill();
    if (lab.daemon === "exabgp") {
      note("– (keeps no table)");
      return;
    }
    expect(session.negotiated?.hasGracefulRestart).toBe(true);
    // Longer than any daemon needs to remove them.
    await new Promise(resolve => setTimeout(resolve, 1_500));
    expect(await peer.routes()).toHaveLength(2);
    const second = await lab.startNode();
    begin(second, { configuration }, [VIP]);
    await second.established(SESSION, 25_000);
    await learnt(peer, [VIP]);
    await second.stop();
  },
);
