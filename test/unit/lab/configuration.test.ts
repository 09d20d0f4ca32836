import { expect, it } from "vitest";
import { parse } from "yaml";
import type { PartContext } from "../../../lab/cluster-parts";
import { apiUrl, certificateRequests, PARTS, partArguments } from "../../../lab/cluster-parts";
import { hostsFile } from "../../../lab/node";
import { nodeConfigFiles } from "../../../lab/node-config";
import { certificateConfiguration, kubeconfig, Pki } from "../../../lab/pki";
import { parseNodes } from "../../../lab/readiness";
import { table } from "../../../lab/status";
import { hostsOf } from "../../../lab/topology";

const hosts = hostsOf(3);
const controlPlane = hosts.find(host => host.name === "cp")!;

const files = nodeConfigFiles({
  host: hosts.find(host => host.name === "n2")!,
  cgroupRoot: "/herald-a/n2",
  pauseImage: "herald.lab/pause:1",
  cniDirectory: "/usr/lib/cni",
  snapshotter: "overlayfs",
  proxyMode: "nftables",
  authorityPath: "/pki/ca.crt",
  certificatePath: "/pki/n2.crt",
  keyPath: "/pki/n2.key",
  proxyKubeconfigPath: "/kube-proxy.kubeconfig",
});

it("writes kubelet's configuration for this node's cgroup and keys", () => {
  expect(parse(files["kubelet.yaml"]!)).toMatchObject({
    kind: "KubeletConfiguration",
    cgroupRoot: "/herald-a/n2",
    tlsCertFile: "/pki/n2.crt",
    authentication: { anonymous: { enabled: false }, x509: { clientCAFile: "/pki/ca.crt" } },
  });
});

it("writes kube-proxy's configuration with the mode that was asked for", () => {
  expect(parse(files["kube-proxy.yaml"]!)).toMatchObject({
    mode: "nftables",
    hostnameOverride: "n2",
    conntrack: { maxPerCore: 0 },
  });
});

it("gives Pods addresses of this node's ranges, without rewriting Pod to Pod", () => {
  const conflist = JSON.parse(files["cni.conflist"]!) as { plugins: Record<string, unknown>[] };
  expect(conflist.plugins[0]).toMatchObject({
    ipMasq: false,
    ipam: { ranges: [[{ subnet: "10.244.2.0/24" }], [{ subnet: "fd00:244:2::/64" }]] },
  });
});

it("starts every part with keys of this lab and the short times that tests need", () => {
  const context: PartContext = {
    pki: Pki.open("/lab/pki"),
    directory: "/lab",
    kubeconfigPath: "/lab/admin.kubeconfig",
    controlPlane,
    apiServerArgs: ["--watch-cache=false"],
  };
  const lines = new Map(PARTS.map(part => [part, partArguments(part, context)]));
  expect(lines.get("etcd")).toContain("--data-dir=/lab/etcd");
  expect(lines.get("kube-apiserver")).toContain("--advertise-address=192.168.1.2");
  expect(lines.get("kube-apiserver")?.at(-1)).toBe("--watch-cache=false");
  expect(lines.get("kube-controller-manager")).toContain("--node-monitor-grace-period=10s");
  expect(lines.get("kube-controller-manager")).toContain(
    "--kubeconfig=/lab/kube-controller-manager.kubeconfig",
  );
  expect(lines.get("kube-scheduler")).toContain("--kubeconfig=/lab/admin.kubeconfig");
  expect(apiUrl(controlPlane)).toBe("https://192.168.1.2:6443");
});

it("makes the API server's certificate valid for its address and its Service", () => {
  const request = certificateRequests(controlPlane).find(each => each.name === "apiserver")!;
  const text = certificateConfiguration(request);
  for (const name of ["IP:192.168.1.2", "IP:10.96.0.1", "IP:fd00:96::1", "DNS:localhost"]) {
    expect(text).toContain(name);
  }
  expect(text).toContain("CA:false");
});

it("puts the organisation, which is the group, before the name in a subject", () => {
  const text = certificateConfiguration({
    name: "n1",
    commonName: "system:node:n1",
    organization: "system:nodes",
    usages: ["clientAuth", "serverAuth"],
  });
  expect(text).toMatch(/O = system:nodes\nCN = system:node:n1\n/);
  expect(text).toContain("extendedKeyUsage = clientAuth, serverAuth");
  expect(text).not.toContain("subjectAltName");
});

it("writes a kubeconfig with everything inline", () => {
  const text = kubeconfig("https://[::1]:6443", { ca: "CA", certificate: "CRT", key: "KEY" });
  expect(parse(text)).toMatchObject({
    "current-context": "lab",
    clusters: [{ cluster: { server: "https://[::1]:6443" } }],
    users: [{ user: { "client-key-data": Buffer.from("KEY").toString("base64") } }],
  });
});

it("reads which nodes are Ready, and takes no answer for no nodes", () => {
  const list = {
    items: [
      {
        metadata: { name: "n1" },
        spec: { taints: [{}] },
        status: { conditions: [{ type: "Ready", status: "True" }] },
      },
      { metadata: { name: "n2" }, spec: {}, status: {} },
    ],
  };
  expect(parseNodes(JSON.stringify(list))).toEqual([
    { name: "n1", isReady: true, taints: 1 },
    { name: "n2", isReady: false, taints: 0 },
  ]);
  expect([parseNodes(undefined), parseNodes("<html>"), parseNodes("{}")]).toEqual([[], [], []]);
});

it("knows every host by name in both families", () => {
  expect(hostsFile(hosts)).toContain("192.168.1.100 client\nfd00:1::100 client\n");
});

it("aligns columns", () => {
  expect(
    table([
      ["A", "B"],
      ["long", "x"],
    ]),
  ).toBe("A     B\nlong  x\n");
});
