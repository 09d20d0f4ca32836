/** Properties that hold for every sequence of events, and for two sessions that talk over a bad wire. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { BFD_STATES } from "../../../../lib/bfd/constants";
import { decodeControlPacket, encodeControlPacket } from "../../../../lib/bfd/control-packet";
import { ADMIN_DOWN_PACKETS } from "../../../../lib/bfd/limits";
import {
  BfdSession,
  type BfdSessionAction,
  type BfdSessionEvent,
  type BfdSessionParameters,
} from "../../../../lib/bfd/session";
import { anyMutations, mutate } from "../../../support/frames";
import { anyControlPacket } from "./support/packets";

const anyParameters: fc.Arbitrary<BfdSessionParameters> = fc
  .record({
    desiredMinTxUs: fc.integer({ min: 10_000, max: 60_000_000 }),
    requiredMinRxUs: fc.integer({ min: 10_000, max: 60_000_000 }),
    detectMultiplier: fc.integer({ min: 1, max: 255 }),
    isPassive: fc.boolean(),
    echoMs: fc.option(fc.integer({ min: 10, max: 60_000 }), { nil: undefined }),
  })
  .map(({ echoMs, ...rest }) => ({
    ...rest,
    ...(echoMs !== undefined && { echoIntervalUs: echoMs * 1_000 }),
  }));

const anyEvent: fc.Arbitrary<BfdSessionEvent> = fc.oneof(
  { weight: 5, arbitrary: anyControlPacket.map(packet => ({ type: "packet" as const, packet })) },
  { weight: 3, arbitrary: fc.constant({ type: "timeout" as const }) },
  fc.constant({ type: "echo" as const }),
  fc.nat(5_000).map(stalledMs => ({ type: "stalled" as const, stalledMs })),
  anyParameters.map(parameters => ({ type: "configure" as const, parameters })),
  { weight: 1, arbitrary: fc.constant({ type: "remove" as const }) },
);

/** A generator that gives the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function checkActions(session: BfdSession, actions: readonly BfdSessionAction[]): void {
  for (const action of actions) {
    // Whatever is sent can be read by a strict peer.
    if (action.type === "send") {
      const decoded = decodeControlPacket(encodeControlPacket(action.packet));
      expect(decoded.ok).toBe(true);
      expect(action.packet.myDiscriminator).toBe(session.discriminator);
    }
    if (action.type === "stateChanged") expect(action.from).not.toBe(action.to);
  }
}

test.prop([
  anyParameters,
  fc.array(fc.tuple(anyEvent, fc.nat(3_000)), { maxLength: 40 }),
  fc.nat(),
])(
  "any events leave a legal state, a deadline that was dealt with, and packets that can be read",
  (parameters, events, seed) => {
    const session = new BfdSession(9, parameters, { random: seeded(seed), nowMs: 0 });
    let nowMs = 0;
    let farewells = 0;
    for (const [event, waitMs] of events) {
      nowMs += waitMs;
      const actions = session.handle(event, nowMs);
      checkActions(session, actions);
      expect(BFD_STATES).toContain(session.state);
      if (session.isLeaving) farewells += actions.filter(({ type }) => type === "send").length;
      // A timeout that was dealt with is over: the driver would spin otherwise.
      if (event.type === "timeout") expect(session.nextDeadlineMs()).toBeGreaterThan(nowMs);
    }
    expect(farewells).toBeLessThanOrEqual(ADMIN_DOWN_PACKETS);
  },
);

test.prop([anyParameters, fc.array(fc.tuple(anyControlPacket, anyMutations), { maxLength: 30 })])(
  "mutated packets of a peer never make it send faster than it is set to",
  (parameters, packets) => {
    const session = new BfdSession(9, parameters, { random: seeded(1), nowMs: 0 });
    for (const [packet, mutations] of packets) {
      const decoded = decodeControlPacket(mutate(encodeControlPacket(packet), mutations));
      if (decoded.ok) session.handle({ type: "packet", packet: decoded.value }, 0);
      expect(session.transmitIntervalMs).toBeGreaterThanOrEqual(parameters.desiredMinTxUs / 1_000);
    }
  },
);

interface InFlight {
  readonly atMs: number;
  readonly to: 0 | 1;
  readonly octets: Uint8Array;
}

/** Two sessions and the wire between them, on a virtual clock. */
class Conversation {
  nowMs = 0;
  readonly ends: readonly [BfdSession, BfdSession];
  lossShare = 0;
  readonly sentAtMs: readonly [number[], number[]] = [[], []];
  readonly #random: () => number;
  #wire: InFlight[] = [];

