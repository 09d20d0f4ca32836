import { describe, expect, it } from "vitest";
import { BFD_STATES, BfdDiagnostic, type BfdState } from "../../../../lib/bfd/constants";
import type { BfdControlPacket } from "../../../../lib/bfd/control-packet";
import {
  BfdSession,
  type BfdSessionAction,
  type BfdSessionParameters,
} from "../../../../lib/bfd/session";
import { packet } from "./support/packets";

const PARAMETERS: BfdSessionParameters = {
  desiredMinTxUs: 100_000,
  requiredMinRxUs: 100_000,
  detectMultiplier: 3,
  isPassive: false,
};

/** Every gap is 75 % of the interval. */
function newSession(more: Partial<BfdSessionParameters> = {}, random = 0): BfdSession {
  return new BfdSession(11, { ...PARAMETERS, ...more }, { random: () => random, nowMs: 0 });
}

function receive(session: BfdSession, more: Partial<BfdControlPacket>, nowMs: number) {
  return session.handle({ type: "packet", packet: packet(more) }, nowMs);
}

/** Up since 0, with the poll of coming Up behind it. */
function upSession(more: Partial<BfdSessionParameters> = {}): BfdSession {
  const session = newSession(more);
  session.handle({ type: "timeout" }, 0);
  receive(session, { state: "Init" }, 0);
  receive(session, { state: "Up", isFinal: true }, 0);
  expect(session.state).toBe("Up");
  return session;
}

function sent(actions: readonly BfdSessionAction[]): readonly BfdControlPacket[] {
  return actions.flatMap(action => (action.type === "send" ? [action.packet] : []));
}

function changes(actions: readonly BfdSessionAction[]): readonly string[] {
  return actions.flatMap(action =>
    action.type === "stateChanged" ? [`${action.from} ${action.to} ${action.diagnostic}`] : [],
  );
}

/** Brings a session into the state. */
function sessionIn(state: BfdState): BfdSession {
  const session = newSession();
  session.handle({ type: "timeout" }, 0);
  if (state === "Init") receive(session, { state: "Down" }, 0);
  if (state === "Up") receive(session, { state: "Init" }, 0);
  if (state === "AdminDown") session.handle({ type: "remove" }, 0);
  expect(session.state).toBe(state);
  return session;
}

describe("transitions (RFC 5880 §6.8.6)", () => {
  const TABLE: Readonly<Record<BfdState, Readonly<Record<BfdState, BfdState>>>> = {
    AdminDown: { AdminDown: "AdminDown", Down: "AdminDown", Init: "AdminDown", Up: "AdminDown" },
    Down: { AdminDown: "Down", Down: "Init", Init: "Up", Up: "Down" },
    Init: { AdminDown: "Down", Down: "Init", Init: "Up", Up: "Up" },
    Up: { AdminDown: "Down", Down: "Down", Init: "Up", Up: "Up" },
  };
  const cases = BFD_STATES.flatMap(from =>
    BFD_STATES.map(received => ({ from, received, to: TABLE[from][received] })),
  );

  it.each(cases)("$from and $received give $to", ({ from, received, to }) => {
    const session = sessionIn(from);
    const actions = receive(session, { state: received }, 1);
    expect(session.state).toBe(to);
    const diagnostic = to === "Down" ? BfdDiagnostic.neighborSignaledSessionDown : 0;
    expect(changes(actions)).toEqual(from === to ? [] : [`${from} ${to} ${diagnostic}`]);
    // Every change is said at once.
    expect(sent(actions).map(({ state }) => state)).toEqual(from === to ? [] : [to]);
  });

  it.each(["Init", "Up"] as const)("%s ends with the detection time", from => {
    const session = sessionIn(from);
    const deadlineMs = 300;
    const early = session.handle({ type: "timeout" }, deadlineMs - 1);
    expect(changes(early)).toEqual([]);
    const actions = session.handle({ type: "timeout" }, deadlineMs);
    expect(changes(actions)).toEqual([`${from} Down ${BfdDiagnostic.controlDetectionTimeExpired}`]);
    // §6.8.1: the peer is a stranger again.
    expect(sent(actions)).toEqual([
      expect.objectContaining({ state: "Down", yourDiscriminator: 0 }),
    ]);
  });

  it("forgets a peer that falls silent before the session came up", () => {
    const session = newSession();
    receive(session, { state: "AdminDown", desiredMinTxUs: 100_000 }, 0);
    session.handle({ type: "timeout" }, 300);
    const [last] = sent(session.handle({ type: "timeout" }, 800));
    expect(last).toMatchObject({ state: "Down", yourDiscriminator: 0, diagnostic: 0 });
  });

  it("says with a change what the peer had said", () => {
    const session = upSession();
    const actions = receive(session, { state: "AdminDown", diagnostic: 7 }, 10);
    expect(actions[0]).toEqual({
      type: "stateChanged",
      from: "Up",
      to: "Down",
      diagnostic: BfdDiagnostic.neighborSignaledSessionDown,
      remoteState: "AdminDown",
      remoteDiagnostic: 7,
    });
  });
});

