/** ConfigMaps of 2017–2022 in a running cluster. Numbers are those of the acceptance list (test/unit/lib/config/legacy/acceptance.test.ts). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { LegacyWorld } from "./world";

let w: LegacyWorld;
beforeAll(async () => {
  w = await LegacyWorld.start();
});
beforeEach(() => w.startController());
afterEach(async () => {
  await w.stopController();
  await w.clear();
});
afterAll(() => w.end());

const LAYER2 = (range = "192.168.1.240-192.168.1.250"): string => `
address-pools:
- name: default
  protocol: layer2
  addresses:
  - ${range}
`;

const BGP = `
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

const POOL = { default: { addresses: ["192.168.1.240-192.168.1.250"], ...defaults() } };

/** What the schema adds to every pool. */
function defaults(): object {
  return { autoAssign: true, avoidBuggyIPs: false };
}

it("0.3 the ConfigMap of the document is in force: a pool, an advertisement, and nothing else", async () => {
  await w.configMap(LAYER2());
  await w.expectObjects("pools", POOL);
  await w.expectObjects("l2", { l2advertisement1: { ipAddressPools: ["default"] } });
  for (const kind of ["bgp", "peers", "bfd", "communities"] as const) {
    expect(await w.list(kind)).toEqual([]);
  }
  const message = await w.expectEvent("ConfigMap/config", "ConfigurationConverted");
  expect(message).toContain('IPAddressPool "default"');
  await w.expectState("Valid");
});

it("0.4 twelve Services for eleven addresses", async () => {
  await w.configMap(LAYER2());
  for (let index = 0; index < 11; index += 1) {
    await w.service(`s${index}`);
    await w.expectAddress(`s${index}`, `192.168.1.${240 + index}`);
  }
  await w.service("twelfth");
  await w.until("AllocationFailed is told", async () =>
    (await w.serviceEvents("twelfth")).some(text => text.startsWith("AllocationFailed")),
  );
  await w.expectAddress("twelfth", "");
});

it("0.5 0.6 the BGP ConfigMap of the document, and a Service after it", async () => {
  await w.configMap(BGP);
  await w.expectObjects("pools", { default: { addresses: ["192.168.10.0/24"], ...defaults() } });
  await w.expectObjects("bgp", {
    bgpadvertisement1: {
      ipAddressPools: ["default"],
      aggregationLength: 32,
      aggregationLengthV6: 128,
    },
  });
  const [peer] = await w.list("peers");
  expect(peer).toMatchObject({
    metadata: { name: "peer1" },
    spec: { myASN: 64500, peerASN: 64501, peerAddress: "10.0.0.1", holdTime: "1m30s" },
  });
  await w.service("s");
  await w.expectAddress("s", "192.168.10.0");
});

it("0.7 the second ConfigMap in place of the first moves the Service and takes the advertisement away", async () => {
  await w.configMap(LAYER2());
  await w.service("s");
  await w.expectAddress("s", "192.168.1.240");
  await w.configMap(BGP);
  await w.expectAddress("s", "192.168.10.0");
  await w.expectObjects("l2", {});
  await w.until("ClearAssignment is told", async () =>
    (await w.serviceEvents("s")).some(text => text.startsWith("ClearAssignment")),
  );
});

it("4.4 without any configuration there is no error and nothing to complain about", async () => {
  await w.expectState("Valid");
  expect(w.lines).not.toEqual([]);
  expect(w.lines.filter(line => /"level":(?:50|60|"error"|"fatal")/.test(line))).toEqual([]);
});

