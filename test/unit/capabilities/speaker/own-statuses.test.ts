import { describe, expect, it } from "vitest";
import {
  isSameStatus,
  OwnStatuses,
  saysAnnounced,
  toStoredStatus,
  type StoredStatus,
} from "../../../../capabilities/speaker/own-statuses";

const stored = (name: string, given: Partial<StoredStatus> = {}): StoredStatus => ({
  name,
  serviceKey: "web/nginx",
  resourceVersion: "5",
  ownerUid: undefined,
  status: undefined,
  ...given,
});

describe("saysAnnounced", () => {
  const condition = {
    type: "AddressConflict",
    status: "True",
    message: "",
    lastTransitionTime: "",
  } as const;
  it("is true of a status with the node's name, also while the address is defended", () => {
    expect(saysAnnounced({ node: "n1" }, "n1")).toBe(true);
    const conditions = [{ ...condition, reason: "Defended" }];
    expect(saysAnnounced({ node: "n1", conditions }, "n1")).toBe(true);
  });

  it("is false of an empty one, of another node's, and of an address that is withheld", () => {
    expect(saysAnnounced(undefined, "n1")).toBe(false);
    expect(saysAnnounced({}, "n1")).toBe(false);
    expect(saysAnnounced({ node: "n2" }, "n1")).toBe(false);
    const conditions = [{ ...condition, reason: "Withheld" }];
    expect(saysAnnounced({ node: "n1", conditions }, "n1")).toBe(false);
  });
});

describe("toStoredStatus", () => {
  it("takes the Service from the labels and the owner's uid", () => {
    expect(
      toStoredStatus({
        metadata: {
          name: "l2-abc",
          resourceVersion: "7",
          labels: { "metallb.io/service-name": "nginx", "metallb.io/service-namespace": "web" },
          ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "speaker-x", uid: "u" }],
        },
      }),
    ).toEqual(stored("l2-abc", { resourceVersion: "7", ownerUid: "u" }));
  });
});

describe("OwnStatuses", () => {
  it("finds the objects of a Service, sorted, until they are removed", () => {
    const own = new OwnStatuses();
    own.put(stored("l2-b"));
    own.put(stored("l2-a"));
    own.put(stored("l2-c", { serviceKey: "web/other" }));
    expect(own.ofService("web/nginx").map(({ name }) => name)).toEqual(["l2-a", "l2-b"]);
    expect(own.remove("l2-a")?.serviceKey).toBe("web/nginx");
    expect(own.remove("l2-a")).toBeUndefined();
    own.remove("l2-b");
    expect(own.serviceKeys()).toEqual(["web/other"]);
  });

  it("keeps what a write returned against an older event of the watch", () => {
    const own = new OwnStatuses();
    expect(own.put(stored("l2-a", { resourceVersion: "10" }))).toBe(true);
    expect(own.put(stored("l2-a", { resourceVersion: "9" }))).toBe(false);
    expect(own.ofService("web/nginx")[0]?.resourceVersion).toBe("10");
  });
});

describe("isSameStatus", () => {
  const status = { node: "node-a", serviceName: "nginx", serviceNamespace: "web" };

  it("tells all interfaces from none", () => {
    expect(isSameStatus(status, { ...status })).toBe(true);
    expect(isSameStatus(status, { ...status, interfaces: [] })).toBe(false);
    expect(isSameStatus(undefined, status)).toBe(false);
  });

  it("compares the names of interfaces", () => {
    const eth0 = { ...status, interfaces: [{ name: "eth0" }] };
    expect(isSameStatus(eth0, { ...status, interfaces: [{ name: "eth0" }] })).toBe(true);
    expect(isSameStatus(eth0, { ...status, interfaces: [{ name: "eth1" }] })).toBe(false);
  });
});
