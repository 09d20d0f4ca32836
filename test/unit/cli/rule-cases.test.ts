/** Every manifest of the rule table gets from lint the verdict that the table expects of admission. */
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { judgeManifests, type Finding } from "../../../cli/judge";
import { CONFIGURATION_KINDS } from "../../../cli/kinds";
import type { ConfigurationResources } from "../../../lib/config/resources";
import { NAMESPACE } from "../../support/resources";
import { RULE_CASES, type RuleCase } from "../lib/config/rule-cases";
import { documents, read } from "./support";

/** Lint never deletes, so these have no counterpart. */
const isDeletion = ({ change }: RuleCase): boolean => change?.operation === "DELETE";

/** The objects of the case as one text; the cluster is what else the case knows, and what is stored in case of a change. */
function lintCase({ resources, change }: RuleCase): readonly Finding[] {
  const { nodes, namespaces, secrets, services, bgpExtras } = resources;
  const known = { nodes, namespaces, secrets, services };
  const facts = Object.fromEntries(
    Object.entries(known).filter(([, list]) => list !== undefined),
  ) as ConfigurationResources;
  const objects = change ? [withKind(change.kind, change.object)] : toObjects(resources);
  const extras = bgpExtras ? [{ apiVersion: "v1", kind: "ConfigMap", metadata: bgpExtras }] : [];
  const text = documents(...[...objects, ...extras].map(object => stringify(object)));
  const { manifests, unreadable } = read(text);
  expect(unreadable).toEqual([]);
  expect(manifests).toHaveLength(objects.length + extras.length);
  const live = change ? resources : facts;
  return judgeManifests(manifests, { namespace: NAMESPACE, live });
}

function toObjects(resources: ConfigurationResources): readonly object[] {
  return [...CONFIGURATION_KINDS].flatMap(([kind, { list }]) =>
    (resources[list] ?? []).map(object => withKind(kind, object)),
  );
}

/** Cases about other things leave the header out. */
function withKind(kind: string, object: unknown): object {
  const version = CONFIGURATION_KINDS.get(kind)!.version;
  return { apiVersion: `metallb.io/${version}`, kind, ...(object as object) };
}

/** A refusal, a refusal until another object is there, or a warning that Herald gives by design. */
function isAgainst({ severity, problem }: Finding): boolean {
  return (
    severity === "refuse" ||
    problem.severity === "refuse" ||
    ["V-W3", "V-X6"].includes(problem.rule)
  );
}

/** Admission removes the port 0 of a BGPPeer before it is judged: what v1beta1 stored may be applied again. */
const isMadeGood = ({ what }: RuleCase): boolean => what === "port 0";

const judged = Object.entries(RULE_CASES).filter(
  ([, { refused, accepted }]) => ![...refused, ...accepted].every(isDeletion),
);

describe.each(judged)("lint and %s", (rule, cases) => {
  const names = cases.reportedAs ?? [rule];
  const usable = (list: readonly RuleCase[]): (readonly [string, RuleCase])[] =>
    list.filter(item => !isDeletion(item)).map(item => [item.what, item]);

  it.each(usable(cases.refused))("refuses: %s", (_what, item) => {
    const found = lintCase(item).find(({ problem }) => names.includes(problem.rule));
    if (isMadeGood(item)) {
      expect(found).toBeUndefined();
      return;
    }
    expect(found, JSON.stringify(lintCase(item), undefined, 1)).toBeDefined();
    expect(isAgainst(found!)).toBe(true);
    expect(found!.position?.line).toBeGreaterThan(0);
  });

  it.each(usable(cases.accepted))("accepts: %s", (_what, item) => {
    const against = lintCase(item).filter(isAgainst);
    const own = cases.isRelaxed
      ? against.filter(({ problem }) => problem.rule !== "V-W3")
      : against.filter(({ problem }) => names.includes(problem.rule));
    expect(own.map(({ problem }) => problem.message)).toEqual([]);
  });
});

it("leaves out nothing of the table but deletions", () => {
  const all = Object.values(RULE_CASES).flatMap(({ refused, accepted }) => [
    ...refused,
    ...accepted,
  ]);
  expect(all.filter(isDeletion)).toHaveLength(2);
});
