import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { Backoff, causeOfNotification, type FailureCause } from "../../../../lib/bgp/backoff";
import { makeCease, makeNotification } from "../../../../lib/bgp/codec/notification";
import type { BgpMessage } from "../../../../lib/bgp/codec/message";
import { Conversation, PEER_OPEN } from "./support/conversation";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Waits one after the other, without jitter. */
function waits(cause: FailureCause, count: number, backoff = new Backoff(() => 0)): number[] {
  return Array.from({ length: count }, () => backoff.nextWaitMs(cause));
}

describe("Backoff", () => {
  it.each<[FailureCause, readonly number[]]>([
    ["transport", [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ["refused", [5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]],
    ["administrative", [10_000, 20_000, 40_000, 80_000, 120_000]],
    ["protocol", [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 120_000]],
    ["bfd", [1_000, 2_000, 4_000, 8_000, 16_000, 30_000]],
    ["collision", [500, 500, 500, 1_000, 2_000, 4_000]],
    ["lostWhenStable", [200, 200]],
  ])("grows for %s", (cause, expected) => {
    expect(waits(cause, expected.length)).toEqual(expected);
  });

  test.prop([fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })])(
    "lengthens by at most a quarter and never shortens",
    random => {
      const jittered = waits("transport", 7, new Backoff(() => random));
      const plain = waits("transport", 7);
      for (const [index, waitMs] of jittered.entries()) {
        expect(waitMs).toBeGreaterThanOrEqual(plain[index]!);
        expect(waitMs).toBeLessThanOrEqual(plain[index]! * 1.25 + 1);
      }
    },
  );

  it("waits exactly the connect time for TCP, at least that long when refused", () => {
    expect(waits("transport", 3, new Backoff(() => 0.5, 7))).toEqual([7_000, 7_000, 7_000]);
    expect(waits("refused", 3, new Backoff(() => 0, 7))).toEqual([7_000, 10_000, 20_000]);
  });

  it("starts anew after a reset", () => {
    const backoff = new Backoff(() => 0);
    waits("refused", 5, backoff);
    backoff.reset();
    expect(waits("refused", 1, backoff)).toEqual([5_000]);
  });

  it.each([
    [2, 2, "refused"],
    [4, 0, "transport"],
    [8, 0, "transport"],
    [6, 2, "administrative"],
    [6, 3, "administrative"],
    [6, 5, "administrative"],
    [6, 7, "collision"],
    [6, 10, "bfd"],
    [6, 4, "protocol"],
    [3, 1, "protocol"],
    [99, 99, "protocol"],
  ] as const)("knows the cause of %i/%i", (code, subcode, cause) => {
    expect(causeOfNotification(code, subcode)).toBe(cause);
  });
});

/** How often a session connects within the time when the peer always behaves like this once TCP is up (or refuses it). */
function countAttempts(forMs: number, behave: (conversation: Conversation) => void): number {
  const c = new Conversation();
  const endMs = c.nowMs + forMs;
  let attempts = 0;
  let connection = 0;
  c.handle({ type: "manualStart" });
  for (;;) {
    if (c.session.state === "Connect" && c.connection !== connection) {
      connection = c.connection;
      attempts += 1;
      behave(c);
    }
    const deadlineMs = c.session.nextDeadlineMs();
    if (deadlineMs === undefined || deadlineMs >= endMs) return attempts;
    c.expire();
  }
}

const refuseTcp = (c: Conversation): void => {
  c.handle({ type: "connectionFailed", connection: c.connection, words: "refused" });
};
const answer =
  (...messages: BgpMessage[]) =>
  (c: Conversation): void => {
    c.handle({ type: "connected", connection: c.connection });
    for (const message of messages) c.say(message);
  };
const hangUp = (c: Conversation): void => {
  answer()(c);
  c.handle({ type: "connectionFailed", connection: c.connection, words: "closed" });
};
const establishAndHangUp = (c: Conversation): void => {
  answer(PEER_OPEN, { type: "keepalive" })(c);
  c.handle({ type: "connectionFailed", connection: c.connection, words: "closed" });
};

