/** kubespray's variables, as its inventories have them. */
import { describe, expect, it } from "vitest";
import { parseLegacyYaml } from "../../../../../capabilities/cluster/legacy-yaml";
import { convertKubespray } from "../../../../../lib/config/legacy/kubespray";
import type { Conversion } from "../../../../../lib/config/legacy/resources";
import { findingsOf, NAMESPACE, objectsOf } from "./support";

function convert(text: string): Conversion {
  const root = parseLegacyYaml(text);
  if (!root.ok || root.value.type !== "map") throw new Error("no map");
  const source = { kind: "File", namespace: NAMESPACE, name: "k8s-cluster.yml" };
  return convertKubespray(root.value, { source, namespace: NAMESPACE });
}

describe("variables of before 2023", () => {
  it("1.2 a layer 2 pool that avoids buggy addresses", () => {
    const conversion = convert(`
metallb_enabled: true
metallb_speaker_enabled: true
metallb_avoid_buggy_ips: true
metallb_ip_range:
  - "10.5.0.0/16"
`);
    expect(findingsOf(conversion)).toEqual([]);
    expect(objectsOf(conversion)).toEqual({
      "IPAddressPool loadbalanced": { addresses: ["10.5.0.0/16"], avoidBuggyIPs: true },
      "L2Advertisement l2advertisement1": { ipAddressPools: ["loadbalanced"] },
    });
    expect(conversion.values).toEqual({});
  });

  it("1.3 tolerations of the controller become values as they are", () => {
    const { values } = convert(`
metallb_controller_tolerations:
  - key: "node-role.kubernetes.io/master"
    operator: "Equal"
    value: ""
    effect: "NoSchedule"
  - key: "node-role.kubernetes.io/control-plane"
    operator: "Equal"
    value: ""
    effect: "NoSchedule"
`);
    const entry = { operator: "Equal", value: "", effect: "NoSchedule" };
    expect(values).toEqual({
      controller: {
        tolerations: ["master", "control-plane"].map(role => ({
          key: `node-role.kubernetes.io/${role}`,
          ...entry,
        })),
      },
    });
  });

  it("1.5 two peers of a 4-byte autonomous system", () => {
    const conversion = convert(`
metallb_protocol: "bgp"
metallb_ip_range: ["10.5.0.0/16"]
metallb_peers:
  - peer_address: 192.0.2.1
    peer_asn: 64512
    my_asn: 4200000000
  - peer_address: 192.0.2.2
    peer_asn: 64513
    my_asn: 4200000000
`);
    expect(findingsOf(conversion)).toEqual([]);
    const peer = (peerAddress: string, peerASN: number): object => {
      return { myASN: 4200000000, peerASN, peerAddress, holdTime: "1m30s" };
    };
    expect(objectsOf(conversion)).toEqual({
      "IPAddressPool loadbalanced": { addresses: ["10.5.0.0/16"] },
      "BGPPeer peer1": peer("192.0.2.1", 64512),
      "BGPPeer peer2": peer("192.0.2.2", 64513),
      "BGPAdvertisement bgpadvertisement1": { ipAddressPools: ["loadbalanced"] },
    });
  });

  it("1.6 a password goes into a Secret and into no message", () => {
    const conversion = convert(`
metallb_protocol: "bgp"
metallb_ip_range: ["10.5.0.0/16"]
metallb_peers:
  - peer_address: 192.0.2.1
    peer_asn: 64512
    my_asn: 4200000000
    password: "changeme"
`);
    const objects = objectsOf(conversion);
    expect(objects["Secret peer1-password"]).toEqual({
      type: "kubernetes.io/basic-auth",
      stringData: { password: "changeme" },
    });
    expect(objects["BGPPeer peer1"]).toMatchObject({ passwordSecret: { name: "peer1-password" } });
    expect(JSON.stringify(objects["BGPPeer peer1"])).not.toContain("changeme");
    expect(JSON.stringify(conversion.problems)).not.toContain("changeme");
  });

  it("1.7 without speakers, because Calico announces", () => {
    const conversion = convert(`
metallb_speaker_enabled: false
metallb_avoid_buggy_ips: true
metallb_ip_range: ["10.5.0.0/16"]
`);
    expect(conversion.values).toEqual({
      speaker: { enabled: false },
      frrk8s: { enabled: false },
    });
    expect(objectsOf(conversion)["IPAddressPool loadbalanced"]).toEqual({
      addresses: ["10.5.0.0/16"],
      avoidBuggyIPs: true,
    });
  });

  const ADDITIONAL = `
metallb_ip_range: ["10.5.0.0/16"]
metallb_additional_address_pools:
  kube_service_pool_1:
    ip_range: ["10.6.0.0/16"]
    protocol: "bgp"
    auto_assign: false
    avoid_buggy_ips: true
  kube_service_pool_2:
    ip_range: ["10.10.0.0/16"]
    protocol: "bgp"
    auto_assign: false
    avoid_buggy_ips: true
`;

  it("1.8 more pools, whose old names Services may go on using", () => {
    const conversion = convert(ADDITIONAL);
    const flags = { autoAssign: false, avoidBuggyIPs: true };
    expect(objectsOf(conversion)).toMatchObject({
      "IPAddressPool kube-service-pool-1": {
        addresses: ["10.6.0.0/16"],
        legacyName: "kube_service_pool_1",
        ...flags,
      },
      "IPAddressPool kube-service-pool-2": {
        addresses: ["10.10.0.0/16"],
        legacyName: "kube_service_pool_2",
        ...flags,
      },
      "BGPAdvertisement bgpadvertisement1": { ipAddressPools: ["kube-service-pool-1"] },
      "BGPAdvertisement bgpadvertisement2": { ipAddressPools: ["kube-service-pool-2"] },
    });
    expect(conversion.problems.map(({ field }) => field)).toEqual([
      "metallb_additional_address_pools.kube_service_pool_1.name",
      "metallb_additional_address_pools.kube_service_pool_2.name",
    ]);
  });

  it("1.9 what Calico is told is left alone, with one notice", () => {
    const conversion = convert(`${ADDITIONAL}
calico_advertise_service_loadbalancer_ips: ["10.5.0.0/16", "10.6.0.0/16", "10.10.0.0/16"]
`);
    expect(objectsOf(conversion)).toEqual(objectsOf(convert(ADDITIONAL)));
    const notices = conversion.problems.filter(({ rule }) => rule === "H-F8");
    expect(notices.map(({ severity, field }) => [severity, field])).toEqual([
      ["inform", "calico_advertise_service_loadbalancer_ips"],
    ]);
  });

  it("takes the misspelt variable of 2.19, and refuses one that nobody knows", () => {
    const conversion = convert('matallb_auto_assign: false\nmetallb_ip_range: ["10.5.0.0/16"]');
    expect(objectsOf(conversion)["IPAddressPool loadbalanced"]).toMatchObject({
      autoAssign: false,
    });
    const wrong = convert('metallb_ip_ranges: ["10.5.0.0/16"]\nkube_version: v1.26\n');
    expect(findingsOf(wrong)).toEqual(["refuse metallb_ip_ranges"]);
  });

  it("names the variable, not the ConfigMap that nobody sees", () => {
    const wrong = convert('metallb_protocol: l2\nmetallb_ip_range: ["10.5.0.0/16"]\n');
    expect(findingsOf(wrong)).toEqual(["refuse metallb_protocol"]);
    const peer = convert("metallb_peers: [{peer_address: nowhere, peer_asn: 1, my_asn: 2}]");
    expect(findingsOf(peer)).toEqual(["refuse metallb_peers[0].peer_address"]);
  });
});