describe("slow start", () => {
  it("begins at once and keeps to one packet a second, less jitter (§6.8.3)", () => {
    const session = newSession();
    expect(session.nextDeadlineMs()).toBe(0);
    const [first] = sent(session.handle({ type: "timeout" }, 0));
    expect(first).toMatchObject({
      state: "Down",
      desiredMinTxUs: 1_000_000,
      requiredMinRxUs: 100_000,
      yourDiscriminator: 0,
      myDiscriminator: 11,
      isPoll: false,
    });
    expect(session.nextDeadlineMs()).toBe(750);
  });

  it("is over once Up: the packet that says so carries P and the real interval", () => {
    const session = newSession();
    session.handle({ type: "timeout" }, 0);
    const [up] = sent(receive(session, { state: "Init" }, 10));
    expect(up).toMatchObject({ state: "Up", isPoll: true, desiredMinTxUs: 100_000 });
    expect(session.nextDeadlineMs()).toBe(85);
    const [next] = sent(session.handle({ type: "timeout" }, 85));
    expect(next).toMatchObject({ state: "Up", isPoll: true });
    receive(session, { state: "Up", isFinal: true }, 90);
    const [after] = sent(session.handle({ type: "timeout" }, 160));
    expect(after).toMatchObject({ isPoll: false });
  });

  it("never sends faster than the peer bears, nor than itself is set to (§6.8.7)", () => {
    const patient = upSession();
    receive(patient, { state: "Up", requiredMinRxUs: 400_000 }, 0);
    expect(patient.transmitIntervalMs).toBe(400);
    const greedy = upSession();
    receive(greedy, { state: "Up", requiredMinRxUs: 1, desiredMinTxUs: 1 }, 0);
    expect(greedy.transmitIntervalMs).toBe(100);
    expect(greedy.detectionTimeMs).toBe(300);
  });
});

describe("passive", () => {
  it("says nothing before the peer does (§6.1)", () => {
    const session = newSession({ isPassive: true });
    expect(session.nextDeadlineMs()).toBe(Infinity);
    expect(session.handle({ type: "timeout" }, 5_000)).toEqual([]);
    expect(sent(receive(session, { state: "Down" }, 5_000))).toHaveLength(1);
    expect(session.state).toBe("Init");
  });

  it("falls silent again when the peer does", () => {
    const session = newSession({ isPassive: true });
    receive(session, { state: "Down" }, 0);
    const actions = session.handle({ type: "timeout" }, 300);
    expect(changes(actions)).toEqual(["Init Down 1"]);
    expect(sent(actions)).toEqual([]);
    expect(session.nextDeadlineMs()).toBe(Infinity);
  });
});

