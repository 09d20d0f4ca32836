import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../../lib/bgp/codec/message";
import { makeCease, makeNotification } from "../../../../lib/bgp/codec/notification";
import { makeEndOfRib } from "../../../../lib/bgp/codec/update";
import type { SessionAction, SessionState } from "../../../../lib/bgp/session-events";
import {
  Conversation,
  outline,
  PEER_CAPABILITIES,
  PEER_OPEN,
  sentNotifications,
} from "./support/conversation";
import { fromHex, toHex } from "./support/golden";

const REACH: Readonly<Record<SessionState, (conversation: Conversation) => Conversation>> = {
  Idle: conversation => conversation,
  Connect: conversation => conversation.toConnect(),
  Active: conversation => conversation.toActive(),
  OpenSent: conversation => conversation.toOpenSent(),
  OpenConfirm: conversation => conversation.toOpenConfirm(),
  Established: conversation => conversation.toEstablished(),
};

const BAD_MARKER = fromHex(`${"00".repeat(16)}001304`);
const BAD_VERSION = fromHex(`${"ff".repeat(16)}001d0103fdea005a0a00000200`);
const BAD_UPDATE = fromHex(`${"ff".repeat(16)}001702ffff0000`);

/** Events of RFC 4271 §8.1 by number, as the driver tells them. */
const EVENTS: Readonly<Record<string, (conversation: Conversation) => readonly SessionAction[]>> = {
  "1 manual start": c => c.handle({ type: "manualStart" }),
  "2 manual stop": c => c.handle({ type: "manualStop", reason: "drain" }),
  "3 automatic start": c => c.handle({ type: "automaticStart" }),
  "4 passive start": c => c.handle({ type: "manualStartPassive" }),
  "5 automatic passive start": c => c.handle({ type: "automaticStartPassive" }),
  "8 automatic stop": c => c.handle({ type: "automaticStop", reason: "restart" }),
  "9 connect retry timer": c => c.expire(),
  "10 hold timer": c => {
    c.nowMs += 241_000;
    return c.handle({ type: "timeout" });
  },
  "11 keepalive timer": c => c.expire(),
  "16 connected": c => c.handle({ type: "connected", connection: c.connection }),
  "17 accepted": c => {
    c.accept();
    return c.actions;
  },
  "18 TCP fails": c =>
    c.handle({ type: "connectionFailed", connection: c.connection, words: "reset" }),
  "19 OPEN": c => c.say(PEER_OPEN),
  "21 header error": c => c.say(BAD_MARKER),
  "22 OPEN error": c => c.say(BAD_VERSION),
  "23 collision dump": c => c.handle({ type: "openCollisionDump" }),
  "24 version NOTIFICATION": c => c.say(makeNotification(2, 1)),
  "25 NOTIFICATION": c => c.say(makeCease(2)),
  "26 KEEPALIVE": c => c.say({ type: "keepalive" }),
  "27 UPDATE": c => c.say(makeEndOfRib("ipv4-unicast")),
  "28 UPDATE error": c => c.say(BAD_UPDATE),
  "29 send hold timer": c => {
    // The peer is heard, but what is sent since the session began stays unsent.
    for (let step = 0; step < 4; step += 1) {
      c.nowMs += 45_000;
      if (step < 3) c.say({ type: "keepalive" });
    }
    return c.handle({ type: "timeout" });
  },
};

type Row = readonly [event: string, next: SessionState, notification?: string];

