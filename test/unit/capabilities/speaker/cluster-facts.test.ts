import { describe, expect, it } from "vitest";
import {
  toNodeFacts,
  toServiceFacts,
  toSliceFacts,
} from "../../../../capabilities/speaker/cluster-facts";

const same = (text: string): string => text;

describe("toServiceFacts", () => {
  it("keeps what announcing reads, and of annotations only the sharing key", () => {
    expect(
      toServiceFacts({
        metadata: {
          namespace: "web",
          name: "nginx",
          uid: "u1",
          labels: { app: "nginx" },
          annotations: { "metallb.io/allow-shared-ip": "key", "kubectl/last": "long text" },
        },
        spec: {
          type: "LoadBalancer",
          loadBalancerClass: "herald.dev/lan",
          externalTrafficPolicy: "Local",
        },
        status: { loadBalancer: { ingress: [{ ip: "192.0.2.10" }, {}] } },
      }),
    ).toEqual({
      key: "web/nginx",
      uid: "u1",
      labels: { app: "nginx" },
      annotations: { "metallb.io/allow-shared-ip": "" },
      type: "LoadBalancer",
      loadBalancerClass: "herald.dev/lan",
      ingressAddresses: ["192.0.2.10", ""],
      externalTrafficPolicy: "Local",
    });
  });

  it("leaves out Services of other types and objects without a name", () => {
    const metadata = { namespace: "web", name: "nginx" };
    expect(toServiceFacts({ metadata, spec: { type: "ClusterIP" } })).toBeUndefined();
    expect(toServiceFacts({ metadata })).toBeUndefined();
    expect(toServiceFacts({ spec: { type: "LoadBalancer" } })).toBeUndefined();
  });

  it("reads a Service that was just made", () => {
    expect(
      toServiceFacts({
        metadata: { namespace: "web", name: "nginx" },
        spec: { type: "LoadBalancer" },
        status: { loadBalancer: {} },
      }),
    ).toMatchObject({ ingressAddresses: [], externalTrafficPolicy: "Cluster", uid: "" });
  });
});

describe("toSliceFacts", () => {
  it("keeps the Nodes of counting endpoints", () => {
    expect(
      toSliceFacts(
        {
          metadata: {
            namespace: "web",
            name: "nginx-x",
            labels: { "kubernetes.io/service-name": "nginx" },
          },
          endpoints: [
            { nodeName: "node-b", conditions: { ready: true } },
            { nodeName: "node-a", conditions: {} },
            { nodeName: "node-c", conditions: { ready: false, serving: null } },
            { nodeName: "node-d", conditions: { ready: false, serving: true } },
          ],
        },
        same,
      ),
    ).toEqual({
      serviceKey: "web/nginx",
      summary: { hasCounting: true, nodeNames: ["node-a", "node-b", "node-d"] },
    });
  });

  it("leaves out a slice of no Service, and reads one without endpoints", () => {
    expect(toSliceFacts({ metadata: { namespace: "web", name: "x" } }, same)).toBeUndefined();
    const labels = { "kubernetes.io/service-name": "nginx" };
    expect(
      toSliceFacts({ metadata: { namespace: "web", name: "x", labels }, endpoints: null }, same),
    ).toEqual({ serviceKey: "web/nginx", summary: { hasCounting: false, nodeNames: [] } });
  });
});

describe("toNodeFacts", () => {
  it("keeps labels, the network's condition and canonical internal addresses", () => {
    expect(
      toNodeFacts({
        metadata: { name: "node-a", labels: { zone: "x" } },
        status: {
          addresses: [
            { type: "Hostname", address: "node-a" },
            { type: "InternalIP", address: "192.168.1.11" },
            { type: "InternalIP", address: "FD00:1:0::11" },
            { type: "ExternalIP", address: "203.0.113.1" },
          ],
          conditions: [
            { type: "Ready", status: "False" },
            { type: "NetworkUnavailable", status: "True" },
          ],
        },
      }),
    ).toEqual({
      name: "node-a",
      labels: { zone: "x" },
      isNetworkUnavailable: true,
      internalAddresses: ["192.168.1.11", "fd00:1::11"],
    });
  });

  it.each([
    { conditions: [] },
    { conditions: [{ type: "NetworkUnavailable", status: "Unknown" }] },
  ])("takes a missing or unknown condition for fine", status => {
    expect(toNodeFacts({ metadata: { name: "node-a" }, status })?.isNetworkUnavailable).toBe(false);
  });
});
