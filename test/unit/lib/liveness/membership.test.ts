import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  Membership,
  type MembershipAction,
  type MembershipEvent,
} from "../../../../lib/liveness/membership";
import { toNodeId, type HeartbeatBody } from "../../../../lib/liveness/message";
import { electOwner } from "../../../../lib/liveness/ownership";

const CHANGED: MembershipAction = { type: "changed" };
const SEND: MembershipAction = { type: "sendHeartbeat" };

interface Said {
  readonly from: string;
  readonly bootId?: bigint;
  readonly counter?: bigint;
  readonly isNewest?: boolean;
  readonly body?: Partial<HeartbeatBody>;
}

function heartbeat({
  from,
  bootId = 1n,
  counter = 1n,
  isNewest = true,
  body = {},
}: Said): MembershipEvent {
  return {
    type: "heartbeat",
    heartbeat: {
      nodeName: from,
      header: { keyNumber: 0, nodeId: toNodeId(from), bootId, counter },
      isNewest,
      isListedSource: true,
      body: {
        startTimeMs: 0,
        intervalMs: 100,
        multiplier: 5,
        isEligible: true,
        isLeaving: false,
        isRestartHold: false,
        isSilentListCut: false,
        silentPeers: [],
        interfaces: [],
        ...body,
      },
    },
  };
}

/** A speaker on node-a at time 0, synced and configured with node-b and node-c, that heard nobody yet. */
function started(): Membership {
  const membership = new Membership("node-a", 1000);
  membership.handle({ type: "synced" }, 0);
  membership.handle({ type: "configured", peerNames: ["node-a", "node-b", "node-c"] }, 0);
  return membership;
}

/** The same after it heard both peers at time 0. */
function active(): Membership {
  const membership = started();
  membership.handle(heartbeat({ from: "node-b" }), 0);
  membership.handle(heartbeat({ from: "node-c" }), 0);
  return membership;
}

