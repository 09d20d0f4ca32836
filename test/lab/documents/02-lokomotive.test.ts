/** Lokomotive's component through convert, and BGP to two routers with equal-cost paths over the nodes (case 2.10). */
import { afterAll, beforeAll, expect, it } from "vitest";
import { NGINX_IMAGE } from "../../../lab/images";
import { startBird } from "../../../lab/routers/bird";
import { ensureRouters } from "../../../lab/routers/packages";
import type { Router } from "../../../lab/routers/router";
import { DocumentLab } from "./support";

const COMPONENT = `
component "metallb" {
  address_pools = {
    pool1 = ["147.63.8.20/32"]
    pool2 = ["147.85.47.16/29", "147.85.47.24/29"]
  }
}
`;

const NGINX = (replicas: number): object[] => [
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "nginx" },
    spec: {
      selector: { matchLabels: { app: "nginx" } },
      template: {
        metadata: { labels: { app: "nginx" } },
        spec: {
          nodeSelector: replicas === 3 ? {} : { serves: "yes" },
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "nginx",
              image: NGINX_IMAGE,
              imagePullPolicy: "IfNotPresent",
              readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "nginx", annotations: { "metallb.universe.tf/address-pool": "pool2" } },
    spec: {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      selector: { app: "nginx" },
      ports: [{ port: 80 }],
    },
  },
];

const PREFIX = "147.85.47.16/32";
let doc: DocumentLab;
const routers: Router[] = [];

beforeAll(async () => {
  await ensureRouters(["bird"]);
  doc = await DocumentLab.up("doc2", 3);
});

afterAll(async () => {
  for (const router of routers) await router.stop();
  await doc.lab.down();
});

async function untilHops(wanted: readonly string[]): Promise<void> {
  const addresses = wanted.map(node => doc.lab.host(node).ipv4).sort();
  for (const router of routers) {
    await doc.until(`next hops ${wanted.join()} of ${PREFIX}`, async () => {
      const routes = (await router.routes()).filter(({ prefix }) => prefix === PREFIX);
      const hops = routes.map(({ nextHop }) => nextHop).sort();
      return hops.join() === addresses.join() || undefined;
    });
  }
}

it("2.10 the Service is a route at both routers, by every node with an endpoint, and by one less after a node was stopped", async () => {
  const { status, stdout } = await doc.convert("-f -", COMPONENT);
  expect(status).toBe(0);
  await doc.kubectl("apply -f -", stdout);
  for (const [index, name] of ["r1", "r2"].entries()) {
    const { ipv4 } = doc.lab.host(name);
    routers.push(
      await startBird(doc.lab.netns(name), {
        as: 65530 + index,
        routerId: ipv4,
        addresses: [ipv4],
        installsRoutes: false,
        peers: doc.lab.nodes.map(node => ({
          target: { address: doc.lab.host(node).ipv4 },
          as: 65000,
          families: ["ipv4"],
        })),
      }),
    );
    await doc.lab.apply([
      {
        apiVersion: "metallb.io/v1beta2",
        kind: "BGPPeer",
        metadata: { name, namespace: "metallb-system" },
        spec: { myASN: 65000, peerASN: 65530 + index, peerAddress: ipv4, holdTime: "3s" },
      },
    ]);
  }
  await doc.lab.kubectl(["label", "node", "n1", "n2", "serves=yes"]);
  await doc.lab.apply(NGINX(2));
  expect(await doc.addressOf("nginx")).toBe("147.85.47.16");
  await untilHops(["n1", "n2"]);
  await doc.lab.kubectl(["label", "node", "n3", "serves=yes"]);
  await untilHops(["n1", "n2", "n3"]);
  await doc.lab.powerOff("n3");
  await untilHops(["n1", "n2"]);
});
