/** FRR as the router: the options of a BGPAdvertisement that MetalLB does not have, as FRR and its kernel see them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startFrr } from "../../../lab/routers/frr";
import { ensureRouters } from "../../../lab/routers/packages";
import type { Router } from "../../../lab/routers/router";
import { poll } from "../../../lab/run";
import { metallb } from "../../support/lab-speakers";
import { BgpLab, nginx, OUR_AS, POOL, ROUTER_AS, routesTo } from "./support";

const WEB = "198.51.100.20";

let world: BgpLab;
let router: Router;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  await ensureRouters(["frr"]);
  world = await BgpLab.up("bgpfrr");
  const { lab } = world;
  ends.push(() => lab.down());
  const r1 = lab.host("r1");
  router = await startFrr(lab.netns("r1"), {
    ...world.routerSettings("r1"),
    installsRoutes: true,
  });
  ends.push(() => router.stop());
  // Two endpoints on n1, one on n2 and n3 each.
  await lab.kubectl(["label", "node", "n1", "more=yes"]);
  await lab.apply([
    nginx("more", { more: "yes" }, "web"),
    metallb("IPAddressPool", "routed", { addresses: [POOL] }),
    metallb("BGPPeer", "r1", { myASN: OUR_AS, peerASN: ROUTER_AS, peerAddress: r1.ipv4 }),
    metallb("BGPAdvertisement", "routed", {
      multiExitDisc: 20,
      weightByEndpoints: true,
      serviceAttributes: [
        { serviceSelectors: [{ matchLabels: { tier: "far" } }], asPathPrepend: 2 },
      ],
    }),
  ]);
  await world.whenPodsReady();
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

it("repeats the AS and sends MED where asked to", async () => {
  await world.createService("far", WEB);
  await world.lab.kubectl(["label", "service", "far", "tier=far"]);
  await poll(
    async () => {
      const routes = await routesTo(router, `${WEB}/32`);
      const isFar = routes.every(({ asPath }) => asPath.join() === [64512, 64512, 64512].join());
      return routes.length === 3 && isFar ? true : undefined;
    },
    { timeoutMs: 30_000, describe: () => "FRR has no three long paths" },
  );
  for (const route of await routesTo(router, `${WEB}/32`)) expect(route.metric).toBe(20);
});

it("gives the node with two endpoints twice the share", async () => {
  const { lab } = world;
  const weights = await poll(
    async () => {
      const { stdout } = await lab.exec("r1", ["ip", "route", "show", WEB]);
      const hops = [...stdout.matchAll(/via (\S+) dev \S+ weight (\d+)/g)];
      if (hops.length !== 3) return undefined;
      return new Map(hops.map(([, hop = "", weight]) => [hop, Number(weight)]));
    },
    { timeoutMs: 20_000, describe: () => "the router's kernel has not three weighted next hops" },
  );
  const weightOf = (node: string): number => weights.get(lab.host(node).ipv4) ?? 0;
  expect(weightOf("n2")).toBe(weightOf("n3"));
  expect(weightOf("n1") / weightOf("n2")).toBeCloseTo(2, 0);
});