describe("another connectTime", () => {
  it("counts from the next wait on, and without one the waits grow from the first again", () => {
    const backoff = new Backoff(() => 0, 7);
    expect(backoff.nextWaitMs("transport")).toBe(7_000);
    backoff.setConnectRetry(3);
    expect(backoff.nextWaitMs("transport")).toBe(3_000);
    backoff.setConnectRetry(undefined);
    expect(backoff.nextWaitMs("transport")).toBe(1_000);
    expect(backoff.nextWaitMs("transport")).toBe(2_000);
  });

  it("touches no session that is up, and is what it waits once it is lost", () => {
    const c = new Conversation().toEstablished();
    c.session.setConnectRetry(4);
    expect(c.session.state).toBe("Established");
    c.handle({ type: "connectionFailed", connection: c.connection, words: "lost" });
    expect(c.session.nextDeadlineMs()! - c.nowMs).toBe(4_000);
  });
});

describe("attempts against a peer that misbehaves", () => {
  it.each([
    ["refuses TCP", refuseTcp],
    ["hangs up before OPEN", hangUp],
    ["hangs up when Established", establishAndHangUp],
    ["refuses the OPEN", answer(makeNotification(2, 2))],
    ["wants no capability", answer(makeNotification(2, 7))],
    ["has another AS", answer({ ...PEER_OPEN, myAs: 64_999, capabilities: [] })],
    ["is shut down", answer(makeCease(2))],
    ["rejects the connection", answer(makeCease(5))],
    ["resets each time", answer(makeCease(4))],
    ["claims a collision each time", answer(makeCease(7))],
    ["sends a hard reset each time", answer(makeCease(9))],
    ["sends KEEPALIVE for OPEN", answer({ type: "keepalive" })],
    ["sends a second OPEN", answer(PEER_OPEN, { type: "keepalive" }, PEER_OPEN)],
    ["says nothing", answer()],
  ] as const)("that %s: at most 10 in the first minute", (_name, behave) => {
    const attempts = countAttempts(MINUTE_MS, behave);
    expect(attempts).toBeGreaterThanOrEqual(1);
    expect(attempts).toBeLessThanOrEqual(10);
  });

  it.each([
    ["refuses the OPEN", answer(makeNotification(2, 2))],
    ["is shut down", answer(makeCease(2))],
    ["resets each time before Established", answer(makeCease(4))],
    ["has another AS", answer({ ...PEER_OPEN, myAs: 64_999, capabilities: [] })],
    ["sends a second OPEN", answer(PEER_OPEN, { type: "keepalive" }, PEER_OPEN)],
  ] as const)("that %s: at most 40 in the first hour", (_name, behave) => {
    expect(countAttempts(HOUR_MS, behave)).toBeLessThanOrEqual(40);
  });

  it("at most one each 30 s once TCP was refused for a while", () => {
    const early = countAttempts(10 * MINUTE_MS, refuseTcp);
    const late = countAttempts(20 * MINUTE_MS, refuseTcp);
    expect(late - early).toBeLessThanOrEqual(20);
  });

  it("comes back within a second when a stable session is lost, and not before 60 s of stability", () => {
    const stable = new Conversation().toEstablished();
    stable.nowMs += 60_000;
    stable.say({ type: "keepalive" });
    stable.handle({ type: "connectionFailed", connection: stable.connection, words: "lost" });
    expect(stable.session.nextDeadlineMs()! - stable.nowMs).toBe(200);
    const young = new Conversation().toEstablished();
    young.nowMs += 59_000;
    young.say({ type: "keepalive" });
    young.handle({ type: "connectionFailed", connection: young.connection, words: "lost" });
    expect(young.session.nextDeadlineMs()! - young.nowMs).toBe(2_000);
  });

  it("starts at once when BFD is up again, and only if BFD was the reason (RFC 5882)", () => {
    const c = new Conversation().toEstablished();
    c.handle({ type: "bfdDown" });
    expect(c.session.state).toBe("Idle");
    c.handle({ type: "bfdUp" });
    expect(c.session.state).toBe("Connect");
    const other = new Conversation().toEstablished();
    other.say(makeCease(2));
    other.handle({ type: "bfdUp" });
    expect(other.session.state).toBe("Idle");
  });
});
