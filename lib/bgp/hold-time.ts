/** Hold and keepalive time from what a BGPPeer gives of them. */
import { err, ok, type Result } from "../net/result";

export interface HoldTimes {
  /** 0, or 3 … 65535. */
  readonly holdTimeSeconds: number;
  /** 0 … `holdTimeSeconds`; 0 sends no keepalives. */
  readonly keepaliveSeconds: number;
}

export type HoldTimeError =
  | "hold-time-below-3-seconds"
  | "hold-time-too-large"
  | "keepalive-above-hold-time"
  | "keepalive-without-hold-time";

const DEFAULT_HOLD_TIME_SECONDS = 90;
const MIN_HOLD_TIME_SECONDS = 3;
const MAX_HOLD_TIME_SECONDS = 65_535;

/**
 * Fills in what is not given: 90 s and a third of it; a hold time of three keepalives when only those are given. Fractions of
 * seconds are cut. A hold time of 1 or 2 s is not legal (RFC 4271 §4.2).
 */
export function resolveHoldTimes(given: {
  readonly holdTimeSeconds?: number;
  readonly keepaliveSeconds?: number;
}): Result<HoldTimes, HoldTimeError> {
  const keepalive = cut(given.keepaliveSeconds);
  const hold = cut(given.holdTimeSeconds) ?? defaultHoldTime(keepalive);
  if (hold !== 0 && hold < MIN_HOLD_TIME_SECONDS) return err("hold-time-below-3-seconds");
  if (hold > MAX_HOLD_TIME_SECONDS) return err("hold-time-too-large");
  const keepaliveSeconds = keepalive ?? Math.floor(hold / 3);
  if (hold === 0 && keepaliveSeconds > 0) return err("keepalive-without-hold-time");
  if (keepaliveSeconds > hold) return err("keepalive-above-hold-time");
  return ok({ holdTimeSeconds: hold, keepaliveSeconds });
}

function defaultHoldTime(keepaliveSeconds: number | undefined): number {
  return keepaliveSeconds === undefined ? DEFAULT_HOLD_TIME_SECONDS : 3 * keepaliveSeconds;
}

function cut(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.trunc(seconds);
}
