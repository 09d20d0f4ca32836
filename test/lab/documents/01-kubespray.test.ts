/** kubespray's document: its variables through convert, then what they say on the network (cases 1.1, 1.2, 1.5 to 1.7). */
import { afterAll, beforeAll, expect, it } from "vitest";
import { nginx } from "../../../lab/demo-manifests";
import { startBird } from "../../../lab/routers/bird";
import { ensureRouters } from "../../../lab/routers/packages";
import type { Router } from "../../../lab/routers/router";
import { DocumentLab } from "./support";

const LAYER2 = `
metallb_enabled: true
metallb_speaker_enabled: true
metallb_avoid_buggy_ips: true
metallb_ip_range:
  - "192.168.1.0/24"
metallb_auto_assign: false
metallb_additional_address_pools:
  lan:
    ip_range: ["192.168.2.240-192.168.2.250"]
    protocol: layer2
`;

const BGP = (password: string): string => `
metallb_protocol: "bgp"
metallb_ip_range:
  - "10.5.0.0/16"
metallb_avoid_buggy_ips: true
metallb_peers:
  - peer_address: 192.0.2.1
    peer_asn: 64512
    my_asn: 4200000000
    password: "${password}"
  - peer_address: 192.0.2.2
    peer_asn: 64513
    my_asn: 4200000000
`;

let doc: DocumentLab;
const routers: Router[] = [];

beforeAll(async () => {
  await ensureRouters(["bird"]);
  doc = await DocumentLab.up("doc1");
});

afterAll(async () => {
  for (const router of routers) await router.stop();
  await doc.lab.down();
});

/** The variables of the document through `kubectl herald convert`, then `kubectl apply`. */
async function run(variables: string): Promise<void> {
  const { status, stdout, stderr } = await doc.convert("--from kubespray -f -", variables);
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("refused")]);
  await doc.kubectl("apply -f -", stdout);
}

async function startRouter(name: string, address: string, as: number): Promise<Router> {
  await doc.lab.exec(name, ["ip", "address", "add", `${address}/32`, "dev", "eth0"]);
  for (const node of doc.lab.nodes) {
    await doc.lab.exec(node, ["ip", "route", "add", `${address}/32`, "dev", "eth0"]);
  }
  const router = await startBird(doc.lab.netns(name), {
    as,
    routerId: address,
    addresses: [address],
    installsRoutes: false,
    peers: doc.lab.nodes.map(node => ({
      target: { address: doc.lab.host(node).ipv4 },
      as: 4_200_000_000,
      families: ["ipv4"],
      ...(name === "r1" ? { password: "changeme" } : {}),
    })),
  });
  routers.push(router);
  return router;
}

async function pathsTo(router: Router, prefix: string): Promise<readonly (readonly number[])[]> {
  return (await router.routes())
    .filter(route => route.prefix === prefix)
    .map(({ asPath }) => asPath);
}

it("1.1 with kube-proxy in IPVS mode a missing strictARP is named; with it one node answers, although each has the address", async () => {
  await run(LAYER2);
  await doc.lab.apply(nginx);
  const address = await doc.addressOf("nginx");
  expect(address).toBe("192.168.2.240");
  for (const node of doc.lab.nodes) {
    // What kube-proxy does in this mode.
    await doc.lab.exec(node, ["ip", "link", "add", "kube-ipvs0", "type", "bridge"]);
    await doc.lab.exec(node, ["ip", "address", "add", `${address}/32`, "dev", "kube-ipvs0"]);
  }
  const says = (text: string) => (): Promise<true | undefined> =>
    Promise.resolve(
      doc.lab.nodes.every(node => doc.logs("speaker", node).includes(text)) || undefined,
    );
  await doc.until("strictARP is missing", says("in IPVS mode without strictARP"));
  for (const node of doc.lab.nodes) {
    const strict = ["net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2"];
    await doc.lab.exec(node, ["sysctl", "-q", "-w", ...strict]);
  }
  await doc.until("it is there", says("the kernel answers for no address of a Service any more"));
  await doc.lab.exec("client", ["ip", "route", "add", "192.168.2.0/24", "dev", "eth0"]);
  const [owner = ""] = await doc.until("an answer", async () => {
    const found = await doc.answerers(address);
    return found.length > 0 ? found : undefined;
  });
  expect(doc.lab.nodes).toContain(owner);
  expect(await doc.answerers(address, "client", 5)).toEqual([owner]);
  for (const node of doc.lab.nodes) await doc.lab.exec(node, ["ip", "link", "del", "kube-ipvs0"]);
});

it("1.5 1.6 two sessions for each node with a 4-byte AS, one of them with a password", async () => {
  await doc.kubectl("delete ipaddresspools,l2advertisements --all -n metallb-system");
  const r1 = await startRouter("r1", "192.0.2.1", 64512);
  const r2 = await startRouter("r2", "192.0.2.2", 64513);
  await run(BGP("changeme"));
  const address = await doc.until("an address of the new pool", async () => {
    const given = await doc.addressOf("nginx");
    return given.startsWith("10.5.0.") ? given : undefined;
  });
  expect(address).toBe("10.5.0.1");
  for (const router of [r1, r2]) {
    const paths = await doc.until("a path by every node", async () => {
      const found = await pathsTo(router, `${address}/32`);
      return found.length === doc.lab.nodes.length ? found : undefined;
    });
    expect(paths).toEqual(doc.lab.nodes.map(() => [4_200_000_000]));
  }
  const secret = await doc.kubectl(
    "get secret peer1-password -n metallb-system -o jsonpath={.type}:{.data.password}",
  );
  expect(secret).toBe(`kubernetes.io/basic-auth:${Buffer.from("changeme").toString("base64")}`);
  const peer = await doc.kubectl("get bgppeer peer1 -n metallb-system -o json");
  expect(peer).not.toContain("changeme");
  const said = [
    doc.logs("controller"),
    doc.speakerLogs(),
    await doc.kubectl("get events,configurationstates -A -o json"),
  ];
  expect(said.join("\n")).not.toContain("changeme");
});

it("1.6 with another password that session is down, and the other one stays", async () => {
  await run(BGP("wrong"));
  const [node = ""] = doc.lab.nodes;
  await doc.until("the session is down", async () => {
    const metrics = await doc.metrics(node);
    const isDown = /metallb_bgp_session_up\{[^}]*192\.0\.2\.1:179[^}]*\} 0/.test(metrics);
    const isUp = /metallb_bgp_session_up\{[^}]*192\.0\.2\.2:179[^}]*\} 1/.test(metrics);
    return (isDown && isUp) || undefined;
  });
});

it("1.7 without speakers addresses are given and nobody announces them", async () => {
  const values = await doc.convert(
    "--from kubespray -o values -f -",
    "metallb_speaker_enabled: false\n",
  );
  expect(values.stdout).toContain("enabled: false");
  for (const speaker of doc.herald.speakers.values()) await speaker.stop();
  await doc.kubectl("delete servicel2statuses,servicebgpstatuses -A --all");
  const [address = ""] = await doc.services(["calico"]);
  expect(address).toMatch(/^10\.5\.0\./);
  const [router] = routers;
  await doc.until("no route is left", async () =>
    (await router?.routes())?.length === 0 ? true : undefined,
  );
  expect(await doc.kubectl("get servicel2statuses,servicebgpstatuses -A -o name")).toBe("");
});