it("5.17 a Service that asks for a pool by its old name keeps its address through the migration", async () => {
  const old = "kube_service_pool_1";
  await w.service("s", { annotations: { "metallb.universe.tf/address-pool": old } });
  await w.setIngress("s", "10.6.0.7");
  await w.configMap(
    `address-pools: [{name: ${old}, protocol: layer2, auto-assign: false, addresses: [10.6.0.0/16]}]`,
  );
  await w.until("the Service is booked", async () => {
    const [service] = await w.services();
    return service?.metadata.annotations?.["metallb.io/ip-allocated-from-pool"] !== undefined;
  });
  await w.expectAddress("s", "10.6.0.7");
  expect(
    (await w.serviceEvents("s")).filter(text => /ClearAssignment.*10\.6\.0/.test(text)),
  ).toEqual([]);
  await w.service("t", { annotations: { "metallb.universe.tf/address-pool": old } });
  await w.expectAddress("t", "10.6.0.0");
});

it("5.18 edits are followed, a user's edit is kept, and a deleted ConfigMap takes nothing with it", async () => {
  await w.configMap(LAYER2());
  await w.expectObjects("pools", POOL);
  await w.service("s");
  await w.expectAddress("s", "192.168.1.240");
  const extended = "192.168.1.240-192.168.1.251";
  await w.configMap(LAYER2(extended));
  await w.expectObjects("pools", { default: { ...POOL.default, addresses: [extended] } });
  await w.edit("pools", "default", { addresses: ["192.168.1.240-192.168.1.245"] });
  await w.configMap(LAYER2("192.168.1.240-192.168.1.252"));
  await w.expectEvent("ConfigMap/config", "ConfigurationWarning", 'IPAddressPool "default" exists');
  const edited = { default: { ...POOL.default, addresses: ["192.168.1.240-192.168.1.245"] } };
  await w.expectObjects("pools", edited);
  await w.deleteConfigMap();
  await w.expectEvent("ConfigMap/config", "ConfigurationKept");
  await w.expectObjects("pools", edited);
  await w.expectObjects("l2", { l2advertisement1: { ipAddressPools: ["default"] } });
  await w.expectAddress("s", "192.168.1.240");
});

it("keeps the last good one when an edit is bad, says why, and takes the next good one", async () => {
  await w.configMap(LAYER2());
  await w.service("s");
  await w.expectAddress("s", "192.168.1.240");
  await w.configMap(LAYER2().replace("layer2", "l2"));
  await w.expectState("Invalid", "address-pools[0].protocol");
  const message = await w.expectEvent("ConfigMap/config", "ConfigurationError");
  expect(message).toContain("line 4, column 3");
  expect(message).toContain("What was in force before stays.");
  await w.expectObjects("pools", POOL);
  await w.stopController();
  await w.startController();
  await w.expectState("Invalid", "address-pools[0].protocol");
  await w.expectAddress("s", "192.168.1.240");
  await w.configMap(LAYER2("192.168.1.240/28"));
  await w.expectState("Valid");
  await w.expectObjects("pools", { default: { ...POOL.default, addresses: ["192.168.1.240/28"] } });
});

it("keeps a pool whose new addresses a policy of the cluster refuses", async () => {
  await w.configMap(LAYER2());
  await w.service("s");
  await w.expectAddress("s", "192.168.1.240");
  await w.refusePools("192.168.9.0/24");
  await w.configMap(LAYER2("192.168.9.0/24"));
  const message = await w.expectEvent("ConfigMap/config", "ConfigurationError");
  expect(message).toContain("not in this cluster");
  await w.expectObjects("pools", POOL);
  await w.expectAddress("s", "192.168.1.240");
});

it("keeps the address of a Service that is older than the ConfigMap, and of one whose pool gets another name", async () => {
  await w.service("old");
  await w.setIngress("old", "192.168.1.247");
  await w.configMap(LAYER2());
  await w.expectObjects("pools", POOL);
  await w.service("new");
  await w.expectAddress("new", "192.168.1.240");
  expect(await w.addressOf("old")).toBe("192.168.1.247");
  await w.configMap(LAYER2().replace("name: default", "name: renamed"));
  await w.expectObjects("pools", { renamed: POOL.default });
  await w.service("third");
  await w.expectAddress("third", "192.168.1.241");
  expect([await w.addressOf("old"), await w.addressOf("new")]).toEqual([
    "192.168.1.247",
    "192.168.1.240",
  ]);
  for (const name of ["old", "new"]) {
    const events = await w.serviceEvents(name);
    expect(events.filter(text => text.startsWith("ClearAssignment"))).toEqual([]);
  }
});

