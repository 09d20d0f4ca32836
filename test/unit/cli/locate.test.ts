import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { findDuplicateKeys, locateField, parseFieldPath } from "../../../cli/locate";

const TEXT = `spec:
  addresses: [10.0.0.0/24, 10.0.1.0/24]
  autoAssign: maybe
  serviceAllocation:
    priority: high
    serviceSelectors:
      - matchLabels:
          example.org/rack: "a b"
  empty:
shared: &shared
  weight: 1
used: *shared
`;

function textAt(field: string, hasValue = true): string {
  const document = parseDocument(TEXT);
  const offset = locateField({ root: document.contents!, document }, field, hasValue);
  return TEXT.slice(offset).split("\n")[0]!;
}

describe("the place of a field", () => {
  it.each([
    ["spec.addresses[1]", "10.0.1.0/24]"],
    ["spec.addresses", "addresses: [10.0.0.0/24, 10.0.1.0/24]"],
    ["spec.autoAssign", "maybe"],
    ["spec.serviceAllocation.priority", "high"],
    ["spec.serviceAllocation.serviceSelectors[0].matchLabels[example.org/rack]", '"a b"'],
    ["spec.serviceAllocation", "serviceAllocation:"],
    ["used.weight", "1"],
  ])("is the value where it is one word, otherwise the key: %s", (field, text) => {
    expect(textAt(field)).toBe(text);
  });

  it("is the key of a field without a value to show", () => {
    expect(textAt("spec.autoAssign", false)).toBe("autoAssign: maybe");
  });

  it.each([
    ["spec.serviceAllocation.namespaces[3]", "serviceAllocation:"],
    ["spec.addresses[7]", "addresses: [10.0.0.0/24, 10.0.1.0/24]"],
    ["spec.addresses[x].y", "addresses: [10.0.0.0/24, 10.0.1.0/24]"],
    ["metadata.name", "spec:"],
    ["", "spec:"],
  ])("is the innermost part that is written: %s", (field, text) => {
    expect(textAt(field)).toBe(text);
  });
});

it("splits paths into steps", () => {
  expect(parseFieldPath("spec.a[0].b[x.y/z].c")).toEqual(["spec", "a", "0", "b", "x.y/z", "c"]);
  expect(parseFieldPath("")).toEqual([]);
});

it("finds keys that are written twice, however deep", () => {
  const document = parseDocument("a: 1\nb:\n  - c: 1\n    c: 2\na: 3\n", { uniqueKeys: false });
  expect(findDuplicateKeys(document.contents!).map(({ field }) => field)).toEqual(["b[0].c", "a"]);
});
