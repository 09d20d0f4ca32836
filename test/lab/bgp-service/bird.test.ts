/** Services through a router: BIRD learns them from three speakers and shares the client's packets out; planned and unplanned ends. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBird } from "../../../lab/routers/bird";
import { ensureRouters } from "../../../lab/routers/packages";
import type { Router } from "../../../lab/routers/router";
import { poll } from "../../../lab/run";
import { metallb, NAMESPACE } from "../../support/lab-speakers";
import { BgpLab, nginx, OUR_AS, POOL, ROUTER_AS, routesTo } from "./support";

const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";
const ALL = ["n1", "n2", "n3"];
const WEB = "198.51.100.10";
const LOCAL = "198.51.100.11";

let world: BgpLab;
let router: Router;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  await ensureRouters(["bird"]);
  world = await BgpLab.up("bgpsvc");
  const { lab } = world;
  ends.push(() => lab.down());
  const r1 = lab.host("r1");
  router = await startBird(lab.netns("r1"), {
    ...world.routerSettings("r1", { gracefulRestartSeconds: 60 }),
    installsRoutes: true,
  });
  ends.push(() => router.stop());
  await lab.apply([
    metallb("IPAddressPool", "routed", { addresses: [POOL] }),
    metallb("BGPPeer", "r1", {
      myASN: OUR_AS,
      peerASN: ROUTER_AS,
      peerAddress: r1.ipv4,
      enableGracefulRestart: true,
    }),
    metallb("Community", "names", { communities: [{ name: "colour", value: "64512:100" }] }),
    metallb("BGPAdvertisement", "routed", {
      communities: ["colour", "large:64512:1:2"],
    }),
  ]);
  await world.whenPodsReady();
  await world.createService("web", WEB);
  await world.untilNextHops(router, `${WEB}/32`, ALL, 30_000);
});

afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** The last figures of the loop that fetches: nothing failed, and it was not idle. */
function expectNothingLost(counts: { readonly tries: number; readonly failures: number }): void {
  expect(counts.failures).toBe(0);
  expect(counts.tries).toBeGreaterThan(20);
}

describe("a Service announced by BGP", () => {
  it("is a route with three next hops, with the attributes of its advertisement", async () => {
    const routes = await routesTo(router, `${WEB}/32`);
    expect(routes).toHaveLength(3);
    for (const route of routes) {
      expect(route).toMatchObject({
        asPath: [OUR_AS],
        communities: ["64512:100"],
        largeCommunities: ["64512:1:2"],
      });
      expect(route).not.toHaveProperty("metric");
    }
    await poll(async () => ((await world.kernelHops("r1", WEB)).length === 3 ? true : undefined), {
      timeoutMs: 10_000,
      describe: () => "the router's kernel has not three next hops",
    });
  });

  it("answers the client through the router", async () => {
    await world.untilAnswered(WEB);
    const counts = await world.whileFetching(
      WEB,
      () => new Promise(done => setTimeout(done, 2_000)),
    );
    expectNothingLost(counts);
  });

  it("has a status of each node, an event and metrics", async () => {
    const path =
      "jsonpath={range .items[*]}{.status.node} {.status.peers} {.metadata.name}{'\\n'}{end}";
    const lines = await poll(
      async () => {
        const argv = ["get", "servicebgpstatuses", "-n", NAMESPACE, "-o", path];
        const { stdout } = await world.lab.kubectl(argv);
        const found = stdout.split("\n").filter(line => line.includes('["r1"]'));
        return found.length === 3 ? found.sort() : undefined;
      },
      { timeoutMs: 10_000, describe: () => "there are not three statuses" },
    );
    for (const [index, node] of ALL.entries()) {
      expect(lines[index]).toMatch(new RegExp(`^${node} \\["r1"\\] bgp-`));
    }
    const events = await world.events("default", "Service", "web");
    for (const node of ALL) {
      expect(events).toContain(`announcing from node "${node}" with protocol "bgp"`);
    }
    const peer = `peer="${world.lab.host("r1").ipv4}:179",vrf="default"`;
    const metrics = await world.metrics("n1");
    expect(metrics).toContain(`metallb_bgp_session_up{${peer}} 1`);
    expect(metrics).toContain(
      `metallb_speaker_announced{service="default/web",protocol="bgp",node="n1",ip="${WEB}"} 1`,
    );
    expect(metrics).toMatch(/metallb_bgp_updates_total\{[^}]*\} [1-9]/);
    const sessions = await world.events(NAMESPACE, "BGPPeer", "r1");
    expect(sessions).toContain(`BGP session from node "n1" with AS ${ROUTER_AS} is up`);
  });
});

