import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { Dispute, keepsAgainst } from "../../../../lib/liveness/dispute";

it("is one from the fourth claim within ten seconds on", () => {
  const dispute = new Dispute();
  expect([0, 1, 2, 10_000].map(nowMs => dispute.noteClaim(nowMs))).toEqual([
    false,
    false,
    false,
    true,
  ]);
  expect(dispute.noteClaim(10_001)).toBe(false);
});

it("begins anew with an address that was taken again", () => {
  const dispute = new Dispute();
  for (const nowMs of [0, 1, 2]) dispute.noteClaim(nowMs);
  dispute.forgetClaims();
  expect(dispute.noteClaim(3)).toBe(false);
});

it("is answered every 20 ms at most", () => {
  const dispute = new Dispute();
  const isAnswered = [0, 19, 20, 39, 40].map(nowMs => dispute.takeCounter(nowMs));
  expect(isAnswered).toEqual([true, false, true, false, true]);
});

it("is decided by rank first", () => {
  const claim = { address: "192.0.2.10", candidates: ["b", "a"], isDisputed: false };
  expect(keepsAgainst({ ...claim, peerName: "b" }, "a")).toBe(false);
  expect(keepsAgainst({ ...claim, peerName: "a" }, "b")).toBe(true);
});

const view = fc.shuffledSubarray(["a", "b", "c"]);

test.prop([view, view, fc.ipV4()])(
  "is won by exactly one of two, whatever their views of the ranking",
  (ours, theirs, address) => {
    const a = keepsAgainst({ address, candidates: ours, peerName: "b", isDisputed: true }, "a");
    const b = keepsAgainst({ address, candidates: theirs, peerName: "a", isDisputed: true }, "b");
    expect(a).toBe(!b);
  },
);
