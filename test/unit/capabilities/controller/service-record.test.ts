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

const NOW = "2026-01-01T00:00:00Z";

describe("statusBody", () => {
  const record = toServiceRecord(loadBalancer)!;
  const ingress = ["192.0.2.7", "2001:db8::7"];

  it("changes the pool annotation and the addresses and repeats the rest", () => {
    expect(statusBody(record, { ingress, pool: "new", pending: undefined }, NOW)).toEqual({
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
    const nothing = { ingress: [], pool: undefined, pending: undefined };
    expect(statusBody(record, nothing, NOW)).toMatchObject({
      metadata: { annotations: { "example.com/other": "kept" }, resourceVersion: "17" },
      status: { loadBalancer: { ingress: [] } },
    });
  });

  it("sets its own condition beside those of others, and keeps the time of its beginning", () => {
    const pending = { reason: "NoAddress", message: "no available IPs" };
    const waiting = { ingress: [], pool: undefined, pending };
    const own = { type: "metallb.io/AddressPending", status: "True", ...pending };
    const first = statusBody(record, waiting, NOW);
    expect(first).toMatchObject({
      status: { conditions: [{ type: "other/Condition" }, { ...own, lastTransitionTime: NOW }] },
    });
    const stored = toServiceRecord({ ...loadBalancer, ...first })!;
    expect(stored.view.pending).toEqual(pending);
    const changed = { ...waiting, pending: { ...pending, message: "full" } };
    expect(statusBody(stored, changed, "2027-01-01T00:00:00Z")).toMatchObject({
      status: {
        conditions: [
          { type: "other/Condition" },
          { ...own, message: "full", lastTransitionTime: NOW },
        ],
      },
    });
    const gone = { ingress, pool: "p", pending: undefined };
    expect(statusBody(stored, gone, NOW)).toMatchObject({
      status: { conditions: [{ type: "other/Condition" }] },
    });
  });

  it("a Service with nothing but our condition is still of interest; one turned to False is not ours", () => {
    const withCondition = (status: string): ServiceObject => ({
      metadata: { name: "s", namespace: "n" },
      spec: { type: "ClusterIP" },
      status: {
        conditions: [{ type: "metallb.io/AddressPending", status, reason: "R", message: "m" }],
      },
    });
    expect(toServiceRecord(withCondition("True"))?.view.pending).toEqual({
      reason: "R",
      message: "m",
    });
    expect(toServiceRecord(withCondition("False"))?.view.pending).toEqual({
      reason: "",
      message: "",
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
