import { expect, it } from "vitest";
import { SegmentProof } from "../../../../lib/liveness/segment-proof";

it("an interface is proven for twice the detection time, and asked for after three intervals of silence", () => {
  const proof = new SegmentProof({ intervalMs: 80, multiplier: 6 });
  expect(proof.isProven(0)).toBe(false);
  expect(proof.takeAsk(0)).toBe(true);
  expect(proof.takeAsk(79)).toBe(false);
  expect(proof.nextDeadlineMs(1)).toBe(80);
  proof.note(10);
  expect(proof.isProven(969)).toBe(true);
  expect(proof.isProven(970)).toBe(false);
  expect(proof.takeAsk(249)).toBe(false);
  expect(proof.nextDeadlineMs(249)).toBe(250);
  expect(proof.takeAsk(250)).toBe(true);
});
