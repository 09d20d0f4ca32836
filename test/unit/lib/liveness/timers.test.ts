import { expect, it } from "vitest";
import { LIVENESS_PROFILES, stretchInterval } from "../../../../lib/liveness/timers";

it("sends no more than 1600 heartbeats a second, however many speakers there are", () => {
  const profile = LIVENESS_PROFILES.default;
  expect([1, 128, 256].map(speakers => stretchInterval(profile, speakers))).toEqual([80, 80, 160]);
});

it("detects within 0.3, 0.48, 1.5 and 4.2 s", () => {
  const detections = Object.entries(LIVENESS_PROFILES).map(([name, timers]) => [
    name,
    timers.intervalMs * timers.multiplier,
  ]);
  expect(Object.fromEntries(detections)).toEqual({
    fast: 300,
    default: 480,
    relaxed: 1500,
    wan: 4200,
  });
});
