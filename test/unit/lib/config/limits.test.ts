import { describe, expect, it } from "vitest";
import { reviewChange } from "../../../../lib/config/admission";
import { checkConfiguration } from "../../../../lib/config/check";
import { LABELS_LIMIT, LIST_LIMITS, SPEC_LIMIT } from "../../../../lib/config/limits";
import { HOSTILE_OBJECTS } from "../../../support/hostile-objects";
import { largeConfiguration } from "../../../support/large-configuration";
import { ipAddressPool, l2Advertisement, labelled, NAMESPACE } from "../../../support/resources";
import { LISTS, many } from "./long-lists";
import { asResources } from "./warning-cases";

function refusals(object: object): { rule: string; field: string; message: string }[] {
  const { problems } = checkConfiguration(asResources(object));
  return problems.filter(({ severity }) => severity === "refuse").map(problem => ({ ...problem }));
}

describe.each([...LIST_LIMITS])("%s", (name, limit) => {
  it(`may have ${limit.maximum} entries`, () => {
    expect(refusals(LISTS[name]!(limit.maximum))).toEqual([]);
  });

  it(`is refused by ${limit.rule} with one more, and nothing else is said about it`, () => {
    const found = refusals(LISTS[name]!(limit.maximum + 1));
    expect(found.map(({ rule }) => rule)).toEqual([limit.rule]);
    expect(found[0]?.field).toContain(name);
    expect(found[0]?.message).toContain(`${limit.maximum + 1} ${limit.what}`);
    expect(found[0]?.message).toContain(`${limit.maximum}`);
  });
});

it("bounds the whole spec, however it is spread over lists", () => {
  const values = many(9_000, index => `v${index}`);
  const matchExpressions = many(6, index => ({ key: `k${index}`, operator: "In", values }));
  const [refusal] = refusals(l2Advertisement("x", { nodeSelectors: [{ matchExpressions }] }));
  expect(refusal).toMatchObject({ rule: SPEC_LIMIT.rule });
});

it("bounds the labels of an object", () => {
  const labels = (count: number): Record<string, string> =>
    Object.fromEntries(many(count, index => [`k${index}`, "v"]));
  const pool = ipAddressPool("x", ["10.0.0.0/24"]);
  expect(refusals(labelled(pool, labels(LABELS_LIMIT.maximum)))).toEqual([]);
  expect(refusals(labelled(pool, labels(LABELS_LIMIT.maximum + 1)))).toMatchObject([
    { rule: LABELS_LIMIT.rule, field: "metadata.labels" },
  ]);
});

it("keeps everything else in force beside an object that is too long", () => {
  const ipAddressPools = [
    ipAddressPool("good", ["192.0.2.0/24"]),
    LISTS["addresses"]!(10_001) as ReturnType<typeof ipAddressPool>,
  ];
  const { configuration } = checkConfiguration({ ipAddressPools });
  expect(configuration.pools.map(({ name }) => name)).toEqual(["good"]);
});

describe("hostile objects", () => {
  const live = largeConfiguration({ pools: 20, peers: 5, advertisements: 10 });

  it.each(HOSTILE_OBJECTS.map(item => [item.what, item.change] as const))(
    "%s: refused with few words",
    (_what, change) => {
      const { refusals: found, warnings } = reviewChange(change, live, { namespace: NAMESPACE });
      if (_what !== "100,000 unknown fields") expect(found.length).toBeGreaterThan(0);
      expect(found.length + warnings.length).toBeLessThan(110);
    },
  );
});