  constructor(parameters: readonly [BfdSessionParameters, BfdSessionParameters], seed: number) {
    this.#random = seeded(seed);
    const options = { random: this.#random, nowMs: 0 };
    this.ends = [
      new BfdSession(1, parameters[0], options),
      new BfdSession(2, parameters[1], options),
    ];
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      const atMs = Math.min(
        ...this.#wire.map(each => each.atMs),
        ...this.ends.map(end => end.nextDeadlineMs()),
      );
      if (atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      this.#step();
    }
    this.nowMs = endMs;
  }

  handle(index: 0 | 1, event: BfdSessionEvent): void {
    for (const action of this.ends[index].handle(event, this.nowMs)) {
      if (action.type !== "send") continue;
      this.sentAtMs[index].push(this.nowMs);
      if (this.#random() < this.lossShare) continue;
      const atMs = this.nowMs + 1 + this.#random();
      const to = index === 0 ? 1 : 0;
      this.#wire.push({ atMs, to, octets: encodeControlPacket(action.packet) });
    }
  }

  #step(): void {
    const arrived = this.#wire.filter(each => each.atMs <= this.nowMs);
    this.#wire = this.#wire.filter(each => each.atMs > this.nowMs);
    for (const { to, octets } of arrived) {
      const decoded = decodeControlPacket(octets);
      if (!decoded.ok) throw new Error(decoded.error);
      this.handle(to, { type: "packet", packet: decoded.value });
    }
    for (const index of [0, 1] as const) {
      if (this.ends[index].nextDeadlineMs() <= this.nowMs) this.handle(index, { type: "timeout" });
    }
  }

  areBothUp(): boolean {
    return this.ends.every(({ state }) => state === "Up");
  }
}

/** Without echoes: the wire here returns none. */
const anyFastParameters: fc.Arbitrary<BfdSessionParameters> = fc.record({
  desiredMinTxUs: fc.integer({ min: 10_000, max: 1_000_000 }),
  requiredMinRxUs: fc.integer({ min: 10_000, max: 1_000_000 }),
  detectMultiplier: fc.integer({ min: 2, max: 12 }),
  isPassive: fc.boolean(),
});
const anyPair = fc
  .tuple(anyFastParameters, anyFastParameters)
  .map(([left, right]) => [left, { ...right, isPassive: false }] as const);

test.prop([anyPair, fc.nat()])("two ends come Up within two seconds and stay Up", (pair, seed) => {
  const conversation = new Conversation([...pair], seed);
  conversation.run(2_000);
  expect(conversation.areBothUp()).toBe(true);
  conversation.run(20_000);
  expect(conversation.ends.map(({ counters }) => counters.downs)).toEqual([0, 0]);
});

test.prop([anyPair, anyFastParameters, fc.nat()])(
  "a profile changes on a session that is Up without Down, and both keep the new pace",
  (pair, changed, seed) => {
    const conversation = new Conversation([...pair], seed);
    conversation.run(5_000);
    conversation.handle(0, { type: "configure", parameters: { ...changed, isPassive: false } });
    conversation.run(10_000);
    const [left, right] = conversation.ends;
    expect([left.counters.downs, right.counters.downs]).toEqual([0, 0]);
    const paceUs = Math.max(changed.desiredMinTxUs, pair[1].requiredMinRxUs);
    expect(left.transmitIntervalMs).toBeCloseTo(paceUs / 1_000, 6);
    expect(right.detectionTimeMs).toBeCloseTo(
      (changed.detectMultiplier * Math.max(changed.desiredMinTxUs, pair[1].requiredMinRxUs)) /
        1_000,
      6,
    );
  },
);

test.prop([anyPair, fc.nat()])(
  "a third of the packets lost for ten seconds: Up again within five when the loss ends (D13)",
  (pair, seed) => {
    const conversation = new Conversation([...pair], seed);
    conversation.run(3_000);
    conversation.lossShare = 0.3;
    conversation.run(10_000);
    conversation.lossShare = 0;
    conversation.run(5_000);
    expect(conversation.areBothUp()).toBe(true);
  },
);

test.prop([anyPair, fc.nat()])("a dead peer is Down after the detection time", (pair, seed) => {
  const conversation = new Conversation([...pair], seed);
  conversation.run(5_000);
  conversation.lossShare = 1;
  const [left] = conversation.ends;
  const limitMs = left.detectionTimeMs + 3;
  conversation.run(limitMs);
  expect(left.state).toBe("Down");
});

test.prop([anyFastParameters, anyFastParameters, fc.nat()])(
  "two passive ends never come up",
  (left, right, seed) => {
    const passive = { isPassive: true };
    const conversation = new Conversation(
      [
        { ...left, ...passive },
        { ...right, ...passive },
      ],
      seed,
    );
    conversation.run(60_000);
    expect(conversation.sentAtMs).toEqual([[], []]);
  },
);
