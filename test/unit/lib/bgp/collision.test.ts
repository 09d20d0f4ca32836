import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { resolveCollision } from "../../../../lib/bgp/collision";
import {
  Conversation,
  GRACEFUL_RESTART,
  outline,
  PEER_CAPABILITIES,
  PEER_OPEN,
  sentNotifications,
} from "./support/conversation";
import { u32 } from "./support/arbitraries";

describe("resolveCollision (RFC 4271 §6.8, RFC 6286 §2.3)", () => {
  const side = fc.record({ bgpIdentifier: u32, as: fc.integer({ min: 1, max: 5 }) });

  test.prop([side, side])("gives both sides the same answer", (one, other) => {
    fc.pre(one.bgpIdentifier !== other.bgpIdentifier || one.as !== other.as);
    expect(resolveCollision(one, other)).not.toBe(resolveCollision(other, one));
  });

  it("compares identifiers as unsigned numbers, then AS numbers", () => {
    const high = { bgpIdentifier: 0xc000_0001, as: 1 };
    const low = { bgpIdentifier: 0x0a00_0001, as: 9 };
    expect(resolveCollision(high, low)).toBe("local");
    expect(resolveCollision({ ...low, as: 2 }, { ...low, as: 1 })).toBe("local");
  });
});

describe("two connections with one peer", () => {
  /** Our identifier is 10.0.0.1; the peer's is lower or higher. */
  const LOWER = { ...PEER_OPEN, bgpIdentifier: 0x0900_0001 };
  const HIGHER = PEER_OPEN;

  it("keeps ours when our identifier is higher, whichever OPEN comes first", () => {
    const c = new Conversation().toOpenSent();
    const theirs = c.accept();
    expect(outline(c.actions)).toEqual(["send open"]);
    const actions = c.say(LOWER, theirs);
    expect(outline(actions)).toEqual(["send notification", "sent 6/7", "close"]);
    expect(c.session.state).toBe("OpenSent");
    c.say(LOWER);
    c.say({ type: "keepalive" });
    expect(c.session.state).toBe("Established");
  });

  it("keeps the peer's when its identifier is higher, from OpenSent and from OpenConfirm", () => {
    for (const reach of ["toOpenSent", "toOpenConfirm"] as const) {
      const c = new Conversation()[reach]();
      const theirs = c.accept();
      const actions = c.say(HIGHER, theirs);
      expect(sentNotifications(actions)).toEqual(["6/7"]);
      expect(c.session.state).toBe("OpenConfirm");
      c.say({ type: "keepalive" }, theirs);
      expect(c.session.state).toBe("Established");
    }
  });

  it("takes an accepted connection while its own is under way, and settles it when both are up", () => {
    const c = new Conversation().toConnect();
    const theirs = c.accept();
    expect(c.session.state).toBe("OpenSent");
    c.handle({ type: "connected", connection: c.connection });
    const actions = c.say(HIGHER, c.connection);
    expect(sentNotifications(actions)).toEqual(["6/7"]);
    c.say(HIGHER, theirs);
    c.say({ type: "keepalive" }, theirs);
    expect(c.session.state).toBe("Established");
  });

  it("goes on with the second when the first is lost", () => {
    const c = new Conversation().toOpenConfirm();
    const theirs = c.accept();
    c.handle({ type: "connectionFailed", connection: c.connection, words: "reset" });
    expect(c.session.state).toBe("OpenSent");
    c.say(PEER_OPEN, theirs);
    c.say({ type: "keepalive" }, theirs);
    expect(c.session.state).toBe("Established");
  });

  it("rejects a new connection while Established", () => {
    const c = new Conversation().toEstablished();
    const theirs = c.accept();
    expect(sentNotifications(c.say(HIGHER, theirs))).toEqual(["6/7"]);
    expect(c.session.state).toBe("Established");
  });

  it("lets a restarted peer take over when graceful restart was negotiated (RFC 4724 §5)", () => {
    const open = { ...PEER_OPEN, capabilities: [...PEER_CAPABILITIES, GRACEFUL_RESTART] };
    const c = new Conversation({ gracefulRestartSeconds: 30 }).toEstablished(open);
    const theirs = c.accept();
    const actions = c.say(open, theirs);
    expect(sentNotifications(actions)).toEqual([]);
    expect(outline(actions)).toEqual([
      "down",
      "close",
      "OpenSent",
      "send keepalive",
      "OpenConfirm",
    ]);
    c.say({ type: "keepalive" }, theirs);
    expect(c.session.state).toBe("Established");
  });

  it("dumps the second connection when the first becomes Established", () => {
    const c = new Conversation().toOpenConfirm();
    c.accept();
    const actions = c.say({ type: "keepalive" });
    expect(sentNotifications(actions)).toEqual(["6/7"]);
    expect(c.session.state).toBe("Established");
  });

  it("harms only the second connection by what comes on it", () => {
    for (const message of [
      { type: "keepalive" } as const,
      { ...PEER_OPEN, capabilities: [], myAs: 64_999 },
      { type: "notification", code: 6, subcode: 2, data: new Uint8Array() } as const,
    ]) {
      const c = new Conversation().toOpenConfirm();
      const theirs = c.accept();
      expect(outline(c.say(message, theirs))).toContain("close");
      expect(c.session.state).toBe("OpenConfirm");
    }
  });

  it("waits 240 s for the OPEN on the second connection", () => {
    const c = new Conversation().toEstablished({ ...PEER_OPEN, holdTimeSeconds: 0 });
    c.accept();
    c.nowMs += 240_000;
    c.handle({ type: "sendProgress", connection: c.connection, unsentOctets: 0 });
    expect(sentNotifications(c.handle({ type: "timeout" }))).toEqual(["4/0"]);
    expect(c.session.state).toBe("Established");
  });

  it("tracks no third connection", () => {
    const c = new Conversation().toOpenSent();
    c.accept();
    c.accept();
    expect(outline(c.actions)).toEqual(["close"]);
  });
});