describe("a speaker that starts", () => {
  it("sends at once and then every 100 ms", () => {
    const membership = new Membership("node-a", 0);
    const configured: MembershipEvent = { type: "configured", peerNames: ["node-b"] };
    expect(membership.nextDeadlineMs()).toBeUndefined();
    expect(membership.handle(configured, 50)).toEqual([CHANGED, SEND]);
    expect(membership.nextDeadlineMs()).toBe(150);
    expect(membership.handle({ type: "timeout" }, 149)).toEqual([]);
    expect(membership.handle({ type: "timeout" }, 150.4)).toEqual([SEND]);
    expect(membership.nextDeadlineMs()).toBe(250);
  });

  it("may own nothing until it heard every peer, and says so at once when it did", () => {
    const membership = started();
    expect(membership.heartbeatBody(0).isEligible).toBe(false);
    membership.handle(heartbeat({ from: "node-b" }), 10);
    expect(membership.isEligible("node-a")).toBe(false);
    expect(membership.handle(heartbeat({ from: "node-c" }), 20)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a")).toBe(true);
    expect(membership.heartbeatBody(20).isEligible).toBe(true);
  });

  it("waits one second for peers that are silent, no longer", () => {
    const membership = started();
    membership.handle({ type: "timeout" }, 999);
    expect(membership.isEligible("node-a")).toBe(false);
    expect(membership.nextDeadlineMs()).toBeLessThanOrEqual(1000);
    expect(membership.handle({ type: "timeout" }, 1000)).toContainEqual(CHANGED);
    expect(membership.isEligible("node-a")).toBe(true);
  });

  it("may own nothing before it was told what there is to own", () => {
    const membership = new Membership("node-a", 0);
    membership.handle({ type: "configured", peerNames: [] }, 0);
    expect(membership.isEligible("node-a")).toBe(false);
    expect(membership.aliveNames()).toEqual(["node-a"]);
    expect(membership.handle({ type: "synced" }, 5)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a")).toBe(true);
    expect(membership.handle({ type: "synced" }, 6)).toEqual([]);
  });

  it("without peers is ready at once", () => {
    const membership = new Membership("node-a", 0);
    membership.handle({ type: "synced" }, 0);
    membership.handle({ type: "configured", peerNames: ["node-a"] }, 0);
    expect(membership.isEligible("node-a")).toBe(true);
  });
});

describe("a peer", () => {
  it("is alive from its first heartbeat, and eligible when it says so", () => {
    const membership = started();
    const starting = heartbeat({ from: "node-b", body: { isEligible: false } });
    expect(membership.handle(starting, 1)).toEqual([CHANGED]);
    expect(membership.aliveNames()).toEqual(["node-a", "node-b"]);
    expect(membership.isEligible("node-b")).toBe(false);
    expect(membership.handle(heartbeat({ from: "node-b" }), 2)).toEqual([CHANGED]);
    expect(membership.isEligible("node-b")).toBe(true);
    expect(membership.handle(heartbeat({ from: "node-b" }), 3)).toEqual([]);
  });

  it("that was silent for 500 ms is not alive, and is again with its next heartbeat", () => {
    const membership = active();
    for (let atMs = 100; atMs <= 400; atMs += 100) {
      membership.handle(heartbeat({ from: "node-c" }), atMs);
      expect(membership.handle({ type: "timeout" }, atMs)).toEqual([SEND]);
    }
    expect(membership.nextDeadlineMs()).toBe(500);
    membership.handle({ type: "timeout" }, 499.9);
    expect(membership.isEligible("node-b")).toBe(true);
    expect(membership.handle({ type: "timeout" }, 500)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-b")).toBe(false);
    expect(membership.isEligible("node-c")).toBe(true);
    expect(membership.handle(heartbeat({ from: "node-b" }), 700)).toContainEqual(CHANGED);
    expect(membership.isEligible("node-b")).toBe(true);
  });

  it("is timed by its own interval and multiplier, within bounds", () => {
    const membership = active();
    const slow = { intervalMs: 1000, multiplier: 3 };
    membership.handle(heartbeat({ from: "node-b", body: slow }), 0);
    const endless = { intervalMs: 65_535, multiplier: 255 };
    membership.handle(heartbeat({ from: "node-c", body: endless }), 0);
    membership.handle({ type: "timeout" }, 2999);
    expect(membership.isEligible("node-b")).toBe(true);
    membership.handle({ type: "timeout" }, 3000);
    expect(membership.isEligible("node-b")).toBe(false);
    membership.handle({ type: "timeout" }, 30_000);
    expect(membership.isEligible("node-c")).toBe(false);
  });

  it("that leaves is gone at once and stays so until it starts again", () => {
    const membership = active();
    const leaving = heartbeat({ from: "node-b", body: { isLeaving: true } });
    expect(membership.handle(leaving, 10)).toEqual([CHANGED]);
    expect(membership.aliveNames()).toEqual(["node-a", "node-c"]);
    // Overtaken by the farewell.
    const late = heartbeat({ from: "node-b", isNewest: false });
    expect(membership.handle(late, 11)).toEqual([]);
    expect(membership.isEligible("node-b")).toBe(false);
    expect(membership.handle(heartbeat({ from: "node-b", bootId: 2n }), 900)).toEqual([CHANGED]);
    expect(membership.isEligible("node-b")).toBe(true);
  });

  it("is not judged by a heartbeat that was overtaken", () => {
    const membership = active();
    const starting = heartbeat({ from: "node-b", isNewest: false, body: { isEligible: false } });
    expect(membership.handle(starting, 10)).toEqual([]);
    expect(membership.isEligible("node-b")).toBe(true);
  });

  it("that is taken from the list counts no more, and one that is not on it never does", () => {
    const membership = active();
    const fewer: MembershipEvent = { type: "configured", peerNames: ["node-c"] };
    expect(membership.handle(fewer, 10)).toEqual([CHANGED]);
    expect(membership.handle(heartbeat({ from: "node-b" }), 11)).toEqual([]);
    expect(membership.aliveNames()).toEqual(["node-a", "node-c"]);
  });

  it("that is new on the list does not make a running speaker listen again", () => {
    const membership = active();
    const more: MembershipEvent = { type: "configured", peerNames: ["node-b", "node-c", "node-d"] };
    membership.handle(more, 10);
    expect(membership.isEligible("node-a")).toBe(true);
    expect(membership.isEligible("node-d")).toBe(false);
  });

  it("is listed as silent after 1.5 intervals, for ever when it was never heard", () => {
    const membership = started();
    membership.handle(heartbeat({ from: "node-b" }), 0);
    const silent = (nowMs: number): unknown => membership.heartbeatBody(nowMs).silentPeers;
    const never = { nodeId: toNodeId("node-c"), silentMs: 65_535 };
    expect(silent(149)).toEqual([never]);
    expect(silent(150)).toEqual([{ nodeId: toNodeId("node-b"), silentMs: 150 }, never]);
  });
});

describe("a speaker announces again what a peer may have announced", () => {
  const AGAIN: MembershipAction = { type: "announceAgain", peerName: "node-b" };
  const lists = (silentMs: number, isEligible = true): MembershipEvent =>
    heartbeat({
      from: "node-b",
      body: { isEligible, silentPeers: [{ nodeId: toNodeId("node-a"), silentMs }] },
    });

  it("when a peer that it lost is back", () => {
    const membership = active();
    membership.handle({ type: "timeout" }, 500);
    expect(membership.handle(heartbeat({ from: "node-b" }), 600)).toEqual([CHANGED, AGAIN]);
    expect(membership.handle(heartbeat({ from: "node-b" }), 700)).toEqual([]);
  });

  it("when a peer that had lost it hears it again: it was stopped, or what it sent was lost", () => {
    const membership = active();
    expect(membership.handle(lists(500), 10)).toEqual([]);
    expect(membership.handle(lists(600), 110)).toEqual([]);
    expect(membership.handle(heartbeat({ from: "node-b" }), 210)).toEqual([AGAIN]);
    expect(membership.handle(heartbeat({ from: "node-b" }), 310)).toEqual([]);
  });

  it("but not for a single lost heartbeat, and not for a peer that only starts", () => {
    const membership = active();
    membership.handle(lists(499), 10);
    expect(membership.handle(heartbeat({ from: "node-b" }), 110)).toEqual([]);
    membership.handle(lists(65_535, false), 210);
    expect(membership.handle(heartbeat({ from: "node-b" }), 310)).toEqual([CHANGED]);
  });

  it("but not while it may own nothing itself", () => {
    const membership = active();
    membership.handle({ type: "timeout" }, 600);
    membership.handle({ type: "linkReturned" }, 700);
    expect(membership.handle(heartbeat({ from: "node-b" }), 710)).toEqual([CHANGED]);
  });
});

describe("a speaker", () => {
  it("that slept does not catch up on heartbeats", () => {
    const membership = active();
    expect(membership.handle({ type: "timeout" }, 5000)).toContainEqual(SEND);
    expect(membership.nextDeadlineMs()).toBe(5100);
  });

  it("whose link returns while it hears nobody listens first", () => {
    const membership = active();
    membership.handle({ type: "timeout" }, 600);
    expect(membership.aliveNames()).toEqual(["node-a"]);
    expect(membership.handle({ type: "linkReturned" }, 700)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a")).toBe(false);
    membership.handle(heartbeat({ from: "node-b" }), 710);
    membership.handle(heartbeat({ from: "node-c" }), 720);
    expect(membership.isEligible("node-a")).toBe(true);
  });

  it("whose link returns while it hears somebody goes on", () => {
    const membership = active();
    expect(membership.handle({ type: "linkReturned" }, 10)).toEqual([]);
    expect(membership.isEligible("node-a")).toBe(true);
  });

  it("that leaves says so three times and owns nothing from the first", () => {
    const membership = active();
    expect(membership.handle({ type: "leave" }, 50)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a")).toBe(false);
    expect(membership.aliveNames()).toEqual(["node-b", "node-c"]);
    expect(membership.heartbeatBody(50)).toMatchObject({ isLeaving: true, isEligible: false });
    expect(membership.nextDeadlineMs()).toBe(60);
    expect(membership.handle({ type: "timeout" }, 59)).toEqual([]);
    expect(membership.handle({ type: "timeout" }, 60)).toEqual([SEND]);
    expect(membership.handle({ type: "timeout" }, 70)).toEqual([CHANGED, SEND]);
    expect(membership.nextDeadlineMs()).toBeUndefined();
    expect(membership.heartbeatBody(70).isLeaving).toBe(true);
  });

  it("without peers leaves silently", () => {
    const membership = new Membership("node-a", 0);
    membership.handle({ type: "configured", peerNames: [] }, 0);
    expect(membership.handle({ type: "leave" }, 1)).toEqual([CHANGED]);
    expect(membership.nextDeadlineMs()).toBeUndefined();
  });
});

const anyEvent: fc.Arbitrary<MembershipEvent> = fc.oneof(
  fc.constantFrom<MembershipEvent>(
    { type: "synced" },
    { type: "timeout" },
    { type: "linkReturned" },
    { type: "leave" },
  ),
  fc
    .subarray(["node-a", "node-b", "node-c", "node-d"])
    .map((peerNames): MembershipEvent => ({ type: "configured", peerNames })),
  fc
    .record({
      from: fc.constantFrom("node-b", "node-c", "node-x"),
      bootId: fc.bigInt({ min: 1n, max: 3n }),
      isNewest: fc.boolean(),
      body: fc.record({
        isEligible: fc.boolean(),
        isLeaving: fc.boolean(),
        intervalMs: fc.nat(65_535),
        multiplier: fc.nat(255),
      }),
    })
    .map(heartbeat),
);

describe("Membership", () => {
  test.prop([fc.array(fc.tuple(anyEvent, fc.nat(1500)), { maxLength: 60 })], { numRuns: 500 })(
    "in every state bears every event: eligible nodes live, changes are told, deadlines lie ahead",
    steps => {
      const membership = new Membership("node-a", 0);
      const names = ["node-a", "node-b", "node-c", "node-d", "node-x"];
      const view = (): string =>
        `${names.filter(name => membership.isEligible(name)).join()} ${membership.aliveNames().join()}`;
      let nowMs = 0;
      let hasLeft = false;
      for (const [event, waitMs] of steps) {
        nowMs += waitMs;
        const before = view();
        const actions = membership.handle(event, nowMs);
        if (view() !== before) expect(actions).toContainEqual(CHANGED);
        hasLeft ||= event.type === "leave";
        if (hasLeft) expect(membership.isEligible("node-a")).toBe(false);
        const alive = membership.aliveNames();
        for (const name of names.filter(name => membership.isEligible(name))) {
          expect(alive).toContain(name);
        }
        membership.handle({ type: "timeout" }, nowMs);
        const deadlineMs = membership.nextDeadlineMs();
        if (deadlineMs !== undefined) expect(deadlineMs).toBeGreaterThan(nowMs);
        expect(membership.heartbeatBody(nowMs).silentPeers.length).toBeLessThanOrEqual(4);
      }
    },
  );
});

describe("electOwner", () => {
  it("takes the first candidate that is eligible", () => {
    const alive = new Set(["b", "c"]);
    expect(electOwner(["a", "c", "b"], name => alive.has(name))).toBe("c");
    expect(electOwner(["a"], name => alive.has(name))).toBeUndefined();
    expect(electOwner([], () => true)).toBeUndefined();
  });
});