describe("Poll Sequence (§6.5)", () => {
  it("answers P with F at once, outside of the schedule, and not P with P", () => {
    const session = upSession();
    session.handle({ type: "configure", parameters: { ...PARAMETERS, desiredMinTxUs: 50_000 } }, 0);
    const before = session.nextDeadlineMs();
    const replies = sent(receive(session, { state: "Up", isPoll: true }, 1));
    expect(replies).toEqual([expect.objectContaining({ isFinal: true, isPoll: false })]);
    expect(session.nextDeadlineMs()).toBe(before);
  });

  it("slows down when the peer asks, without a flap, and answers once", () => {
    const session = upSession({ desiredMinTxUs: 50_000, requiredMinRxUs: 50_000 });
    const actions = receive(session, { state: "Up", isPoll: true, requiredMinRxUs: 300_000 }, 10);
    expect(sent(actions)).toHaveLength(1);
    expect(session.transmitIntervalMs).toBe(300);
    expect(session.state).toBe("Up");
  });

  it("takes other intervals while Up: 300 ms, 100 ms and back, without Down", () => {
    const at = (ms: number): BfdSessionParameters => ({
      ...PARAMETERS,
      desiredMinTxUs: ms * 1_000,
      requiredMinRxUs: ms * 1_000,
    });
    const session = upSession(at(300));
    receive(session, { state: "Up", desiredMinTxUs: 50_000 }, 0);
    expect(session.detectionTimeMs).toBe(900);
    expect(changes(session.handle({ type: "configure", parameters: at(100) }, 1))).toEqual([]);
    // Sends faster at once, waits as long as before until the peer knows.
    expect(session.transmitIntervalMs).toBe(100);
    expect(session.detectionTimeMs).toBe(900);
    receive(session, { state: "Up", isFinal: true, desiredMinTxUs: 50_000 }, 2);
    expect(session.detectionTimeMs).toBe(300);
    session.handle({ type: "configure", parameters: at(300) }, 3);
    // Waits longer at once, keeps its pace until the peer knows.
    expect(session.detectionTimeMs).toBe(900);
    expect(session.transmitIntervalMs).toBe(100);
    receive(session, { state: "Up", isFinal: true, desiredMinTxUs: 50_000 }, 4);
    expect(session.transmitIntervalMs).toBe(300);
    expect(session.state).toBe("Up");
    expect(session.counters.downs).toBe(0);
  });

  it("passes over a Final that nobody asked for", () => {
    const session = upSession();
    expect(receive(session, { state: "Up", isFinal: true }, 5)).toEqual([]);
  });
});

describe("detection", () => {
  it("takes the peer's multiplier and the slower of both intervals (§6.8.4)", () => {
    const session = upSession({ requiredMinRxUs: 100_000 });
    receive(session, { state: "Up", detectMultiplier: 5, desiredMinTxUs: 40_000 }, 0);
    expect(session.detectionTimeMs).toBe(500);
    receive(session, { state: "Up", detectMultiplier: 2, desiredMinTxUs: 250_000 }, 0);
    expect(session.detectionTimeMs).toBe(500);
  });

  it("gives the peer an interval and a half after this end stood still", () => {
    const session = upSession();
    session.handle({ type: "stalled", stalledMs: 2_000 }, 2_000);
    expect(changes(session.handle({ type: "timeout" }, 2_149))).toEqual([]);
    expect(changes(session.handle({ type: "timeout" }, 2_150))).toEqual(["Up Down 1"]);
  });

  it("gives no more than the time that was lost, and nothing while the deadline is far away", () => {
    const session = upSession();
    session.handle({ type: "stalled", stalledMs: 40 }, 100);
    session.handle({ type: "stalled", stalledMs: 30 }, 290);
    expect(changes(session.handle({ type: "timeout" }, 329))).toEqual([]);
    expect(changes(session.handle({ type: "timeout" }, 330))).toEqual(["Up Down 1"]);
  });

  it("forgets an old stall with the next packet", () => {
    const session = upSession();
    session.handle({ type: "stalled", stalledMs: 2_000 }, 290);
    receive(session, { state: "Up" }, 300);
    expect(changes(session.handle({ type: "timeout" }, 600))).toEqual(["Up Down 1"]);
  });

  it("counts how much time was left when packets came", () => {
    const session = upSession();
    const before = session.counters.marginSumMs;
    receive(session, { state: "Up" }, 296);
    const { margins, marginSumMs } = session.counters;
    expect(margins[1]).toBe(1);
    expect(marginSumMs - before).toBe(4);
  });
});

describe("what the peer does not want", () => {
  it("sends no periodic packets when its required interval is 0 (§6.8.7)", () => {
    const session = upSession();
    receive(session, { state: "Up", requiredMinRxUs: 0 }, 1);
    expect(session.handle({ type: "timeout" }, 250)).toEqual([]);
    receive(session, { state: "Up" }, 260);
    expect(sent(session.handle({ type: "timeout" }, 400))).toHaveLength(1);
  });

  it("falls silent for a peer in demand mode, but for polls (§6.6)", () => {
    const session = upSession();
    receive(session, { state: "Up", isDemand: true }, 1);
    expect(sent(session.handle({ type: "timeout" }, 250))).toEqual([]);
    session.handle(
      { type: "configure", parameters: { ...PARAMETERS, desiredMinTxUs: 50_000 } },
      251,
    );
    expect(sent(session.handle({ type: "timeout" }, 290))).toEqual([
      expect.objectContaining({ isPoll: true }),
    ]);
  });
});

