import { describe, expect, it } from "vitest";
import {
  parseMemberlistProfile,
  toLivenessSettings,
} from "../../../../capabilities/speaker/liveness-settings";
import { err, ok } from "../../../../lib/net/result";

const DEFAULTS = {
  livenessProfile: "default",
  isWanProfile: false,
  failback: "delayed",
  failbackMs: 10_000,
  restartHoldMs: 10_000,
  standIn: "on",
} as const;

describe("the settings of liveness", () => {
  it("are the default profile, ten seconds of failback and of patience with restarts", () => {
    expect(toLivenessSettings(DEFAULTS, undefined)).toEqual({
      profile: "default",
      timers: { intervalMs: 80, multiplier: 6 },
      failbackMs: 10_000,
      restartHoldMs: 10_000,
      isStandInAllowed: true,
    });
  });

  it("name a profile by flag, by MetalLB's flag or by its file, in that order", () => {
    const profile = (changes: object, file?: "relaxed"): string =>
      toLivenessSettings({ ...DEFAULTS, ...changes }, file).profile;
    expect(profile({ livenessProfile: "fast", isWanProfile: true }, "relaxed")).toBe("fast");
    expect(profile({ isWanProfile: true }, "relaxed")).toBe("wan");
    expect(profile({}, "relaxed")).toBe("relaxed");
  });

  it("say when an address goes back: at once, later, never", () => {
    const failbackMs = (failback: "delayed" | "immediate" | "never"): number | undefined =>
      toLivenessSettings({ ...DEFAULTS, failback, failbackMs: 700 }, undefined).failbackMs;
    expect([failbackMs("immediate"), failbackMs("delayed"), failbackMs("never")]).toEqual([
      0,
      700,
      Infinity,
    ]);
  });
});

describe("MetalLB's memberlist file", () => {
  const file = (ProbeInterval: string, SuspicionMult: number): string =>
    JSON.stringify({ ProbeInterval, SuspicionMult, GossipNodes: 3 });

  it.each([
    ["100ms", 4, "fast"],
    ["1s", 4, "default"],
    ["2s", 4, "relaxed"],
    ["5s", 6, "wan"],
  ] as const)("with %s × %i is nearest to %s", (interval, multiplier, profile) => {
    expect(parseMemberlistProfile(file(interval, multiplier))).toEqual(ok(profile));
  });

  it.each([
    ["no JSON", "{", "it is not JSON"],
    ["a list", "3", "it is not an object"],
    ["a bare number", file("5", 4), "ProbeInterval is no duration such as 1s"],
    ["no factor", '{"ProbeInterval":"1s"}', "SuspicionMult is no number"],
  ])("that is %s is refused with a sentence", (_name, text, problem) => {
    expect(parseMemberlistProfile(text)).toEqual(err(problem));
  });
});
