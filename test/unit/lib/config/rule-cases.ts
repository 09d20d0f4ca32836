/**
 * The rule index: for each rule the smallest configurations that break it and that keep it. `rules.test.ts` judges them; rules
 * that a whole API server or a running speaker judges are named in JUDGED_ELSEWHERE.
 */
import type { Change } from "../../../../lib/config/admission";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import { PEER_CASES } from "./rule-cases-peers";
import { POOL_CASES } from "./rule-cases-pools";
import { ADVERTISEMENT_CASES } from "./rule-cases-advertisements";
import { OTHER_CASES } from "./rule-cases-others";

export interface RuleCase {
  readonly what: string;
  readonly resources: ConfigurationResources;
  /** Present: the change is reviewed against `resources`; absent: the resources are checked as a whole. */
  readonly change?: Change;
}

export interface CasesOfRule {
  readonly refused: readonly RuleCase[];
  readonly accepted: readonly RuleCase[];
  /** The identifiers under which the rule appears; its own when absent. */
  readonly reportedAs?: readonly string[];
  /** A limit of MetalLB's backends that Herald does not have: there is no refused case. */
  readonly isRelaxed?: boolean;
}

export const RULE_CASES: Readonly<Record<string, CasesOfRule>> = {
  ...POOL_CASES,
  ...PEER_CASES,
  ...ADVERTISEMENT_CASES,
  ...OTHER_CASES,
};

/** Where the rules are judged that need more than a configuration. */
export const JUDGED_ELSEWHERE: Readonly<Record<string, string>> = {
  "V-S11": "API server: the schema compares a status with the one before",
  "V-S12": "API server: statuses are not part of the configuration",
  "V-X2": "lib/announcement: depends on the Service",
  "V-X3": "lib/announcement: depends on the Service",
  "V-X7": "lib/announcement: depends on the interfaces of a node",
};

const series = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** Every identifier of the rule index, so that one without a case is noticed. */
export const RULE_IDS: readonly string[] = [
  ...series("V-S", 12),
  ...series("V-M", 17),
  ...series("V-B", 5),
  ...series("V-P", 20),
  ...series("V-C", 2),
  ...series("V-L", 8),
  ...series("V-A", 5),
  ...series("V-G", 15),
  ...series("V-X", 7),
  ...series("V-W", 3),
];