describe("taking a session away", () => {
  it("says AdminDown three times, 50 ms apart, and ends", () => {
    const session = upSession();
    const first = session.handle({ type: "remove" }, 100);
    expect(sent(first)).toEqual([
      expect.objectContaining({
        state: "AdminDown",
        diagnostic: BfdDiagnostic.administrativelyDown,
      }),
    ]);
    expect(session.nextDeadlineMs()).toBe(150);
    expect(session.handle({ type: "timeout" }, 149)).toEqual([]);
    expect(sent(session.handle({ type: "timeout" }, 150))).toHaveLength(1);
    const last = session.handle({ type: "timeout" }, 200);
    expect(last.map(({ type }) => type)).toEqual(["send", "ended"]);
    expect(session.nextDeadlineMs()).toBe(Infinity);
  });

  it("ends at once when the peer never heard of it", () => {
    const session = newSession({ isPassive: true });
    expect(session.handle({ type: "remove" }, 0).map(({ type }) => type)).toEqual([
      "stateChanged",
      "ended",
    ]);
  });

  it("hears nothing any more (§6.8.6)", () => {
    const session = upSession();
    session.handle({ type: "remove" }, 100);
    expect(receive(session, { state: "Down", isPoll: true }, 110)).toEqual([]);
  });
});

describe("echo function (§6.8.8, §6.8.9)", () => {
  const ECHO = { echoIntervalUs: 50_000 };

  it("waits for the session to be Up and for the peer to allow it", () => {
    const session = upSession(ECHO);
    expect(session.echoDetectionTimeMs).toBeUndefined();
    receive(session, { state: "Up", requiredMinEchoRxUs: 20_000 }, 0);
    expect(session.echoDetectionTimeMs).toBe(150);
    const actions = session.handle({ type: "timeout" }, 0);
    expect(actions.map(({ type }) => type)).toContain("sendEcho");
  });

  it("is no faster than the peer bears, and stops when it forbids", () => {
    const session = upSession(ECHO);
    receive(session, { state: "Up", requiredMinEchoRxUs: 200_000 }, 0);
    expect(session.echoDetectionTimeMs).toBe(600);
    receive(session, { state: "Up", requiredMinEchoRxUs: 0 }, 10);
    expect(session.echoDetectionTimeMs).toBeUndefined();
  });

  it("takes the session down with diagnostic 2 when none returns", () => {
    const session = upSession(ECHO);
    receive(session, { state: "Up", requiredMinEchoRxUs: 50_000 }, 0);
    session.handle({ type: "echo" }, 100);
    receive(session, { state: "Up", requiredMinEchoRxUs: 50_000 }, 200);
    expect(changes(session.handle({ type: "timeout" }, 249))).toEqual([]);
    expect(changes(session.handle({ type: "timeout" }, 250))).toEqual([
      `Up Down ${BfdDiagnostic.echoFunctionFailed}`,
    ]);
    expect(session.echoDetectionTimeMs).toBeUndefined();
  });

  it("does not judge a peer that never returned one, and judges it in every later life", () => {
    const session = upSession(ECHO);
    receive(session, { state: "Up", requiredMinEchoRxUs: 50_000 }, 0);
    receive(session, { state: "Up", requiredMinEchoRxUs: 50_000 }, 200);
    expect(changes(session.handle({ type: "timeout" }, 300))).toEqual([]);
    session.handle({ type: "echo" }, 310);
    receive(session, { state: "Down", requiredMinEchoRxUs: 50_000 }, 320);
    receive(session, { state: "Init", requiredMinEchoRxUs: 50_000 }, 330);
    receive(session, { state: "Up", isFinal: true, requiredMinEchoRxUs: 50_000 }, 335);
    expect(session.state).toBe("Up");
    expect(changes(session.handle({ type: "timeout" }, 480))).toEqual(["Up Down 2"]);
  });

  it("offers to return the peer's only when it is on", () => {
    const packetOf = (session: BfdSession) => sent(session.handle({ type: "timeout" }, 0))[0];
    expect(packetOf(newSession(ECHO))?.requiredMinEchoRxUs).toBe(50_000);
    expect(packetOf(newSession())?.requiredMinEchoRxUs).toBe(0);
  });
});
