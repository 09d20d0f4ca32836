/** The Dutch article: its manifests as printed, on the network (cases 3.4, 3.5). */
import { afterAll, beforeAll, expect, it } from "vitest";
import { nginx } from "../../../lab/demo-manifests";
import { DocumentLab } from "./support";

const FIRST_POOL = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: first-pool
  namespace: metallb-system
spec:
  addresses:
  - 192.168.10.0/24
  - 192.168.9.1-192.168.9.5
  - fc00:f853:0ccd:e799::/124
`;

const SMALL_POOL = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: small-pool
  namespace: metallb-system
spec:
  addresses:
  - 172.16.12.64/30
  autoAssign: false
`;

const EXAMPLE = (pools: string): string => `
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata:
  name: example
  namespace: metallb-system
${pools}`;

let doc: DocumentLab;
beforeAll(async () => {
  doc = await DocumentLab.up("doc3");
  for (const network of ["192.168.10.0/24", "172.16.12.64/30"]) {
    await doc.lab.exec("client", ["ip", "route", "add", network, "dev", "eth0"]);
  }
});
afterAll(() => doc.lab.down());

/** A Service like nginx that asks for the small pool. */
function small(): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "small", annotations: { "metallb.universe.tf/address-pool": "small-pool" } },
    spec: { type: "LoadBalancer", selector: { app: "nginx" }, ports: [{ port: 80 }] },
  };
}

it("3.4 only Services of the pool that the advertisement names are announced", async () => {
  await doc.kubectl("apply -f -", FIRST_POOL);
  await doc.kubectl("apply -f -", SMALL_POOL);
  await doc.kubectl("apply -f -", EXAMPLE("spec:\n  ipAddressPools:\n  - first-pool\n"));
  await doc.lab.apply(nginx);
  await doc.lab.apply([small()]);
  expect(await doc.addressOf("nginx")).toBe("192.168.10.0");
  expect(await doc.addressOf("small")).toBe("172.16.12.64");
  expect(await doc.page("192.168.10.0")).toContain("Welcome to nginx!");
  expect(await doc.answerers("172.16.12.64", "client", 2)).toEqual([]);
  const services = await doc.kubectl(
    "get servicel2statuses -A -o jsonpath={.items[*].status.serviceName}",
  );
  expect(services).toBe("nginx");
  expect(await doc.events("Service", "nginx", "default")).toContain("nodeAssigned");
});

it("3.5 without ipAddressPools every pool is announced, a later one too", async () => {
  await doc.kubectl("replace -f -", EXAMPLE(""));
  expect(await doc.page("172.16.12.64")).toContain("Welcome to nginx!");
  const later = SMALL_POOL.replace("small-pool", "later").replace(
    "172.16.12.64/30",
    "192.168.1.250/32",
  );
  await doc.kubectl("apply -f -", later);
  await doc.lab.kubectl(["annotate", "service", "nginx", "metallb.io/address-pool=later"]);
  await doc.until("nginx has moved", async () =>
    (await doc.addressOf("nginx")) === "192.168.1.250" ? true : undefined,
  );
  expect(await doc.page("192.168.1.250")).toContain("Welcome to nginx!");
});
