import { expect, it } from "vitest";
import {
  formatObject,
  quote,
  sortProblems,
  toShownText,
  type Problem,
} from "../../../../lib/config/problem";

it.each([
  ["two\nlines", '"two\\u000alines"'],
  ['a "quote"', '"a \\"quote\\""'],
  ["\u202eright to left", '"\\u202eright to left"'],
  ["zero\u200bwidth", '"zero\\u200bwidth"'],
  ["lone \ud800 surrogate", '"lone \\ud800 surrogate"'],
  ["grüße", '"grüße"'],
])("shows %j on one line, with nothing hidden", (text, shown) => {
  expect(quote(text)).toBe(shown);
});

it("cuts foreign text", () => {
  expect(toShownText("x".repeat(10_000))).toHaveLength(64);
  expect(formatObject({ kind: "BGPPeer", namespace: "n", name: "a" })).toBe('BGPPeer "a"');
});

it("sorts by object, field and rule", () => {
  const problem = (name: string, field: string): Problem => ({
    severity: "warn",
    nature: "lasting",
    rule: "V-L1",
    object: { kind: "IPAddressPool", namespace: "n", name },
    field,
    value: "",
    message: "",
    related: [],
  });
  const [a, b, c] = [problem("a", "x"), problem("a", "y"), problem("b", "a")];
  expect(sortProblems([c, b, a])).toEqual([a, b, c]);
});
