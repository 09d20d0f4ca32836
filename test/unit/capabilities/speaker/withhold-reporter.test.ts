import { expect, it } from "vitest";
import { WithholdReporter } from "../../../../capabilities/speaker/withhold-reporter";
import type { ServicePlan } from "../../../../lib/announcement/plan-service";

const KEY = "default/web";
const MIXED: ServicePlan = {
  type: "withhold",
  key: KEY,
  reason: "sharedIPWithServiceSelector",
  message: "the two do not go together",
};
const ELSEWHERE: ServicePlan = { ...MIXED, reason: "notOwner" };

function reporterOn(nodeName: string) {
  const said: string[] = [];
  let plan: ServicePlan | undefined;
  const reporter = new WithholdReporter({
    nodeName,
    nodeNames: () => ["n2", "n1"],
    plan: () => plan,
    record: (key, { type, reason, message }) => said.push(`${key} ${type} ${reason} ${message}`),
  });
  const note = (next: ServicePlan | undefined): void => {
    plan = next;
    reporter.notePlanned([KEY]);
  };
  return { said, note };
}

it("warns once when sharing and selecting are mixed (V-X2), and again after it was mended", () => {
  const { said, note } = reporterOn("n1");
  for (const plan of [MIXED, MIXED, ELSEWHERE, MIXED, undefined]) note(plan);
  const warning = "default/web Warning announceFailed the two do not go together";
  expect(said).toEqual([warning, warning]);
});

it("leaves the word to the first Node", () => {
  const { said, note } = reporterOn("n2");
  note(MIXED);
  expect(said).toEqual([]);
});