/** RFC 4271 §8.2.2, with the practice of routers where bgp.md has it. */
const TRANSITIONS: Readonly<Record<SessionState, readonly Row[]>> = {
  Idle: [
    ["1 manual start", "Connect"],
    ["2 manual stop", "Idle"],
    ["3 automatic start", "Connect"],
    ["4 passive start", "Active"],
    ["5 automatic passive start", "Active"],
    ["8 automatic stop", "Idle"],
    ["16 connected", "Idle"],
    ["17 accepted", "Idle"],
    ["18 TCP fails", "Idle"],
    ["19 OPEN", "Idle"],
    ["23 collision dump", "Idle"],
    ["25 NOTIFICATION", "Idle"],
  ],
  Connect: [
    ["1 manual start", "Connect"],
    ["2 manual stop", "Idle"],
    ["3 automatic start", "Connect"],
    ["4 passive start", "Connect"],
    ["8 automatic stop", "Idle"],
    ["9 connect retry timer", "Connect"],
    ["16 connected", "OpenSent"],
    ["17 accepted", "OpenSent"],
    ["18 TCP fails", "Active"],
    ["23 collision dump", "Idle"],
  ],
  Active: [
    ["1 manual start", "Active"],
    ["2 manual stop", "Idle"],
    ["3 automatic start", "Active"],
    ["8 automatic stop", "Idle"],
    ["9 connect retry timer", "Connect"],
    ["17 accepted", "OpenSent"],
    ["23 collision dump", "Idle"],
  ],
  OpenSent: [
    ["1 manual start", "OpenSent"],
    ["2 manual stop", "Idle", "6/2"],
    ["8 automatic stop", "Idle", "6/4"],
    ["10 hold timer", "Idle", "4/0"],
    ["17 accepted", "OpenSent"],
    ["18 TCP fails", "Active"],
    ["19 OPEN", "OpenConfirm"],
    ["21 header error", "Idle", "1/1"],
    ["22 OPEN error", "Idle", "2/1"],
    ["23 collision dump", "Idle", "6/7"],
    ["24 version NOTIFICATION", "Idle"],
    ["25 NOTIFICATION", "Idle"],
    ["26 KEEPALIVE", "Idle", "5/1"],
    ["27 UPDATE", "Idle", "5/1"],
    ["28 UPDATE error", "Idle", "5/1"],
  ],
  OpenConfirm: [
    ["1 manual start", "OpenConfirm"],
    ["2 manual stop", "Idle", "6/2"],
    ["8 automatic stop", "Idle", "6/4"],
    ["10 hold timer", "Idle", "4/0"],
    ["11 keepalive timer", "OpenConfirm"],
    ["17 accepted", "OpenConfirm"],
    ["18 TCP fails", "Idle"],
    ["19 OPEN", "Idle", "5/2"],
    ["21 header error", "Idle", "1/1"],
    ["22 OPEN error", "Idle", "2/1"],
    ["23 collision dump", "Idle", "6/7"],
    ["24 version NOTIFICATION", "Idle"],
    ["25 NOTIFICATION", "Idle"],
    ["26 KEEPALIVE", "Established"],
    ["27 UPDATE", "Idle", "5/2"],
    ["28 UPDATE error", "Idle", "5/2"],
  ],
  Established: [
    ["1 manual start", "Established"],
    ["2 manual stop", "Idle", "6/2"],
    ["8 automatic stop", "Idle", "6/4"],
    ["10 hold timer", "Idle", "4/0"],
    ["11 keepalive timer", "Established"],
    ["17 accepted", "Established"],
    ["18 TCP fails", "Idle"],
    ["19 OPEN", "Idle", "5/3"],
    ["21 header error", "Idle", "1/1"],
    ["22 OPEN error", "Idle", "5/3"],
    ["23 collision dump", "Idle", "6/7"],
    ["24 version NOTIFICATION", "Idle"],
    ["25 NOTIFICATION", "Idle"],
    ["26 KEEPALIVE", "Established"],
    ["27 UPDATE", "Established"],
    ["28 UPDATE error", "Idle", "3/1"],
    ["29 send hold timer", "Idle", "8/0"],
  ],
};

describe.each(Object.entries(TRANSITIONS))(
  "transitions from %s (RFC 4271 §8.2.2)",
  (state, rows) => {
    it.each(rows.map(([event, next, notification = ""]) => ({ event, next, notification })))(
      "$event leads to $next",
      ({ event, next, notification }) => {
        const conversation = REACH[state as SessionState](new Conversation());
        expect(conversation.session.state).toBe(state);
        const actions = EVENTS[event]!(conversation);
        expect(conversation.session.state).toBe(next);
        expect(sentNotifications(actions)).toEqual(notification === "" ? [] : [notification]);
        const wasDown = state === "Established" && next !== "Established";
        expect(outline(actions).includes("down")).toBe(wasDown);
      },
    );
  },
);

