/** Durations as Go writes them, the form of every time in the resources: `90s`, `1m30s`, `1.5h`, `0`. */
import { err, ok, type Result } from "../net/result";

export interface DurationParseError {
  /** `unit`: numbers without a unit, which people write most; `syntax`: anything else. */
  readonly code: "unit" | "syntax" | "range";
}

/**
 * Parses a duration into whole nanoseconds: an optional sign, then decimal numbers each with a unit of `ns us µs ms s m h`.
 * A bare `0` needs no unit. Errors: also `range`, beyond the 64 bits of Go's type (about 292 years).
 */
export function parseDuration(text: string): Result<bigint, DurationParseError> {
  if (text.length > MAX_LENGTH) return err({ code: "syntax" });
  const isNegative = text.startsWith("-");
  const unsigned = text.replace(/^[-+]/, "");
  if (unsigned === "0") return ok(0n);
  if (!WHOLE.test(unsigned)) return err({ code: NUMBER.test(unsigned) ? "unit" : "syntax" });
  const nanoseconds = sumParts(unsigned);
  if (nanoseconds > MAX_NANOSECONDS) return err({ code: "range" });
  return ok(isNegative ? -nanoseconds : nanoseconds);
}

const MAX_LENGTH = 128;
const MAX_NANOSECONDS = 2n ** 63n - 1n;
const UNIT_NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const NUMBER_AND_UNIT = "([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)";
const PART = new RegExp(NUMBER_AND_UNIT, "gu");
const NUMBER = /^([0-9]+\.?[0-9]*|\.[0-9]+)$/;
const WHOLE = new RegExp(`^(${NUMBER_AND_UNIT})+$`, "u");

function sumParts(text: string): bigint {
  let nanoseconds = 0n;
  for (const [, number = "", unit = ""] of text.matchAll(PART)) {
    nanoseconds += scale(number, UNIT_NANOSECONDS[unit] ?? 0n);
  }
  return nanoseconds;
}

/** A decimal number of a unit, cut to whole nanoseconds. */
function scale(number: string, unitNanoseconds: bigint): bigint {
  const [whole = "", fraction = ""] = number.split(".");
  const digits = fraction.slice(0, 18);
  const parts = BigInt(digits === "" ? "0" : digits) * unitNanoseconds;
  return (
    BigInt(whole === "" ? "0" : whole) * unitNanoseconds + parts / 10n ** BigInt(digits.length)
  );
}
