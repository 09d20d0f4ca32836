/** The three times of a BGPPeer (rules V-P8, V-P9, V-S8). */
import type { BgpPeerConfig } from "./configuration";
import { parseDuration, type DurationParseError } from "./duration";
import type { BGPPeerSpec } from "./generated/resources";
import { quote } from "./problem";
import type { Subject } from "./subject";

type PeerSubject = Subject<Partial<BGPPeerSpec>>;
type TimerField = "holdTime" | "keepaliveTime" | "connectTime";

export type PeerTimers = Pick<BgpPeerConfig, "holdTimeMs" | "keepaliveTimeMs" | "connectTimeMs">;

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
/** The hold time has 16 bits, in seconds (RFC 4271 §4.2). */
const MAX_SECONDS = 65_535n;
const MIN_HOLD_SECONDS = 3n;

/** Reads the timers; what is missing is left to the session's defaults. */
export function readPeerTimers(subject: PeerSubject): PeerTimers {
  const hold = readDuration(subject, "holdTime", "V-P8");
  const keepalive = readDuration(subject, "keepaliveTime", "V-P9");
  const connect = readDuration(subject, "connectTime", "V-S8");
  checkHold(subject, hold, keepalive);
  checkKeepalive(subject, hold, keepalive);
  if (connect !== undefined) checkConnect(subject, connect);
  const effectiveHold = hold ?? (keepalive === undefined ? undefined : keepalive * 3n);
  return {
    ...(effectiveHold === undefined ? {} : { holdTimeMs: toHoldTimeMs(effectiveHold) }),
    ...(keepalive === undefined ? {} : { keepaliveTimeMs: toMs(keepalive) }),
    ...(connect === undefined ? {} : { connectTimeMs: toMs(connect) }),
  };
}

function readDuration(subject: PeerSubject, field: TimerField, rule: string): bigint | undefined {
  const text = subject.spec[field];
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration.ok) return duration.value;
  const { reason, wayOut } = DURATION_TEXTS[duration.error.code];
  subject.refuse({ rule, field: `spec.${field}`, value: text, reason, wayOut });
  return undefined;
}

const DURATION_TEXTS: Readonly<
  Record<DurationParseError["code"], { readonly reason: string; readonly wayOut: string }>
> = {
  unit: { reason: "has no unit", wayOut: "Write for example 90s or 1m30s." },
  syntax: { reason: "is no duration", wayOut: "Write for example 90s or 1m30s." },
  range: { reason: "is longer than any timer can be", wayOut: "Write at most 65535s." },
};

/** With a keepalive alone the hold time is three times as long, and has to be legal itself. */
function checkHold(
  subject: PeerSubject,
  hold: bigint | undefined,
  keepalive: bigint | undefined,
): void {
  if (hold !== undefined) {
    judgeHold(subject, hold, { field: "holdTime", beginning: "is" });
  } else if (keepalive !== undefined) {
    const beginning = "makes the hold time, three times as long,";
    judgeHold(subject, keepalive * 3n, { field: "keepaliveTime", beginning });
  }
}

function judgeHold(
  subject: PeerSubject,
  nanoseconds: bigint,
  { field, beginning }: { readonly field: TimerField; readonly beginning: string },
): void {
  const finding = {
    rule: "V-P8",
    field: `spec.${field}`,
    value: subject.spec[field] ?? "",
    wayOut: "Use 0s for a session without keepalives, or 3s to 65535s.",
  };
  const seconds = nanoseconds / SECOND;
  if (seconds !== 0n && seconds < MIN_HOLD_SECONDS) {
    subject.refuse({ ...finding, reason: `${beginning} below the 3 seconds that BGP demands` });
  } else if (seconds === 0n && nanoseconds !== 0n) {
    subject.refuseNew({ ...finding, reason: `${beginning} too short and would count as 0` });
  } else if (seconds > MAX_SECONDS) {
    subject.refuseNew({ ...finding, reason: `${beginning} longer than BGP can express` });
  }
}

function checkKeepalive(
  subject: PeerSubject,
  hold: bigint | undefined,
  keepalive: bigint | undefined,
): void {
  if (keepalive === undefined || hold === undefined) return;
  const finding = {
    rule: "V-P9",
    field: "spec.keepaliveTime",
    value: subject.spec.keepaliveTime ?? "",
  };
  if (keepalive > hold) {
    subject.refuse({
      ...finding,
      reason: `is longer than the hold time ${quote(subject.spec.holdTime ?? "")}`,
      wayOut: "Use at most the hold time; a third of it is usual.",
    });
  } else if (keepalive < 0n) {
    subject.refuseNew({ ...finding, reason: "is negative", wayOut: "Use 0s or more." });
  }
}

function checkConnect(subject: PeerSubject, connect: bigint): void {
  const isWhole = connect % SECOND === 0n;
  if (isWhole && connect >= SECOND && connect <= MAX_SECONDS * SECOND) return;
  subject.refuse({
    rule: "V-S8",
    field: "spec.connectTime",
    value: subject.spec.connectTime ?? "",
    reason: isWhole ? "is not between 1s and 65535s" : "is no whole number of seconds",
    wayOut: "Write whole seconds from 1s to 65535s.",
  });
}

/** Cut to what BGP can express: whole seconds, at most 65535. */
function toHoldTimeMs(nanoseconds: bigint): number {
  const seconds = nanoseconds / SECOND;
  const legal = seconds < 0n ? 0n : seconds > MAX_SECONDS ? MAX_SECONDS : seconds;
  return Number(legal) * 1000;
}

function toMs(nanoseconds: bigint): number {
  return nanoseconds < 0n ? 0 : Number(nanoseconds / MILLISECOND);
}
