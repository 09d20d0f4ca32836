import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { encodeMessage, type BgpMessage } from "../../../../lib/bgp/codec/message";
import { makeCease, makeNotification } from "../../../../lib/bgp/codec/notification";
import { makeEndOfRib } from "../../../../lib/bgp/codec/update";
import type { SessionAction, SessionEvent, SessionState } from "../../../../lib/bgp/session-events";
import { message } from "./support/arbitraries";
import {
  Conversation,
  GRACEFUL_RESTART,
  PEER_CAPABILITIES,
  PEER_OPEN,
  sentMessages,
  sentNotifications,
} from "./support/conversation";
import { fromHex, loadMalformed, loadMessages } from "./support/golden";

const STATES: readonly SessionState[] = [
  "Idle",
  "Connect",
  "Active",
  "OpenSent",
  "OpenConfirm",
  "Established",
];

type Step = (conversation: Conversation) => readonly SessionAction[];

/** The last connection made, the one before it, or one that never was. */
const connectionOffset = fc.integer({ min: 0, max: 2 });

const plainEvent = fc.constantFrom<SessionEvent>(
  { type: "manualStart" },
  { type: "automaticStart" },
  { type: "manualStartPassive" },
  { type: "automaticStartPassive" },
  { type: "manualStop", reason: "drain" },
  { type: "automaticStop", reason: "restart" },
  { type: "openCollisionDump" },
  { type: "bfdDown" },
  { type: "bfdUp" },
  { type: "timeout" },
  { type: "sendUpdates", messages: [encodeMessage(makeEndOfRib("ipv4-unicast"))] },
);

const goodMessage = fc.constantFrom<BgpMessage>(
  PEER_OPEN,
  { ...PEER_OPEN, bgpIdentifier: 1, capabilities: [...PEER_CAPABILITIES, GRACEFUL_RESTART] },
  { ...PEER_OPEN, holdTimeSeconds: 0 },
  { type: "keepalive" },
  makeEndOfRib("ipv6-unicast"),
  { type: "routeRefresh", afi: 1, safi: 1, subtype: 0 },
  makeCease(2, "bye"),
  makeCease(7),
  makeNotification(2, 7),
);

const captured = [...loadMessages(), ...loadMalformed()].map(({ hex }) => fromHex(hex));

const step: fc.Arbitrary<Step> = fc.oneof(
  plainEvent.map(
    (event): Step =>
      c =>
        c.handle(event),
  ),
  fc.constant<Step>(c => {
    c.accept();
    return c.actions;
  }),
  connectionOffset.map(
    (offset): Step =>
      c =>
        c.handle({ type: "connected", connection: c.connection - offset }),
  ),
  connectionOffset.map(
    (offset): Step =>
      c =>
        c.handle({ type: "connectionFailed", connection: c.connection + 1 - offset, words: "x" }),
  ),
  fc.tuple(goodMessage, connectionOffset).map(
    ([said, offset]): Step =>
      c =>
        c.say(said, c.connection + 1 - offset),
  ),
  message.map(
    (said): Step =>
      c =>
        c.say(said),
  ),
  fc.constantFrom(...captured).map(
    (octets): Step =>
      c =>
        c.say(octets),
  ),
  fc.uint8Array({ maxLength: 40 }).map(
    (octets): Step =>
      c =>
        c.say(octets),
  ),
  fc.integer({ min: 0, max: 100_000 }).map(
    (unsentOctets): Step =>
      c =>
        c.handle({ type: "sendProgress", connection: c.connection, unsentOctets }),
  ),
  fc.integer({ min: 1, max: 300_000 }).map(
    (forMs): Step =>
      c => {
        c.nowMs += forMs;
        return c.handle({ type: "timeout" });
      },
  ),
);

/** What no event may break. */
function checkInvariants(
  c: Conversation,
  actions: readonly SessionAction[],
  open: Set<number>,
): void {
  expect(STATES).toContain(c.session.state);
  const deadlineMs = c.session.nextDeadlineMs();
  if (deadlineMs !== undefined) expect(deadlineMs).toBeGreaterThan(c.nowMs);
  sentMessages(actions);
  for (const action of actions) {
    if (action.type === "connect") open.add(action.connection);
    if (action.type === "close") open.delete(action.connection);
    if (action.type === "send") expect(open.has(action.connection)).toBe(true);
    if (action.type === "established") expect(c.session.negotiated).toBeDefined();
  }
  expect(open.size).toBeLessThanOrEqual(3);
  if (c.session.state === "Idle") expect(open.size).toBe(0);
}

