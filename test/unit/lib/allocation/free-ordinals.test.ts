import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { FreeOrdinals } from "../../../../lib/allocation/free-ordinals";

const step = fc.record({
  do: fc.constantFrom("takeLowest", "take", "release"),
  at: fc.integer({ min: 0, max: 19 }),
});

test.prop([fc.array(step, { maxLength: 200 })])("finds what a walk from 0 finds", steps => {
  const capacity = 16;
  const free = new FreeOrdinals(BigInt(capacity));
  const used = new Set<number>();
  const walk = (): number | undefined =>
    Array.from({ length: capacity }, (_, index) => index).find(index => !used.has(index));
  for (const { do: action, at } of steps) {
    const lowest = walk();
    expect(free.next()).toBe(lowest);
    const target = action === "takeLowest" ? lowest : at % capacity;
    if (target === undefined) continue;
    if (action === "release") {
      free.release(target);
      used.delete(target);
    } else {
      free.take(target);
      used.add(target);
    }
    expect(free.usedCount).toBe(used.size);
    expect(free.isUsed(target)).toBe(used.has(target));
  }
});

it("an empty space has no lowest", () => {
  expect(new FreeOrdinals(0n).next()).toBeUndefined();
});

it("does not grow when one number is taken and released again and again", () => {
  const free = new FreeOrdinals(100n);
  for (let ordinal = 0; ordinal < 50; ordinal += 1) free.take(ordinal);
  expect(free.next()).toBe(50);
  free.release(3);
  for (let count = 0; count < 10_000; count += 1) {
    free.release(7);
    free.take(7);
  }
  expect(free.next()).toBe(3);
  expect(
    JSON.stringify(free, (_, value: unknown) =>
      value instanceof Set ? [...(value as Set<number>)] : value,
    ).length,
  ).toBeLessThan(400);
});
