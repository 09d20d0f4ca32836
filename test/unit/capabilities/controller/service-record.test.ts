import { describe, expect, it } from "vitest";
import {
  serviceReference,
  statusBody,
  toServiceRecord,
  type ServiceObject,
} from "../../../../capabilities/controller/service-record";

const loadBalancer: ServiceObject = {
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "u-1",
    resourceVersion: "17",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { app: "web" },
    annotations: { "example.com/other": "kept", "metallb.io/ip-allocated-from-pool": "old" },
    managedFields: [{ manager: "kubectl" }],
  },
  spec: {
    type: "LoadBalancer",
    clusterIPs: ["10.96.0.10", "fd00::10"],
    ipFamilies: ["IPv4", "IPv6"],
    ipFamilyPolicy: "PreferDualStack",
    selector: { app: "web" },
    ports: [{ port: 80 }, { protocol: "UDP", port: 53 }],
  },
  status: {
    conditions: [{ type: "other/Condition" }],
    loadBalancer: { ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }] },
  },
};

describe("toServiceRecord", () => {
  it("reads what allocation needs and drops managedFields", () => {
    const record = toServiceRecord(loadBalancer);
    expect(record?.view).toMatchObject({
      key: "shop/web",
      clusterIps: ["10.96.0.10", "fd00::10"],
      ports: ["TCP/80", "UDP/53"],
      externalTrafficPolicy: "Cluster",
      loadBalancerIp: "",
      ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }],
    });
    expect(record?.metadata).not.toHaveProperty("managedFields");
    expect(loadBalancer.metadata).toHaveProperty("managedFields");
  });

  it("takes clusterIP of an older API, and None and empty as no address", () => {
    const read = (spec: ServiceObject["spec"]): readonly string[] | undefined =>
      toServiceRecord({ metadata: { name: "s" }, spec: { type: "LoadBalancer", ...spec } })?.view
        .clusterIps;
    expect(read({ clusterIP: "10.96.0.1" })).toEqual(["10.96.0.1"]);
    expect(read({ clusterIP: "None" })).toEqual([]);
    expect(read({ clusterIPs: [""] })).toEqual([]);
    expect(read({})).toEqual([]);
  });

  it("keeps other types only while they have an address or our mark", () => {
    const of = (object: ServiceObject): boolean => toServiceRecord(object) !== undefined;
    const plain = { metadata: { name: "s", namespace: "n" }, spec: { type: "ClusterIP" } };
    expect(of(plain)).toBe(false);
    expect(of({ ...plain, status: loadBalancer.status! })).toBe(true);
    expect(
      of({
        ...plain,
        metadata: { ...plain.metadata, annotations: loadBalancer.metadata!.annotations! },
      }),
    ).toBe(true);
  });

  it("survives an object with nothing in it", () => {
    expect(toServiceRecord({})).toBeUndefined();
    expect(
      toServiceRecord({
        spec: { type: "LoadBalancer", clusterIPs: null, ports: null },
        status: { loadBalancer: null },
      })?.view.key,
    ).toBe("/");
  });
});

describe("statusBody", () => {
  const record = toServiceRecord(loadBalancer)!;

  it("changes the pool annotation and the addresses and repeats the rest", () => {
    expect(statusBody(record, ["192.0.2.7", "2001:db8::7"], "new")).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        ...record.metadata,
        annotations: { "example.com/other": "kept", "metallb.io/ip-allocated-from-pool": "new" },
      },
      status: {
        conditions: [{ type: "other/Condition" }],
        loadBalancer: {
          ingress: [
            { ip: "192.0.2.7", ipMode: "VIP" },
            { ip: "2001:db8::7", ipMode: "VIP" },
          ],
        },
      },
    });
  });

  it("clears", () => {
    expect(statusBody(record, [], undefined)).toMatchObject({
      metadata: { annotations: { "example.com/other": "kept" }, resourceVersion: "17" },
      status: { loadBalancer: { ingress: [] } },
    });
  });

  it("names the Service for Events", () => {
    expect(serviceReference(record)).toEqual({
      apiVersion: "v1",
      kind: "Service",
      namespace: "shop",
      name: "web",
      uid: "u-1",
      resourceVersion: "17",
    });
  });
});
