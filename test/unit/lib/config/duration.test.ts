import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseDuration } from "../../../../lib/config/duration";
import { ok } from "../../../../lib/net/result";

describe("parseDuration", () => {
  it.each([
    ["0", 0n],
    ["90s", 90_000_000_000n],
    ["1m30s", 90_000_000_000n],
    ["1.5h", 5_400_000_000_000n],
    [".5s", 500_000_000n],
    ["1.s", 1_000_000_000n],
    ["-5s", -5_000_000_000n],
    ["+5s", 5_000_000_000n],
    ["1us1µs1μs1ns", 3_001n],
    ["100ms", 100_000_000n],
    ["0.1ns", 0n],
  ])("reads %s as Go does", (text, nanoseconds) => {
    expect(parseDuration(text)).toEqual(ok(nanoseconds));
  });

  it.each([
    ["90", "unit"],
    ["1.5", "unit"],
    ["", "syntax"],
    ["-", "syntax"],
    ["s", "syntax"],
    ["1 s", "syntax"],
    ["1d", "syntax"],
    [".s", "syntax"],
    ["--1s", "syntax"],
    ["1m30", "syntax"],
    ["9999999h", "range"],
    ["1".repeat(1000) + "s", "syntax"],
  ])("refuses %s: %s", (text, code) => {
    expect(parseDuration(text)).toEqual({ ok: false, error: { code } });
  });
});

test.prop([fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 999 })])(
  "adds up its parts",
  (seconds, milliseconds) => {
    expect(parseDuration(`${seconds}s${milliseconds}ms`)).toEqual(
      ok(BigInt(seconds) * 1_000_000_000n + BigInt(milliseconds) * 1_000_000n),
    );
  },
);

test.prop([fc.string({ unit: "binary", maxLength: 300 })])("never throws", text => {
  expect(typeof parseDuration(text).ok).toBe("boolean");
});