it("does not touch the objects of users, and refuses as a whole what cannot stand beside them", async () => {
  await w.create("pools", "mine", { addresses: ["192.168.1.250-192.168.1.254"] });
  await w.service("s");
  await w.expectAddress("s", "192.168.1.250");
  await w.configMap(LAYER2());
  await w.expectState("Invalid", "mine");
  await w.expectObjects("pools", {
    mine: { addresses: ["192.168.1.250-192.168.1.254"], ...defaults() },
  });
  await w.expectObjects("l2", {});
  await w.configMap(LAYER2("192.168.1.240-192.168.1.249"));
  await w.expectState("Valid");
  await w.expectObjects("l2", { l2advertisement1: { ipAddressPools: ["default"] } });
  expect(await w.addressOf("s")).toBe("192.168.1.250");
});

it("swaps the addresses of two pools, and peers that move up, although each step alone is refused", async () => {
  const pools = (one: string, two: string): string => `
peers:
${one === "10.0.0.0/24" ? "- {peer-address: 10.9.0.1, my-asn: 1, peer-asn: 2}" : ""}
- {peer-address: 10.9.0.2, my-asn: 1, peer-asn: 2}
address-pools:
- {name: one, protocol: bgp, addresses: [${one}]}
- {name: two, protocol: bgp, addresses: [${two}]}
`;
  await w.configMap(pools("10.0.0.0/24", "10.0.1.0/24"));
  await w.until("two peers", async () => (await w.list("peers")).length === 2);
  await w.configMap(pools("10.0.1.0/24", "10.0.0.0/24"));
  await w.expectObjects("pools", {
    one: { addresses: ["10.0.1.0/24"], ...defaults() },
    two: { addresses: ["10.0.0.0/24"], ...defaults() },
  });
  await w.until("one peer", async () => {
    const [peer, ...more] = await w.list("peers");
    return more.length === 0 && peer?.spec["peerAddress"] === "10.9.0.2";
  });
});

it("reads the ConfigMap of Helm's name, and of two only the first, which changes nothing that was made of the other", async () => {
  await w.configMap(LAYER2(), "metallb");
  await w.expectObjects("pools", POOL);
  await w.configMap(LAYER2("192.168.2.0/24"), "config");
  await w.expectEvent("ConfigMap/metallb", "ConfigurationIgnored");
  await w.expectEvent("ConfigMap/config", "ConfigurationWarning", 'IPAddressPool "default" exists');
  await w.expectObjects("pools", POOL);
});

it("writes passwords into Secrets and tells them to nobody", async () => {
  await w.configMap(
    "peers: [{peer-address: 10.0.0.1, my-asn: 1, peer-asn: 2, password: changeme}]",
  );
  await w.until("the Secret is there", async () => {
    const path = "/api/v1/namespaces/metallb-system/secrets";
    const { items } = await w.client.get<{
      items: { metadata: { name: string }; type: string; data: Record<string, string> }[];
    }>(path);
    const secret = items.find(({ metadata }) => metadata.name === "peer1-password");
    return (
      secret?.type === "kubernetes.io/basic-auth" &&
      Buffer.from(secret.data["password"] ?? "", "base64").toString() === "changeme"
    );
  });
  await w.expectEvent("ConfigMap/config", "ConfigurationConverted");
  const [peer] = await w.list("peers");
  expect(peer?.spec).toMatchObject({ passwordSecret: { name: "peer1-password" } });
  expect(w.lines.join("")).not.toContain("changeme");
  await w.configMap("peers: []");
  await w.until("the Secret is gone", async () => {
    const path = "/api/v1/namespaces/metallb-system/secrets";
    const { items } = await w.client.get<{ items: { metadata: { name: string } }[] }>(path);
    return !items.some(({ metadata }) => metadata.name === "peer1-password");
  });
});