describe("opening", () => {
  it("goes from start to Established with the right messages and one action each", () => {
    const c = new Conversation();
    expect(outline(c.handle({ type: "manualStart" }))).toEqual(["connect", "Connect"]);
    const opened = c.handle({ type: "connected", connection: c.connection });
    expect(outline(opened)).toEqual(["send open", "OpenSent"]);
    expect(outline(c.say(PEER_OPEN))).toEqual(["send keepalive", "OpenConfirm"]);
    const established = c.say({ type: "keepalive" });
    expect(outline(established)).toEqual(["Established", "established"]);
    expect(established[1]).toMatchObject({
      session: {
        isExternal: true,
        remoteAs: 65_002,
        holdTimeMs: 90_000,
        keepaliveMs: 30_000,
        families: ["ipv4-unicast", "ipv6-unicast"],
      },
    });
  });

  it("takes OPEN and KEEPALIVE in one chunk, or octet by octet", () => {
    const octets = [...encodeMessage(PEER_OPEN), ...encodeMessage({ type: "keepalive" })];
    const atOnce = new Conversation().toOpenSent();
    atOnce.say(Uint8Array.from(octets));
    expect(atOnce.session.state).toBe("Established");
    const slowly = new Conversation().toOpenSent();
    for (const octet of octets) slowly.say(new Uint8Array([octet]));
    expect(slowly.session.state).toBe("Established");
  });

  it("sends the OPEN that the vector has (RFC 4271 §4.2)", () => {
    const c = new Conversation(
      {
        localAs: 4_200_000_001,
        offersExtendedNextHop: true,
        gracefulRestartSeconds: 120,
      },
      true,
    ).toOpenSent();
    const open = c.actions.find(action => action.type === "send");
    expect(toHex(open!.octets)).toBe(
      `${"ff".repeat(16)}0049 01 04 5ba0 005a 0a000001 2c 022a 010400010001 010400020001 0200 0506000100010002 400ac0780001018000020180 4104fa56ea01 4600`.replaceAll(
        " ",
        "",
      ),
    );
  });

  it("ignores octets and failures of connections it has closed", () => {
    const c = new Conversation().toOpenSent();
    const old = c.connection;
    c.say(makeCease(2));
    expect(c.say(PEER_OPEN, old)).toEqual([]);
    expect(c.handle({ type: "connectionFailed", connection: old, words: "" })).toEqual([]);
    expect(outline(c.handle({ type: "connected", connection: old }))).toEqual(["close"]);
    expect(c.session.state).toBe("Idle");
  });
});

describe("timers", () => {
  it("sends KEEPALIVE at the keepalive time, and again", () => {
    const c = new Conversation().toEstablished();
    const startMs = c.nowMs;
    expect(outline(c.expire())).toEqual(["send keepalive"]);
    expect(c.nowMs).toBe(startMs + 30_000);
    c.expire();
    expect(c.nowMs).toBe(startMs + 60_000);
  });

  it("follows the peer's lower hold time with hold and keepalive timer (RFC 4271 §4.2)", () => {
    const c = new Conversation().toEstablished({ ...PEER_OPEN, holdTimeSeconds: 9 });
    expect(c.session.negotiated).toMatchObject({ holdTimeMs: 9_000, keepaliveMs: 3_000 });
    const startMs = c.nowMs;
    const seen: string[] = [];
    while (c.session.state === "Established") seen.push(...sentNotifications(c.expire()));
    expect(seen).toEqual(["4/0"]);
    expect(c.nowMs).toBe(startMs + 9_000);
  });

  it.each([
    ["KEEPALIVE", { type: "keepalive" as const }],
    ["UPDATE", makeEndOfRib("ipv4-unicast")],
    ["ROUTE-REFRESH", { type: "routeRefresh" as const, afi: 1, safi: 1, subtype: 0 }],
  ])("starts the hold timer anew on %s", (_name, message) => {
    const c = new Conversation().toEstablished();
    c.nowMs += 89_000;
    c.say(message);
    c.nowMs += 89_000;
    c.handle({ type: "timeout" });
    expect(c.session.state).toBe("Established");
    c.nowMs += 1_000;
    expect(sentNotifications(c.handle({ type: "timeout" }))).toEqual(["4/0"]);
  });

  it("has no timers in Established when the hold time is 0 (RFC 4271 §4.2)", () => {
    const c = new Conversation().toEstablished({ ...PEER_OPEN, holdTimeSeconds: 0 });
    c.handle({ type: "sendProgress", connection: c.connection, unsentOctets: 0 });
    expect(c.session.nextDeadlineMs()).toBeUndefined();
  });

  it("puts the keepalive timer off when it sends UPDATEs", () => {
    const c = new Conversation().toEstablished();
    c.nowMs += 29_000;
    const update = encodeMessage(makeEndOfRib("ipv4-unicast"));
    expect(outline(c.handle({ type: "sendUpdates", messages: [update] }))).toEqual(["send update"]);
    const startMs = c.nowMs;
    c.expire();
    expect(c.nowMs).toBe(startMs + 30_000);
  });

  it("sends no UPDATE unless Established", () => {
    const c = new Conversation().toOpenConfirm();
    const messages = [encodeMessage(makeEndOfRib("ipv4-unicast"))];
    expect(c.handle({ type: "sendUpdates", messages })).toEqual([]);
  });

  it("ends a session whose peer hears but does not read (RFC 9687), by RST", () => {
    const c = new Conversation().toEstablished();
    c.handle({ type: "sendProgress", connection: c.connection, unsentOctets: 0 });
    c.handle({ type: "sendUpdates", messages: [encodeMessage(makeEndOfRib("ipv4-unicast"))] });
    const startMs = c.nowMs;
    let actions: readonly SessionAction[] = [];
    while (c.session.state === "Established") {
      c.say({ type: "keepalive" });
      actions = c.expire();
    }
    expect(c.nowMs).toBe(startMs + 180_000);
    expect(outline(actions)).toEqual(["send notification", "sent 8/0", "abort", "down", "Idle"]);
  });

  it("goes on while the kernel takes octets, however slowly", () => {
    const c = new Conversation().toEstablished();
    for (let step = 0; step < 10; step += 1) {
      c.nowMs += 80_000;
      c.say({ type: "keepalive" });
      c.handle({ type: "sendProgress", connection: c.connection, unsentOctets: 1 });
      c.handle({ type: "timeout" });
    }
    expect(c.session.state).toBe("Established");
  });

  it("does nothing on a timeout that comes early or twice", () => {
    const c = new Conversation().toEstablished();
    expect(c.handle({ type: "timeout" })).toEqual([]);
    c.expire();
    expect(c.handle({ type: "timeout" })).toEqual([]);
  });
});

