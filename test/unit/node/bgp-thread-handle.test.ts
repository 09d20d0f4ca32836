import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { RoutesCommand } from "../../../node/bgp-protocol";
import { PREFIXES_PER_PORTION } from "../../../node/bgp-limits";
import { toPortions } from "../../../node/bgp-thread-handle";

const prefixes = (count: number, net = 0): readonly string[] =>
  Array.from({ length: count }, (_, index) => `10.${net}.${index >> 8}.${index & 255}/32`);

function command(changes: RoutesCommand["changes"]): RoutesCommand {
  return { type: "routes", sequence: 7, attributeSets: [], changes };
}

describe("a routes command", () => {
  it("without changes is one portion, so that its sequence is answered", () => {
    expect(toPortions(command([]))).toEqual([
      { type: "routesPortion", sequence: 7, attributeSets: [], changes: [], isLast: true },
    ]);
  });

  const change = fc.record({
    session: fc.constantFrom("a", "b"),
    withdrawn: fc.nat(1_300).map(count => prefixes(count, 1)),
    announced: fc.array(
      fc.record({
        attributes: fc.nat(3),
        prefixes: fc.nat(1_300).map(count => prefixes(count, 2)),
      }),
      { maxLength: 3 },
    ),
  });

  test.prop([fc.array(change, { maxLength: 4 })], { numRuns: 50 })(
    "says the same in the same order in its portions, none too large, the last one marked",
    changes => {
      const portions = toPortions(command(changes));
      const flat = (of: RoutesCommand["changes"]): readonly string[] =>
        of.flatMap(({ session, withdrawn, announced }) => [
          ...withdrawn.map(prefix => `${session} - ${prefix}`),
          ...announced.flatMap(({ attributes, prefixes: some }) =>
            some.map(prefix => `${session} ${attributes} ${prefix}`),
          ),
        ]);
      expect(portions.flatMap(portion => flat(portion.changes))).toEqual(flat(changes));
      for (const portion of portions) {
        expect(flat(portion.changes).length).toBeLessThanOrEqual(PREFIXES_PER_PORTION);
      }
      const marks = portions.map(({ isLast }) => isLast);
      expect(marks.indexOf(true)).toBe(portions.length - 1);
    },
  );
});
