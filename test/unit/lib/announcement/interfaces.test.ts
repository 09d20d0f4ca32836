import { describe, expect, it } from "vitest";
import { toInterfaceChoice, uniteInterfaces } from "../../../../lib/announcement/interfaces";

describe("uniteInterfaces", () => {
  it("unites lists, each name once, sorted", () => {
    expect(
      uniteInterfaces([
        ["eth1", "eth0"],
        ["bond0", "eth1"],
      ]),
    ).toEqual(["bond0", "eth0", "eth1"]);
  });

  it("is all as soon as one advertisement names no interface", () => {
    expect(uniteInterfaces([["eth1"], toInterfaceChoice([]), ["eth0"]])).toBe("all");
  });

  it("is no interface without any choice", () => {
    expect(uniteInterfaces([])).toEqual([]);
  });
});
