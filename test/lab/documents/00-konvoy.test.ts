/** "Configure MetalLB" of DKP and Konvoy: two ConfigMaps, as printed, one after the other (cases 0.1 to 0.7). */
import { afterAll, beforeAll, expect, it } from "vitest";
import { nginx } from "../../../lab/demo-manifests";
import { startBird } from "../../../lab/routers/bird";
import { ensureRouters } from "../../../lab/routers/packages";
import type { Router } from "../../../lab/routers/router";
import { DocumentLab } from "./support";

const LAYER2 = `
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: metallb-system
  name: config
data:
  config: |
    address-pools:
    - name: default
      protocol: layer2
      addresses:
      - 192.168.1.240-192.168.1.250
`;

const BGP = `
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: metallb-system
  name: config
data:
  config: |
    peers:
    - peer-address: 10.0.0.1
      peer-asn: 64501
      my-asn: 64500
    address-pools:
    - name: default
      protocol: bgp
      addresses:
      - 192.168.10.0/24
`;

const ADDRESS = "192.168.1.240";
let doc: DocumentLab;
let router: Router | undefined;

beforeAll(async () => {
  await ensureRouters(["bird"]);
  doc = await DocumentLab.up("doc0");
});

afterAll(async () => {
  await router?.stop();
  await doc.lab.down();
});

it("0.3 kubectl apply of the layer 2 ConfigMap", async () => {
  expect(await doc.kubectl("apply -f -", LAYER2)).toBe("configmap/config created\n");
  await doc.until(
    "the pool",
    async () => "default" in (await doc.objects("ipaddresspools")) || undefined,
  );
  expect(await doc.objects("l2advertisements")).toEqual({
    l2advertisement1: { ipAddressPools: ["default"] },
  });
});

it("0.4 the first address goes to the first Service, and the client gets its page", async () => {
  await doc.lab.apply(nginx);
  expect(await doc.addressOf("nginx")).toBe(ADDRESS);
  expect(await doc.page(ADDRESS)).toContain("Welcome to nginx!");
});

it("0.1 the address is on no interface, and one node answers for it with its own MAC address", async () => {
  for (const node of doc.lab.nodes) {
    const { stdout } = await doc.lab.exec(node, ["ip", "address"]);
    expect(stdout).not.toContain(ADDRESS);
  }
  const [owner, ...others] = await doc.answerers(ADDRESS, "client", 3);
  expect(doc.lab.nodes).toContain(owner);
  expect(others).toEqual([]);
});

it("0.5 0.6 0.7 kubectl apply of the BGP ConfigMap over it: sessions to the router, the Service is a route", async () => {
  // The router of the document, on the nodes' network.
  await doc.lab.exec("r1", ["ip", "address", "add", "10.0.0.1/32", "dev", "eth0"]);
  for (const node of doc.lab.nodes) {
    await doc.lab.exec(node, ["ip", "route", "add", "10.0.0.1/32", "dev", "eth0"]);
  }
  router = await startBird(doc.lab.netns("r1"), {
    as: 64501,
    routerId: "10.0.0.1",
    addresses: ["10.0.0.1"],
    installsRoutes: true,
    peers: doc.lab.nodes.map(node => ({
      target: { address: doc.lab.host(node).ipv4 },
      as: 64500,
      families: ["ipv4"],
    })),
  });
  const via = doc.lab.host("r1").ipv4;
  await doc.lab.exec("client", ["ip", "route", "add", "192.168.10.0/24", "via", via]);
  await doc.lab.exec("r1", ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);

  expect(await doc.kubectl("apply -f -", BGP)).toBe("configmap/config configured\n");
  await doc.until("the new address", async () =>
    (await doc.addressOf("nginx")) === "192.168.10.0" ? true : undefined,
  );
  expect(await doc.events("Service", "nginx", "default")).toContain("ClearAssignment");
  expect(await doc.objects("l2advertisements")).toEqual({});
  expect(await doc.objects("bgppeers")).toMatchObject({
    peer1: { myASN: 64500, peerASN: 64501, peerAddress: "10.0.0.1", holdTime: "1m30s" },
  });
  await doc.until("a route by every node", async () => {
    const routes = (await router?.routes()) ?? [];
    return (
      routes.filter(({ prefix }) => prefix === "192.168.10.0/32").length === doc.lab.nodes.length ||
      undefined
    );
  });
  expect(await doc.page("192.168.10.0")).toContain("Welcome to nginx!");
  const statuses = await doc.kubectl("get servicel2statuses -A -o name");
  expect(statuses).toBe("");
});