describe("policy Local", () => {
  it("announces from nodes with an endpoint alone, and withdraws with the last one", async () => {
    const { lab } = world;
    await lab.kubectl(["label", "node", "n1", "n2", "serves=yes"]);
    await lab.apply([nginx("some", { serves: "yes" })]);
    const spec = { externalTrafficPolicy: "Local", selector: { app: "some" } };
    await world.createService("some", LOCAL, spec);
    await world.untilNextHops(router, `${LOCAL}/32`, ["n1", "n2"], 30_000);
    await lab.kubectl(["label", "node", "n2", "serves-"]);
    await world.untilNextHops(router, `${LOCAL}/32`, ["n1"], 30_000);
    await lab.kubectl(["delete", "service", "some"]);
    await world.untilNextHops(router, `${LOCAL}/32`, []);
  });
});

describe("a planned end", () => {
  it("asks for other paths, then withdraws when a node is excluded, and loses nothing", async () => {
    const { lab } = world;
    const counts = await world.whileFetching(WEB, async () => {
      await lab.kubectl(["label", "node", "n3", `${EXCLUDE}=`]);
      const n3 = lab.host("n3").ipv4;
      await poll(
        async () => {
          const routes = await routesTo(router, `${WEB}/32`);
          const leaving = routes.find(({ nextHop }) => nextHop === n3);
          return leaving?.communities.includes("65535:0") === true ? true : undefined;
        },
        { timeoutMs: 5_000, everyMs: 20, describe: () => "no graceful shutdown community" },
      );
      await world.untilNextHops(router, `${WEB}/32`, ["n1", "n2"]);
    });
    expectNothingLost(counts);
    await lab.kubectl(["label", "node", "n3", `${EXCLUDE}-`]);
    await world.untilNextHops(router, `${WEB}/32`, ALL);
    const routes = await routesTo(router, `${WEB}/32`);
    expect(routes.flatMap(({ communities }) => communities)).not.toContain("65535:0");
  });

  it("keeps every route over the restart of a speaker, under graceful restart", async () => {
    const counts = await world.whileFetching(WEB, async () => {
      await expectKeptWhile(async () => {
        await world.speakers.get("n1")?.stop();
        world.startSpeaker("n1");
        await world.whenReady();
        await untilUp("n1");
      });
    });
    expectNothingLost(counts);
  });

  it("keeps every route over kill -9 of a speaker, under graceful restart", async () => {
    const counts = await world.whileFetching(WEB, async () => {
      await expectKeptWhile(async () => {
        const speaker = world.speakers.get("n2");
        speaker?.kill("SIGKILL");
        await speaker?.exited;
        world.startSpeaker("n2");
        await world.whenReady();
        await untilUp("n2");
      });
    });
    expectNothingLost(counts);
  });
});

/** Watches the router's kernel: no route of the pool may go meanwhile, and all next hops are there afterwards. */
async function expectKeptWhile(work: () => Promise<void>): Promise<void> {
  const { lab } = world;
  const log = `routes-${performance.now().toFixed(0)}`;
  const monitor = lab.spawn("r1", ["ip", "monitor", "route"], { log });
  await work();
  await monitor.stop();
  const { stdout } = await lab.exec("r1", ["cat", lab.logPath(log)]);
  const deleted = stdout.split("\n").filter(line => line.startsWith("Deleted"));
  expect(deleted).toEqual([]);
  await world.untilNextHops(router, `${WEB}/32`, ALL);
}

async function untilUp(node: string): Promise<void> {
  await poll(
    async () => {
      const metrics = await world.metrics(node);
      const isUp = /metallb_bgp_session_up\{[^}]*\} 1/.test(metrics);
      return isUp && /metallb_bgp_announced_prefixes_total\{[^}]*\} [1-9]/.test(metrics)
        ? true
        : undefined;
    },
    { timeoutMs: 30_000, describe: () => `the session of ${node} does not come back` },
  );
}

describe("a password in a Secret", () => {
  it("is waited for, with an event, and used as soon as it is there", async () => {
    const { lab } = world;
    const r2 = lab.host("r2");
    const second = await startBird(
      lab.netns("r2"),
      world.routerSettings("r2", { password: "canary-8h2k" }),
    );
    try {
      await lab.apply([
        metallb("BGPPeer", "r2", {
          myASN: OUR_AS,
          peerASN: ROUTER_AS,
          peerAddress: r2.ipv4,
          passwordSecret: { name: "r2-password" },
        }),
      ]);
      await poll(
        async () => {
          const events = await world.events(NAMESPACE, "BGPPeer", "r2");
          return events.some(text => text.includes("no Secret r2-password")) ? true : undefined;
        },
        { timeoutMs: 10_000, describe: () => "no event says that the Secret is missing" },
      );
      await lab.apply([
        {
          apiVersion: "v1",
          kind: "Secret",
          type: "kubernetes.io/basic-auth",
          metadata: { name: "r2-password", namespace: NAMESPACE },
          stringData: { password: "canary-8h2k" },
        },
      ]);
      await world.untilNextHops(second, `${WEB}/32`, ALL);
      for (const node of ALL) {
        const { stdout } = await lab.exec(node, ["cat", lab.logPath(`${node}-speaker`)]);
        expect(stdout).not.toContain("canary-8h2k");
      }
    } finally {
      await second.stop();
      await lab.kubectl(["delete", "bgppeer", "r2", "-n", NAMESPACE]);
    }
  });
});
