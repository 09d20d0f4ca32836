import { expect, it } from "vitest";
import { Failback } from "../../../../lib/liveness/failback";

it("waits as long as asked after the first loss, twice as long after each further one, five minutes at most", () => {
  const failback = new Failback();
  const delays = Array.from({ length: 8 }, () => {
    failback.noteLoss(0);
    return failback.delayMs(10_000, 1) / 1_000;
  });
  expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
});

it("forgives after ten minutes", () => {
  const failback = new Failback();
  failback.noteLoss(0);
  failback.noteLoss(0);
  expect(failback.delayMs(10_000, 599_999)).toBe(20_000);
  expect(failback.delayMs(10_000, 600_000)).toBe(10_000);
});

it("leaves at once, never, and more than five minutes as they were asked for", () => {
  const failback = new Failback();
  for (let loss = 0; loss < 3; loss += 1) failback.noteLoss(0);
  expect([0, 400_000, Infinity].map(ms => failback.delayMs(ms, 1))).toEqual([0, 400_000, Infinity]);
});
