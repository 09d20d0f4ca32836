import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  compareResourceVersions,
  objectKey,
  splitKey,
} from "../../../../capabilities/cluster/api-object";

const version = fc.bigInt({ min: 1n, max: 2n ** 80n });

describe("compareResourceVersions", () => {
  test.prop([version, version])("orders decimal versions of any size as numbers", (left, right) => {
    const compared = compareResourceVersions(String(left), String(right));
    expect(Math.sign(compared)).toBe(left < right ? -1 : left > right ? 1 : 0);
  });

  it("takes a version of another form for newer, unless it is the same", () => {
    expect(compareResourceVersions("abc", "12")).toBeGreaterThan(0);
    expect(compareResourceVersions("12", "abc")).toBeGreaterThan(0);
    expect(compareResourceVersions("abc", "abc")).toBe(0);
  });
});

describe("keys", () => {
  it("are namespace/name, or the name of an object of the cluster", () => {
    expect(objectKey({ metadata: { namespace: "default", name: "web" } })).toBe("default/web");
    expect(objectKey({ metadata: { name: "node-a" } })).toBe("node-a");
    expect(objectKey({ metadata: { namespace: "default" } })).toBeUndefined();
    expect(objectKey({})).toBeUndefined();
  });

  it("can be split again", () => {
    expect(splitKey("default/web")).toEqual({ namespace: "default", name: "web" });
    expect(splitKey("node-a")).toEqual({ namespace: "", name: "node-a" });
  });
});
