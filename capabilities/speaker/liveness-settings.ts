/** How soon others are taken for dead and addresses go back: from flags, and from MetalLB's memberlist file if there is one. */
import { LIVENESS_PROFILES, type LivenessProfile } from "../../lib/liveness/timers";
import { err, ok, type Result } from "../../lib/net/result";
import type { ConfigureCommand } from "../../node/packet-protocol";
import type { SpeakerOptions } from "./options";

/** The part of the packet thread's configuration that does not depend on the cluster. */
export type LivenessSettings = Pick<
  ConfigureCommand,
  "timers" | "failbackMs" | "restartHoldMs" | "isStandInAllowed"
>;

/** A flag that names a profile goes before the file, the file before the default. */
export function toLivenessSettings(
  options: Pick<
    SpeakerOptions,
    "livenessProfile" | "isWanProfile" | "failback" | "failbackMs" | "restartHoldMs" | "standIn"
  >,
  ofMemberlist: LivenessProfile | undefined,
): LivenessSettings & { readonly profile: LivenessProfile } {
  const named = options.livenessProfile === "default" ? undefined : options.livenessProfile;
  const profile = named ?? (options.isWanProfile ? "wan" : (ofMemberlist ?? "default"));
  const failbackMs = { delayed: options.failbackMs, immediate: 0, never: Infinity };
  return {
    profile,
    timers: LIVENESS_PROFILES[profile],
    failbackMs: failbackMs[options.failback],
    restartHoldMs: options.restartHoldMs,
    isStandInAllowed: options.standIn === "on",
  };
}

/**
 * The profile that comes nearest to MetalLB's memberlist settings (`config.json`): detection there takes about
 * `ProbeInterval × (1 + SuspicionMult)`. Its default of 5 s is no wish, and means `default`. The error is a sentence.
 */
export function parseMemberlistProfile(text: string): Result<LivenessProfile, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return err("it is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null) return err("it is not an object");
  const settings = parsed as Readonly<Record<string, unknown>>;
  const intervalMs = parseDurationMs(settings["ProbeInterval"]);
  const multiplier = settings["SuspicionMult"];
  if (intervalMs === undefined) return err("ProbeInterval is no duration such as 1s");
  if (typeof multiplier !== "number") return err("SuspicionMult is no number");
  return ok(nearestProfile(intervalMs * (1 + multiplier)));
}

function nearestProfile(detectionMs: number): LivenessProfile {
  if (detectionMs <= FAST_BELOW_MS) return "fast";
  if (detectionMs <= DEFAULT_BELOW_MS) return "default";
  return detectionMs < WAN_FROM_MS ? "relaxed" : "wan";
}

/** Half way, as ratios go, between the figures that people choose: 0.5 s, 5 s (LAN), 10 s, 35 s (WAN). */
const FAST_BELOW_MS = 600;
const DEFAULT_BELOW_MS = 6_000;
const WAN_FROM_MS = 20_000;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** A Go duration of one unit. */
function parseDurationMs(value: unknown): number | undefined {
  const match = typeof value === "string" ? /^([0-9.]+)(ms|s|m)$/.exec(value) : null;
  const amount = Number(match?.[1]);
  return match === null || Number.isNaN(amount)
    ? undefined
    : amount * (UNIT_MS[match[2] ?? ""] ?? 1);
}
