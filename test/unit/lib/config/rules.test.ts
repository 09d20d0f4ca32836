import { describe, expect, it } from "vitest";
import { reviewChange } from "../../../../lib/config/admission";
import { checkConfiguration } from "../../../../lib/config/check";
import type { Problem } from "../../../../lib/config/problem";
import { NAMESPACE } from "../../../support/resources";
import { JUDGED_ELSEWHERE, RULE_CASES, RULE_IDS, type RuleCase } from "./rule-cases";

/** What is held against the case: a refusal, or a warning that Herald gives by design (V-W3, V-X6 in advance). */
function findings({ resources, change }: RuleCase): readonly Problem[] {
  if (change === undefined) return checkConfiguration(resources).problems;
  const { refusals, warnings } = reviewChange(change, resources, { namespace: NAMESPACE });
  return [...refusals, ...warnings];
}

function isAgainst({ severity, nature, rule }: Problem): boolean {
  return severity === "refuse" || nature === "strict" || rule === "V-W3" || rule === "V-X6";
}

describe.each(Object.entries(RULE_CASES))("%s", (rule, cases) => {
  const names = cases.reportedAs ?? [rule];

  it.each(cases.refused.map(item => [item.what, item] as const))("refuses: %s", (_what, item) => {
    const problem = findings(item).find(({ rule: found }) => names.includes(found));
    expect(problem, JSON.stringify(findings(item))).toBeDefined();
    expect(isAgainst(problem!)).toBe(true);
    expect(problem!.message).toContain(problem!.object.name);
    expect(problem!.message).toContain(problem!.value);
    expect(problem!.message).toMatch(/^[A-Z].+ .+\. [A-Z].+[.)]$/);
  });

  it.each(cases.accepted.map(item => [item.what, item] as const))("accepts: %s", (_what, item) => {
    const against = findings(item).filter(isAgainst);
    const own = cases.isRelaxed ? against.filter(({ rule: found }) => found !== "V-W3") : against;
    expect(own.filter(problem => cases.isRelaxed ?? names.includes(problem.rule))).toEqual([]);
  });
});

describe("the rule index", () => {
  it.each(RULE_IDS)("has cases for %s", rule => {
    if (rule in JUDGED_ELSEWHERE) {
      expect(JUDGED_ELSEWHERE[rule]).not.toBe("");
      return;
    }
    const cases = RULE_CASES[rule];
    expect(cases?.accepted.length, `no accepted case of ${rule}`).toBeGreaterThan(0);
    if (cases?.isRelaxed) return;
    expect(cases?.refused.length, `no refused case of ${rule}`).toBeGreaterThan(0);
  });

  it("has no case of a rule that does not exist", () => {
    const all = [...Object.keys(RULE_CASES), ...Object.keys(JUDGED_ELSEWHERE)];
    expect(all.filter(rule => !RULE_IDS.includes(rule))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
  });
});