describe("messages in Established", () => {
  it("tells a ROUTE-REFRESH of a negotiated family and ignores the others (RFC 2918 §4)", () => {
    const c = new Conversation().toEstablished();
    const ask = (afi: number, safi: number, subtype = 0) =>
      c.say({ type: "routeRefresh", afi, safi, subtype });
    expect(ask(2, 1)).toEqual([{ type: "refreshRequested", family: "ipv6-unicast" }]);
    expect(ask(99, 9)).toEqual([]);
    expect(ask(1, 1, 1)).toEqual([]);
    expect(ask(1, 1, 2)).toEqual([]);
    expect(c.session.state).toBe("Established");
  });

  it("passes over malformed attributes, tells them, counts the routes as withdrawn (RFC 7606)", () => {
    const c = new Conversation().toEstablished();
    const body = "002f02000000144001010340020602010000fdea400304c000020118c63364";
    const actions = c.say(fromHex("ff".repeat(16) + body));
    expect(actions).toMatchObject([
      { type: "malformed", message: "update", problemCount: 1, problems: [{ subcode: 6 }] },
    ]);
    expect(c.session.state).toBe("Established");
    expect(c.session.counters).toMatchObject({
      announcedPrefixes: 0,
      withdrawnPrefixes: 1,
      malformedMessages: 1,
    });
  });

  it("counts messages both ways", () => {
    const c = new Conversation().toEstablished();
    c.say(makeCease(2, "bye"));
    expect(c.session.counters).toMatchObject({
      sent: { open: 1, keepalive: 1, notification: 0 },
      received: { open: 1, keepalive: 1, notification: 1 },
      flaps: 1,
    });
  });

  it("never answers a NOTIFICATION and says what the peer said", () => {
    const c = new Conversation().toEstablished();
    const actions = c.say(makeCease(2, "maintenance\nwindow"));
    expect(outline(actions)).toEqual(["received 6/2", "close", "down", "Idle"]);
    expect(actions[0]).toMatchObject({
      words: 'cease: administrative shutdown (6/2), saying "maintenance window"',
    });
  });

  it("accepts extended messages once both sides offered them (RFC 8654)", () => {
    const long = new Uint8Array(5_000);
    long.set(encodeMessage(makeEndOfRib("ipv4-unicast")));
    long.set([5_000 >> 8, 5_000 & 0xff], 16);
    const offer = [...PEER_CAPABILITIES, { type: "extendedMessage" } as const];
    const without = new Conversation().toEstablished({ ...PEER_OPEN, capabilities: offer });
    expect(sentNotifications(without.say(long))).toEqual(["1/2"]);
    const both = new Conversation({ offersExtendedMessages: true }).toEstablished({
      ...PEER_OPEN,
      capabilities: offer,
    });
    both.say(long);
    expect(both.session.state).toBe("Established");
  });
});
