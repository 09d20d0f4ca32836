import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  isLabelKey,
  isLabelValue,
  matchesAnyOrEmpty,
  matchesSelector,
  parseSelector,
  type Labels,
  type Selector,
} from "../../../../lib/config/labels";
import type { LabelSelector } from "../../../../lib/config/generated/resources";

function parsed(selector: LabelSelector): Selector {
  const result = parseSelector(selector);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

function matches(selector: LabelSelector, labels: Labels): boolean {
  return matchesSelector(parsed(selector), labels);
}

const expression = (operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key: "rack", operator, ...(values.length > 0 ? { values } : {}) }],
});

describe("matchesSelector", () => {
  it("matches everything when the selector is empty", () => {
    expect(matches({}, {})).toBe(true);
    expect(matchesSelector(parsed({}), undefined)).toBe(true);
  });

  it.each([
    ["In", ["a", "b"], { rack: "a" }, true],
    ["In", ["a", "b"], { rack: "c" }, false],
    ["In", ["a"], {}, false],
    ["NotIn", ["a"], { rack: "a" }, false],
    ["NotIn", ["a"], { rack: "b" }, true],
    ["NotIn", ["a"], {}, true],
    ["Exists", [], { rack: "" }, true],
    ["Exists", [], {}, false],
    ["DoesNotExist", [], { rack: "a" }, false],
    ["DoesNotExist", [], {}, true],
  ] as const)("%s %j on %j is %s", (operator, values, labels, expected) => {
    expect(matches(expression(operator, ...values), labels)).toBe(expected);
  });

  it("wants every label and every expression to hold", () => {
    const selector = { matchLabels: { zone: "x" }, ...expression("Exists") };
    expect(matches(selector, { zone: "x", rack: "1" })).toBe(true);
    expect(matches(selector, { zone: "x" })).toBe(false);
    expect(matches(selector, { rack: "1" })).toBe(false);
  });

  it("does not take what every object inherits for a label", () => {
    expect(matches({ matchExpressions: [{ key: "constructor", operator: "Exists" }] }, {})).toBe(
      false,
    );
  });
});

describe("matchesAnyOrEmpty", () => {
  it("takes an empty list for everything and several for alternatives", () => {
    const [x, y] = [parsed({ matchLabels: { a: "x" } }), parsed({ matchLabels: { a: "y" } })];
    expect(matchesAnyOrEmpty([], {})).toBe(true);
    expect(matchesAnyOrEmpty([x, y], { a: "y" })).toBe(true);
    expect(matchesAnyOrEmpty([x, y], { a: "z" })).toBe(false);
  });
});

describe("parseSelector", () => {
  it("returns every error with its place", () => {
    const result = parseSelector({
      matchLabels: { "a b": "ok" },
      matchExpressions: [
        { key: "a", operator: "Near" },
        { key: "a", operator: "In", values: [] },
        { key: "a", operator: "Exists", values: ["x"] },
        { key: "a", operator: "NotIn", values: ["-x"] },
      ],
    });
    expect(result.ok ? [] : result.error.map(({ code, field }) => [code, field])).toEqual([
      ["key", ".matchLabels[a b]"],
      ["operator", ".matchExpressions[0].operator"],
      ["values-missing", ".matchExpressions[1].values"],
      ["values-given", ".matchExpressions[2].values"],
      ["value", ".matchExpressions[3]"],
    ]);
  });

  it("gives the same text for the same selector in another order of labels and values", () => {
    const left = parsed({ matchLabels: { a: "1", b: "2" }, ...expression("In", "x", "y") });
    const right = parsed({ matchLabels: { b: "2", a: "1" }, ...expression("In", "y", "x") });
    expect(left.text).toBe(right.text);
    expect(left.text).not.toBe(parsed(expression("In", "x", "y")).text);
  });

  it("keeps a label and an expression that say the same apart, as MetalLB does", () => {
    const label = parsed({ matchLabels: { rack: "a" } });
    expect(label.text).not.toBe(parsed(expression("In", "a")).text);
  });
});

describe("label syntax", () => {
  it.each(["a", "A_b.c-1", "example.org/a", "a".repeat(63)])("allows the key %s", key => {
    expect(isLabelKey(key)).toBe(true);
  });
  it.each(["", "-a", "a/", "/a", "A.org/a", "a".repeat(64), "a b", "a/b/c", "ä"])(
    "refuses the key %j",
    key => {
      expect(isLabelKey(key)).toBe(false);
    },
  );
  it.each(["", "a", "A_b.c-1", "0"])("allows the value %j", value => {
    expect(isLabelValue(value)).toBe(true);
  });
  it.each(["-", "a-", ".a", "a b", "a".repeat(64), "a\n"])("refuses the value %j", value => {
    expect(isLabelValue(value)).toBe(false);
  });
});

const key = fc.constantFrom("a", "b");
const value = fc.constantFrom("x", "y", "z");
const labels = fc.dictionary(key, value);

test.prop([key, fc.uniqueArray(value, { minLength: 1 }), labels])(
  "In and NotIn, Exists and DoesNotExist are opposites",
  (name, values, given) => {
    const of = (operator: string, list?: string[]): boolean =>
      matches(
        { matchExpressions: [{ key: name, operator, ...(list ? { values: list } : {}) }] },
        given,
      );
    expect(of("In", values)).toBe(!of("NotIn", values));
    expect(of("Exists")).toBe(!of("DoesNotExist"));
  },
);
