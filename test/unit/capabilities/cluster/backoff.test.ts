import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { planBackoffMs } from "../../../../capabilities/cluster/backoff";

const LIMITS = { minMs: 100, maxMs: 1_000 };

describe("planBackoffMs", () => {
  it("doubles with each failure up to the maximum", () => {
    const waits = [1, 2, 3, 4, 5, 6, 1_000].map(count => planBackoffMs(count, LIMITS, () => 0));
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  test.prop([fc.integer({ min: 1, max: 1e9 }), fc.double({ min: 0, max: 0.999, noNaN: true })])(
    "takes at most half away by chance",
    (failures, chance) => {
      const longest = planBackoffMs(failures, LIMITS, () => 0);
      const wait = planBackoffMs(failures, LIMITS, () => chance);
      expect(wait).toBeLessThanOrEqual(longest);
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
    },
  );
});