describe("state × event", () => {
  test.prop([fc.array(step, { minLength: 1, maxLength: 40 })], { numRuns: 1_500 })(
    "never throws, stays legal, closes what it opened, has no deadline in the past",
    steps => {
      const c = new Conversation({ gracefulRestartSeconds: 30 });
      const open = new Set<number>();
      const accept = c.session.allocateConnectionId.bind(c.session);
      c.session.allocateConnectionId = () => {
        const id = accept();
        open.add(id);
        return id;
      };
      for (const next of steps) {
        const before = c.session.state;
        // A connection that failed is no longer open, whatever the session thinks of it.
        const actions = next(c);
        const change = actions.find(action => action.type === "stateChanged");
        if (change !== undefined) expect(change.from).toBe(before);
        checkFailed(c, open);
        checkInvariants(c, actions, open);
      }
    },
  );
});

/** Forgets connections whose failure was reported. */
function checkFailed(c: Conversation, open: Set<number>): void {
  if (c.failed !== undefined) open.delete(c.failed);
  c.failed = undefined;
}

describe("loss of TCP", () => {
  it("after any octet of the exchange leads to a clean reconnect", () => {
    const exchange = Uint8Array.from(
      [PEER_OPEN, { type: "keepalive" } as const, makeEndOfRib("ipv4-unicast")].flatMap(said => [
        ...encodeMessage(said),
      ]),
    );
    for (let length = 0; length <= exchange.length; length += 1) {
      const c = new Conversation().toOpenSent();
      c.say(exchange.subarray(0, length));
      c.handle({ type: "connectionFailed", connection: c.connection, words: "reset" });
      expect(["Idle", "Active"]).toContain(c.session.state);
      expect(c.session.negotiated).toBeUndefined();
      c.expire();
      expect(c.session.state).toBe("Connect");
      c.handle({ type: "connected", connection: c.connection });
      c.say(exchange);
      expect(c.session.state).toBe("Established");
    }
  });
});

describe("faults of the peer's OPEN", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["another AS than configured", "00250104fde7005a0a00000208020641040000fde7", "2/2"],
    ["AS_TRANS without the capability", "001d01045ba0005a0a00000200", "2/2"],
    [
      "hold time 1",
      "00330104fdea00010a000002160214010400010001010400020001020041040000fdea",
      "2/6",
    ],
    ["KEEPALIVE instead of OPEN", "001304", "5/1"],
    ["UPDATE instead of OPEN", "00170200000000", "5/1"],
  ];

  it.each(cases)("%s", (_name, hex, notification) => {
    const c = new Conversation().toOpenSent();
    const actions = c.say(fromHex("ff".repeat(16) + hex));
    expect(sentNotifications(actions)).toEqual([notification]);
    expect(c.session.state).toBe("Idle");
  });

  it.each([
    [
      "our own router id on an external session",
      "00330104fdea005a0a000001160214010400010001010400020001020041040000fdea",
    ],
    ["no capabilities", "001d0104fdea005a0a00000200"],
    ["extended parameters of length 0", "00200104fdea005a0a000002ffff0000"],
    [
      "router id 224.0.0.1",
      "00330104fdea005ae0000001160214010400010001010400020001020041040000fdea",
    ],
    [
      "graceful restart capability of one octet",
      "00360104fdea005a0a000002190217010400010001010400020001020041040000fdea400100",
    ],
  ])("%s is taken", (_name, hex) => {
    const c = new Conversation().toOpenSent();
    c.say(fromHex("ff".repeat(16) + hex));
    expect(c.session.state).toBe("OpenConfirm");
  });
});

describe("faults in Established", () => {
  it.each(
    loadMalformed()
      .filter(({ hex }) => hex.split(" ")[2] === "02" && isWhole(fromHex(hex)))
      .map(vector => [vector.name, vector] as const),
  )("%s", (_name, { hex, context, error }) => {
    const isInternal = context?.isExternal === false;
    const c = isInternal
      ? new Conversation({ localAs: 65_002, expectedAs: { type: "internal" } })
      : new Conversation();
    c.toEstablished();
    const actions = c.say(fromHex(hex));
    if (error.reaction === "reset") {
      expect(sentNotifications(actions)).toEqual([`${error.code}/${error.subcode}`]);
      expect(c.session.state).toBe("Idle");
    } else {
      expect(actions).toMatchObject([{ type: "malformed" }]);
      expect(c.session.state).toBe("Established");
      expect(c.session.counters.malformedMessages).toBe(1);
    }
  });
});

/** Half a message is no fault on a stream: its rest may come. */
function isWhole(octets: Uint8Array): boolean {
  return new DataView(octets.buffer).getUint16(16) <= octets.length;
}
