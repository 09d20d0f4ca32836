/**
 * docs/configuration-rules.md is written by this test: what Herald says to the first case of each rule. When a sentence changes, it
 * fails until `npx vitest run --project unit test/unit/lib/config/documentation -u` has written the page anew.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { reviewChange } from "../../../../lib/config/admission";
import { checkConfiguration } from "../../../../lib/config/check";
import type { Problem } from "../../../../lib/config/problem";
import { LABELS_LIMIT, LIST_LIMITS, SPEC_LIMIT } from "../../../../lib/config/limits";
import { NAMESPACE } from "../../../support/resources";
import { JUDGED_ELSEWHERE, RULE_CASES, RULE_IDS, type RuleCase } from "./rule-cases";
import { WARNING_CASES } from "./warning-cases";

const PAGE = "docs/configuration-rules.md";

const GROUPS: readonly (readonly [prefix: string, title: string])[] = [
  ["V-S", "Schemas"],
  ["V-B", "BFDProfiles"],
  ["V-P", "BGPPeers"],
  ["V-C", "Communities"],
  ["V-L", "IPAddressPools"],
  ["V-A", "L2Advertisements"],
  ["V-G", "BGPAdvertisements"],
  ["V-X", "Between objects"],
  ["V-W", "Changes"],
  ["H-R", "Legal, and not what was meant"],
  ["H-C", "Aliases that cannot be used"],
  ["H-M", "How long lists may be"],
];

function found({ resources, change }: RuleCase): readonly Problem[] {
  if (change === undefined) return checkConfiguration(resources).problems;
  const { refusals, warnings } = reviewChange(change, resources, { namespace: NAMESPACE });
  return [...refusals, ...warnings];
}

/** The problem that shows the rule; undefined when there is none. */
function example(rule: string): Problem | undefined {
  const cases = RULE_CASES[rule];
  const names = cases?.reportedAs ?? [rule];
  const candidates = cases?.refused ?? [{ what: rule, resources: WARNING_CASES[rule] ?? {} }];
  return candidates.flatMap(found).find(problem => names.includes(problem.rule));
}

function effect({ severity, nature }: Problem): string {
  if (nature === "strict") return "new ones refused";
  if (nature === "transient") return "waits";
  return { refuse: "refused", warn: "warning", inform: "note" }[severity];
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function table(rules: readonly string[]): string {
  const rows = rules.map(rule => {
    const problem = example(rule);
    if (problem === undefined) return `| ${rule} | | ${cell(elsewhere(rule))} |`;
    return `| ${rule} | ${effect(problem)} | ${cell(problem.message)} |`;
  });
  return ["| Rule | Effect | For example |", "|---|---|---|", ...rows].join("\n");
}

function elsewhere(rule: string): string {
  const judge = JUDGED_ELSEWHERE[rule];
  if (judge !== undefined) return `Judged elsewhere – ${judge}.`;
  return "A limit of MetalLB that Herald does not have: accepted.";
}

const OWN_IDS = Object.keys(WARNING_CASES);

function page(): string {
  const ids = [...RULE_IDS, ...OWN_IDS];
  const relaxed = RULE_IDS.filter(rule => RULE_CASES[rule]?.isRelaxed === true);
  return [
    "# Every rule, with an example",
    "",
    "Written by `test/unit/lib/config/documentation.test.ts`; do not edit. [configuration.md](configuration.md) explains the effects.",
    ...GROUPS.flatMap(([prefix, title]) => [
      "",
      `## ${title}`,
      "",
      table(
        ids
          .filter(rule => rule.startsWith(prefix) && !relaxed.includes(rule))
          .sort((left, right) => numberOf(left) - numberOf(right)),
      ),
    ]),
    "",
    "## Limits of MetalLB's backends that Herald does not have",
    "",
    `${relaxed.join(", ")}: accepted.`,
    "",
  ].join("\n");
}

function numberOf(rule: string): number {
  return Number(/\d+$/.exec(rule)?.[0] ?? 0);
}

it("shows every rule as it is", async () => {
  await expect(page()).toMatchFileSnapshot(`../../../../${PAGE}`);
});

it.each(OWN_IDS)("has a case that shows %s", rule => {
  expect(example(rule)?.rule).toBe(rule);
});

it("has a case for every rule of Herald's own in the code", () => {
  const sources = ["advertisement-scope", "cluster-network", "communities", "cross-references"]
    .concat(["peer-references", "shadowed-pools"])
    .map(name => readFileSync(`lib/config/${name}.ts`, "utf8"))
    .join("\n");
  const inCode = [...sources.matchAll(/rule: "(H-[A-Z]\d+)"/g)].map(([, rule]) => rule);
  const limits = [...LIST_LIMITS.values(), SPEC_LIMIT, LABELS_LIMIT].map(({ rule }) => rule);
  expect([...new Set([...inCode, ...limits])].sort()).toEqual([...OWN_IDS].sort());
});
