import { describe, expect, it } from "vitest";
import { makeCease } from "../../../../lib/bgp/codec/notification";
import {
  Conversation,
  GRACEFUL_RESTART,
  outline,
  PEER_CAPABILITIES,
  PEER_OPEN,
  sentMessages,
  sentNotifications,
} from "./support/conversation";

describe("leaving", () => {
  const withGracefulRestart = (supportsNotification: boolean) =>
    new Conversation({ gracefulRestartSeconds: 120 }).toEstablished({
      ...PEER_OPEN,
      capabilities: [...PEER_CAPABILITIES, { ...GRACEFUL_RESTART, supportsNotification }],
    });

  it.each([
    ["drain", "6/9"],
    ["removed", "6/9"],
    ["restart", "6/4"],
    ["changed", "6/6"],
  ] as const)(
    "%s of a peer that keeps routes over a NOTIFICATION sends %s (RFC 8538)",
    (reason, code) => {
      const c = withGracefulRestart(true);
      expect(sentNotifications(c.handle({ type: "manualStop", reason }))).toEqual([code]);
    },
  );

  it("restarts in silence when the peer keeps routes only over a lost connection (RFC 4724)", () => {
    const actions = withGracefulRestart(false).handle({ type: "manualStop", reason: "restart" });
    expect(outline(actions)).toEqual(["close", "down", "Idle"]);
  });

  it("wraps the shutdown text in the hard reset", () => {
    const c = withGracefulRestart(true);
    const actions = c.handle({ type: "manualStop", reason: "drain", text: "node draining" });
    expect(actions[1]).toMatchObject({
      words: 'hard reset around cease: administrative shutdown (6/2), saying "node draining"',
    });
  });

  it("stays Idle after a manual stop", () => {
    const c = new Conversation().toEstablished();
    c.handle({ type: "manualStop", reason: "removed" });
    expect(c.session.nextDeadlineMs()).toBeUndefined();
    expect(c.session.connectRetryCounter).toBe(0);
  });

  it("sets the R bit until it was Established once (RFC 4724 §4.1)", () => {
    const c = new Conversation({ gracefulRestartSeconds: 30 }, true).toOpenSent();
    const isRestarting = () =>
      sentMessages(c.actions).flatMap(message =>
        message.type === "open"
          ? message.capabilities.flatMap(capability =>
              capability.type === "gracefulRestart" ? [capability.isRestarting] : [],
            )
          : [],
      );
    expect(isRestarting()).toEqual([true]);
    c.handle({ type: "connectionFailed", connection: c.connection, words: "lost" });
    c.expire();
    c.handle({ type: "connected", connection: c.connection });
    expect(isRestarting()).toEqual([true]);
    c.say(PEER_OPEN);
    c.say({ type: "keepalive" });
    c.say(makeCease(4));
    c.expire();
    c.handle({ type: "connected", connection: c.connection });
    expect(isRestarting()).toEqual([false]);
  });
});