describe("variables of today", () => {
  const LAYER3 = `
metallb_config:
  speaker:
    nodeselector:
      kubernetes.io/os: linux
    tolerations:
      - {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}
  address_pools:
    primary:
      ip_range: [10.5.0.0/16]
      auto_assign: true
    pool_2:
      ip_range: [10.10.0.0/16]
      auto_assign: false
  layer2: [primary]
  layer3:
    defaults: {peer_port: 179, hold_time: 120s}
    communities:
      vpn-only: "1234:1"
      NO_ADVERTISE: "65535:65282"
    metallb_peers:
      peer1:
        peer_address: 192.0.2.1
        peer_asn: 64512
        my_asn: 4200000000
        password: changeme
        source_address: 192.0.2.9
        communities: [vpn-only, NO_ADVERTISE]
        aggregation_length: 24
        localpref: "100"
        address_pool: [pool_2]
      peer2:
        peer_address: 192.0.2.2
        peer_asn: 64513
        my_asn: 4200000000
        aggregation_length: 24
        address_pool: [primary]
`;

  it("become what the template means, with its defects said and put right", () => {
    const conversion = convert(LAYER3);
    expect(conversion.problems.filter(({ severity }) => severity === "refuse")).toEqual([]);
    expect(objectsOf(conversion)).toMatchObject({
      "IPAddressPool primary": { addresses: ["10.5.0.0/16"], autoAssign: true },
      "IPAddressPool pool-2": { autoAssign: false, legacyName: "pool_2" },
      "L2Advertisement primary": { ipAddressPools: ["primary"] },
      "Community vpn-only": { communities: [{ name: "vpn-only", value: "1234:1" }] },
      "Community no-advertise": { communities: [{ name: "NO_ADVERTISE", value: "65535:65282" }] },
      "Secret peer1-password": { stringData: { password: "changeme" } },
      "BGPPeer peer1": { holdTime: "2m0s", passwordSecret: { name: "peer1-password" } },
      "BGPAdvertisement peer1-external": {
        aggregationLength: 24,
        communities: ["vpn-only", "NO_ADVERTISE"],
        ipAddressPools: ["pool-2"],
      },
      "BGPAdvertisement peer1-local": {
        aggregationLength: 32,
        aggregationLengthV6: 128,
        localPref: 100,
        communities: ["no-advertise"],
      },
      "BGPAdvertisement peer2-external": { ipAddressPools: ["primary"] },
    });
    expect(objectsOf(conversion)["BGPAdvertisement peer1-local"]).not.toHaveProperty("peers");
    expect(objectsOf(conversion)["BGPPeer peer1"]).not.toHaveProperty("sourceAddress");
    const told = conversion.problems.map(({ message }) => message).join("\n");
    for (const text of ["NO_ADVERTISE", "announced to every peer", "source_address"]) {
      expect(told).toContain(text);
    }
    expect(conversion.values).toMatchObject({
      speaker: { nodeSelector: { "kubernetes.io/os": "linux" } },
    });
  });

  it("give each peer its own pools where the template's way cannot be", () => {
    const conversion = convert(
      LAYER3.replace(
        "        aggregation_length: 24\n        address_pool: [primary]\n",
        "        address_pool: [pool_2]\n",
      ),
    );
    expect(objectsOf(conversion)).toMatchObject({
      "BGPAdvertisement peer1-local": { peers: ["peer1"] },
      "BGPAdvertisement peer2-external": { peers: ["peer2"], ipAddressPools: ["pool-2"] },
    });
    expect(findingsOf(conversion)).toContain(
      "warn metallb_config.layer3.metallb_peers.peer2.address_pool",
    );
  });

  it("name a pool that is not there", () => {
    const wrong = convert("metallb_config: {address_pools: {}, layer2: [primary]}");
    expect(findingsOf(wrong)).toEqual(["refuse metallb_config.layer2[0]"]);
  });
});
