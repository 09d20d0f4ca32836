/**
 * The tutorial of 0.3: `protocol: arp`, a ConfigMap, nginx (cases 4.1 to 4.11). Then, with a client connected throughout, the way from that
 * ConfigMap to resources of today.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { nginx } from "../../../lab/demo-manifests";
import { Traffic } from "../../../lab/traffic";
import { DocumentLab } from "./support";

const TUTORIAL = `
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: metallb-system
  name: config
data:
  config: |
    address-pools:
    - name: my-ip-space
      protocol: arp
      cidr:
      - 192.168.1.240/28
`;

const ADDRESS = "192.168.1.240";
let doc: DocumentLab;

beforeAll(async () => {
  doc = await DocumentLab.up("doc4");
});
afterAll(() => doc.lab.down());

it("4.5 the ConfigMap of the tutorial: a pool of fifteen addresses, announced on layer 2", async () => {
  expect(await doc.kubectl("apply -f -", TUTORIAL)).toBe("configmap/config created\n");
  await doc.until(
    "the pool",
    async () => "my-ip-space" in (await doc.objects("ipaddresspools")) || undefined,
  );
  expect(await doc.objects("ipaddresspools")).toMatchObject({
    "my-ip-space": { addresses: ["192.168.1.240-192.168.1.254"] },
  });
  expect(await doc.objects("l2advertisements")).toEqual({
    l2advertisement1: { ipAddressPools: ["my-ip-space"] },
  });
});

it("4.6 the logs of every speaker say that the configuration was loaded", async () => {
  for (const node of doc.lab.nodes) {
    await doc.until(`config reloaded on ${node}`, () =>
      Promise.resolve(doc.logs("speaker", node).includes("config reloaded") || undefined),
    );
  }
});

it("4.7 4.8 kubectl apply of nginx, and kubectl get service nginx", async () => {
  await doc.kubectl("apply -f -", nginx);
  expect(await doc.addressOf("nginx")).toBe(ADDRESS);
  const [, line = ""] = (await doc.kubectl("get service nginx")).split("\n");
  const [name, type, , external, ports] = line.split(/ +/);
  expect([name, type, external]).toEqual(["nginx", "LoadBalancer", ADDRESS]);
  expect(ports).toMatch(/^80:\d+\/TCP$/);
  expect(doc.logs("controller")).toContain("ipAllocated");
});

it("4.11 curl prints the page", async () => {
  expect(await doc.page(ADDRESS)).toContain("Welcome to nginx!");
});

it("4.9 the announcing speaker says so in its log, and counts requests and answers", async () => {
  const [owner = ""] = await doc.answerers(ADDRESS);
  expect(doc.logs("speaker", owner)).toContain("serviceAnnounced");
  const count = async (name: string): Promise<number> => {
    const pattern = new RegExp(
      `^metallb_layer2_${name}\\{[^}]*ip="${ADDRESS}"[^}]*\\} (\\d+)$`,
      "m",
    );
    return Number(pattern.exec(await doc.metrics(owner))?.[1] ?? 0);
  };
  const [requests, responses] = [await count("requests_received"), await count("responses_sent")];
  expect(await doc.answerers(ADDRESS, "client", 10)).toEqual([owner]);
  await doc.until("ten more of each", async () => {
    const risen = [
      (await count("requests_received")) - requests,
      (await count("responses_sent")) - responses,
    ];
    return risen.every(more => more >= 10) || undefined;
  });
  expect(await count("gratuitous_sent")).toBeGreaterThan(0);
});

it("4.10 three hosts see one MAC address, that of the node in the status and in the event", async () => {
  const seen = await Promise.all(["client", "r1", "r2"].map(host => doc.answerers(ADDRESS, host)));
  const [owner = ""] = seen[0] ?? [];
  expect(seen).toEqual([[owner], [owner], [owner]]);
  const node = await doc.kubectl("get servicel2statuses -A -o jsonpath={.items[*].status.node}");
  expect(node).toBe(owner);
  expect(await doc.events("Service", "nginx", "default")).toContain(owner);
});

it("4.1 nobody answers for any other address, in the pool or beside it", async () => {
  for (const address of ["192.168.1.120", "192.168.1.239", "192.168.1.241", "192.168.1.255"]) {
    expect(await doc.answerers(address)).toEqual([]);
  }
});

it("ends on resources of today, with a client connected throughout", async () => {
  const before = [await doc.objects("ipaddresspools"), await doc.objects("l2advertisements")];
  const traffic = await Traffic.start(doc.lab, ADDRESS, 200);
  const dry = await doc.convert("--live");
  expect(dry).toMatchObject({ status: 0 });
  expect(dry.stderr).toContain("No Service changes its address (1 looked at).");
  expect(await doc.convert("--live --apply")).toMatchObject({ status: 0 });
  await doc.kubectl("delete configmap config -n metallb-system");
  doc.herald.controller?.kill("SIGKILL");
  await doc.herald.controller?.exited;
  doc.herald.startController();
  await doc.herald.whenReady();
  await doc.services(["another"]);
  const result = await traffic.finish();
  expect(result).toMatchObject({ failed: 0, broken: 0 });
  expect(result.requests).toBeGreaterThanOrEqual(200);
  expect([await doc.objects("ipaddresspools"), await doc.objects("l2advertisements")]).toEqual(
    before,
  );
  expect(await doc.addressOf("nginx")).toBe(ADDRESS);
  expect(await doc.addressOf("another")).toBe("192.168.1.241");
});
