import { describe, expect, it } from "vitest";
import {
  AcceptedChanges,
  type AcceptedChange,
  type StoredResource,
} from "../../../../capabilities/admission/accepted-changes";

const OLD = { name: "first", uid: "1", generation: 1, labels: { zone: "a" } };

function pool(metadata: object, ...addresses: string[]): StoredResource {
  return { metadata: { ...OLD, ...metadata }, spec: { addresses } };
}

function started(...copies: StoredResource[]) {
  const clock = { nowMs: 0 };
  const stored = new Map(copies.map(copy => [copy.metadata?.name, copy]));
  const find = (kind: string, name: string) =>
    kind === "IPAddressPool" ? stored.get(name) : undefined;
  const accepted = new AcceptedChanges(find, () => clock.nowMs);
  const note = (change: Omit<AcceptedChange, "kind">): void =>
    accepted.note({ kind: "IPAddressPool", ...change });
  return { accepted, clock, stored, note };
}

describe("a change that was let through", () => {
  it("is shown once the copy of a new object is there", () => {
    const { accepted, note, stored } = started();
    expect(accepted.areShown()).toBe(true);
    note({ operation: "CREATE", object: pool({}, "10.0.0.0/24") });
    expect(accepted.areShown()).toBe(false);
    stored.set("first", pool({}, "10.0.0.0/24"));
    expect(accepted.areShown()).toBe(true);
  });

  it("is shown once the copy has another generation, or the labels", () => {
    const before = pool({}, "10.0.0.0/24");
    const { accepted, note, stored } = started(before);
    note({ operation: "UPDATE", object: pool({}, "10.0.1.0/24"), oldObject: before });
    stored.set("first", pool({ resourceVersion: "9" }, "10.0.0.0/24"));
    expect(accepted.areShown()).toBe(false);
    stored.set("first", pool({ generation: 2 }, "10.0.1.0/24"));
    expect(accepted.areShown()).toBe(true);

    const labelled = pool({ generation: 2, labels: { zone: "b" } }, "10.0.1.0/24");
    note({ operation: "UPDATE", object: labelled, oldObject: stored.get("first") });
    expect(accepted.areShown()).toBe(false);
    stored.set("first", labelled);
    expect(accepted.areShown()).toBe(true);
  });

  it("is shown once the deleted object is gone, leaving, or another one", () => {
    const before = pool({}, "10.0.0.0/24");
    for (const after of [
      undefined,
      pool({ uid: "2" }, "10.0.0.0/24"),
      pool({ deletionTimestamp: "2026-11-25T12:00:00Z" }, "10.0.0.0/24"),
    ]) {
      const { accepted, note, stored } = started(before);
      note({ operation: "DELETE", object: before });
      expect(accepted.areShown()).toBe(false);
      if (after) stored.set("first", after);
      else stored.delete("first");
      expect(accepted.areShown()).toBe(true);
    }
  });

  it("is not waited for when it leaves spec and labels as they are", () => {
    const before = pool({}, "10.0.0.0/24");
    const { accepted, note } = started(before);
    const after = pool({ annotations: { note: "x" } }, "10.0.0.0/24");
    note({ operation: "UPDATE", object: after, oldObject: before });
    expect(accepted.areShown()).toBe(true);
  });

  it("is forgotten after ten seconds: it was not stored then", () => {
    const { accepted, clock, note } = started();
    note({ operation: "CREATE", object: pool({}, "10.0.0.0/24") });
    clock.nowMs = 9_999;
    expect(accepted.areShown()).toBe(false);
    clock.nowMs = 10_000;
    expect(accepted.areShown()).toBe(true);
  });

  it("without a name, or no object at all, is harmless", () => {
    const { accepted, note } = started();
    for (const object of [undefined, null, {}, { metadata: {} }, "text"]) {
      note({ operation: "CREATE", object });
    }
    expect(accepted.areShown()).toBe(true);
  });
});
