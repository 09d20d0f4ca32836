/** Peers by interface: FRR and our BGP thread find each other by Router Advertisements and speak over link-local addresses. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startFrr } from "../../../lab/routers/frr";
import { ensureRouters } from "../../../lab/routers/packages";
import type { Router } from "../../../lab/routers/router";
import { BgpNode, bundleBgpPrograms, type BgpBundles } from "../../support/bgp-node";
import { eventually, type Segment } from "../../support/netns";
import {
  begin,
  FAMILIES,
  learnt,
  makeSegment,
  NODE_AS,
  ROUTER_AS,
  routerSettings,
  SESSION,
  VIP,
  VIP6,
} from "./support";

const NODE_LINK_LOCAL = "fe80::ff:fe00:1";
const ROUTER_LINK_LOCAL = "fe80::ff:fe00:2";

let bundles: BgpBundles;
let segment: Segment;
let node: BgpNode;
let router: Router;

beforeAll(async () => {
  await ensureRouters(["frr"]);
  bundles = await bundleBgpPrograms();
});

beforeEach(async () => {
  segment = makeSegment("bgp-unnumbered");
  router = await startRouter();
  node = await BgpNode.start(segment.host("node"), bundles);
});

afterEach(async () => {
  await node.stop();
  await router.stop();
  segment.destroy();
});

afterAll(() => bundles.remove());

const startRouter = () =>
  startFrr(
    segment.host("router").namespace,
    routerSettings({ target: { interface: "eth0" }, families: ["ipv4", "ipv6"] }),
  );

function beginUnnumbered(): void {
  begin(
    node,
    {
      configuration: {
        families: FAMILIES,
        offersExtendedNextHop: true,
        expectedAs: { type: "external" },
        holdTimeSeconds: 9,
        keepaliveSeconds: 3,
      },
      spec: { target: { type: "interface", interface: "eth0" } },
    },
    [VIP, VIP6],
  );
}

describe("an unnumbered session with FRR", () => {
  it("finds the neighbor and carries both families", async () => {
    beginUnnumbered();
    const session = await node.established(SESSION, 20_000);
    expect(session).toMatchObject({
      localAddress: NODE_LINK_LOCAL,
      remoteAddress: ROUTER_LINK_LOCAL,
      negotiated: { remoteAs: ROUTER_AS, allowsIpv6NextHopForIpv4: true },
    });
    const routes = await learnt(router, [VIP, VIP6]);
    expect(routes.map(({ asPath }) => asPath)).toEqual([[NODE_AS], [NODE_AS]]);
  });

  it("comes back when the router restarts and when the interface goes down and up", async () => {
    beginUnnumbered();
    await node.established(SESSION, 20_000);
    await router.kill();
    await eventually("down", 15_000, () => !node.isEstablished(SESSION));
    router = await startRouter();
    await node.established(SESSION, 45_000);
    node.host.ip("link", "set", "eth0", "down");
    await eventually("down again", 15_000, () => !node.isEstablished(SESSION));
    node.host.ip("link", "set", "eth0", "up");
    await node.established(SESSION, 45_000);
    await learnt(router, [VIP, VIP6]);
  });
});
