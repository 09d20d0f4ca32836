import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { IntervalNegotiation } from "../../../../lib/bfd/interval-negotiation";
import { SLOW_INTERVAL_US } from "../../../../lib/bfd/limits";

function intervals(tx: number, rx: number) {
  return { desiredMinTxUs: tx * 1_000, requiredMinRxUs: rx * 1_000 };
}

/** Up at 300 ms both ways, with the poll of coming Up behind it. */
function settled(): IntervalNegotiation {
  const negotiation = new IntervalNegotiation(intervals(300, 300));
  negotiation.setUp(true);
  negotiation.finish();
  return negotiation;
}

it("asks for no less than a second until it is Up (RFC 5880 §6.8.3)", () => {
  const negotiation = new IntervalNegotiation(intervals(50, 50));
  expect(negotiation.advertised).toEqual(intervals(1_000, 50));
  expect(negotiation.kept).toEqual(intervals(1_000, 50));
  expect(new IntervalNegotiation(intervals(2_000, 50)).kept).toEqual(intervals(2_000, 50));
});

it("polls when it comes Up with other values than the slow ones, and speeds up at once", () => {
  const negotiation = new IntervalNegotiation(intervals(50, 50));
  negotiation.setUp(true);
  expect(negotiation.isPolling).toBe(true);
  expect(negotiation.kept).toEqual(intervals(50, 50));
});

it("has nothing to poll about when it is as slow Up as before", () => {
  const negotiation = new IntervalNegotiation(intervals(1_000, 50));
  negotiation.setUp(true);
  expect(negotiation.isPolling).toBe(false);
});

it("goes on sending at the old pace until the peer knows of a slower one", () => {
  const negotiation = settled();
  negotiation.configure(intervals(500, 300));
  expect(negotiation.advertised).toEqual(intervals(500, 300));
  expect(negotiation.kept).toEqual(intervals(300, 300));
  expect(negotiation.finish()).toBe(true);
  expect(negotiation.kept).toEqual(intervals(500, 300));
});

it("goes on waiting as long as before until the peer knows that it shall speed up", () => {
  const negotiation = settled();
  negotiation.configure(intervals(300, 100));
  expect(negotiation.kept).toEqual(intervals(300, 300));
  negotiation.finish();
  expect(negotiation.kept).toEqual(intervals(300, 100));
});

it("is patient at once when it bears less", () => {
  const negotiation = settled();
  negotiation.configure(intervals(300, 900));
  expect(negotiation.kept).toEqual(intervals(300, 900));
  expect(negotiation.isPolling).toBe(true);
});

it("runs one Poll Sequence at a time: a change in its course takes another (§6.5)", () => {
  const negotiation = settled();
  negotiation.configure(intervals(500, 300));
  negotiation.configure(intervals(800, 300));
  expect(negotiation.finish()).toBe(false);
  expect(negotiation.isPolling).toBe(true);
  expect(negotiation.kept).toEqual(intervals(300, 300));
  expect(negotiation.finish()).toBe(true);
  expect(negotiation.kept).toEqual(intervals(800, 300));
});

it("ends a Poll Sequence when it goes from Up", () => {
  const negotiation = settled();
  negotiation.configure(intervals(500, 300));
  negotiation.setUp(false);
  expect(negotiation.isPolling).toBe(false);
  expect(negotiation.kept).toEqual({
    desiredMinTxUs: SLOW_INTERVAL_US,
    requiredMinRxUs: 300_000,
  });
  expect(negotiation.finish()).toBe(false);
});

const anyStep = fc.oneof(
  fc.record({ type: fc.constant("configure" as const), tx: fc.nat(60_000), rx: fc.nat(60_000) }),
  fc.record({ type: fc.constant("up" as const), isUp: fc.boolean() }),
  fc.record({ type: fc.constant("final" as const) }),
);

test.prop([fc.array(anyStep, { maxLength: 30 })])(
  "never sends slower, nor waits shorter, than the peer was told and has confirmed",
  steps => {
    const negotiation = new IntervalNegotiation(intervals(300, 300));
    for (const step of steps) {
      const { kept: before } = negotiation;
      if (step.type === "configure") negotiation.configure(intervals(step.tx, step.rx));
      else if (step.type === "up") negotiation.setUp(step.isUp);
      else negotiation.finish();
      const { advertised, kept, isPolling } = negotiation;
      expect(kept.desiredMinTxUs).toBeLessThanOrEqual(advertised.desiredMinTxUs);
      expect(kept.requiredMinRxUs).toBeGreaterThanOrEqual(advertised.requiredMinRxUs);
      if (!isPolling) expect(kept).toEqual(advertised);
      else if (step.type !== "final") {
        expect(kept.desiredMinTxUs).toBeLessThanOrEqual(before.desiredMinTxUs);
        expect(kept.requiredMinRxUs).toBeGreaterThanOrEqual(before.requiredMinRxUs);
      }
    }
  },
);
