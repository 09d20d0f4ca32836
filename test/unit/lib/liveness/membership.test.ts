import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  Membership,
  type MembershipAction,
  type MembershipEvent,
} from "../../../../lib/liveness/membership";
import { toNodeId, type HeartbeatBody } from "../../../../lib/liveness/message";

const CHANGED: MembershipAction = { type: "changed" };
const SEND: MembershipAction = { type: "sendHeartbeat" };
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 7);

interface Said {
  readonly from: string;
  readonly bootId?: bigint;
  readonly isNewest?: boolean;
  readonly body?: Partial<HeartbeatBody>;
}

function heartbeat({ from, bootId = 1n, isNewest = true, body = {} }: Said): MembershipEvent {
  return {
    type: "heartbeat",
    heartbeat: {
      nodeName: from,
      header: { keyNumber: 0, nodeId: toNodeId(from), bootId, counter: 1n },
      isNewest,
      isListedSource: true,
      body: {
        startTimeMs: 0,
        intervalMs: 80,
        multiplier: 6,
        isEligible: true,
        isLeaving: false,
        isRestartHold: false,
        isSilentListCut: false,
        isUplinkLost: false,
        silentPeers: [],
        interfaces: [],
        ...body,
      },
    },
  };
}

/** Lists the node as silent for ever, so that the report says nothing about it. */
function silent(nodeName: string, silentMs = 65_535): Partial<HeartbeatBody> {
  return { silentPeers: [{ nodeId: toNodeId(nodeName), silentMs }] };
}

/** A speaker on node-a at time 0 with peers, synced, that heard nobody yet. */
function started(peerNames: readonly string[] = ["node-b", "node-c"]): Membership {
  const membership = new Membership("node-a", 1000);
  membership.handle({ type: "synced" }, 0);
  membership.handle({ type: "configured", peerNames: ["node-a", ...peerNames] }, 0);
  return membership;
}

function active(): Membership {
  const membership = started();
  membership.handle(heartbeat({ from: "node-b", body: silent("node-c") }), 0);
  membership.handle(heartbeat({ from: "node-c", body: silent("node-b") }), 0);
  return membership;
}

/** Lets the timers run until `untilMs`; when node-b was first dead. */
function runUntil(membership: Membership, untilMs: number): number | undefined {
  for (;;) {
    const nextMs = membership.nextDeadlineMs() ?? Infinity;
    if (nextMs > untilMs) return undefined;
    membership.handle({ type: "timeout" }, nextMs);
    if (membership.standing("node-b") === "dead") return nextMs;
  }
}

describe("a speaker that starts", () => {
  it("sends at once and then every 80 ms", () => {
    const membership = new Membership("node-a", 0);
    const configured: MembershipEvent = { type: "configured", peerNames: ["node-b"] };
    expect(membership.nextDeadlineMs()).toBeUndefined();
    expect(membership.handle(configured, 50)).toEqual([CHANGED, SEND]);
    expect(membership.nextDeadlineMs()).toBe(130);
    expect(membership.handle({ type: "timeout" }, 129)).toEqual([]);
    expect(membership.handle({ type: "timeout" }, 130.4)).toEqual([SEND]);
    expect(membership.nextDeadlineMs()).toBe(210);
  });

  it("has nothing due while there is nobody to speak to, and speaks at once to whoever comes", () => {
    const membership = started([]);
    expect(membership.isEligible("node-a")).toBe(true);
    expect(membership.nextDeadlineMs()).toBeUndefined();
    expect(membership.stallLimitMs).toBe(Infinity);
    membership.handle({ type: "configured", peerNames: ["node-a", "node-b"] }, 5_000);
    expect(membership.stallLimitMs).toBe(380);
    expect(membership.nextDeadlineMs()).toBeLessThanOrEqual(5_000);
    expect(membership.handle({ type: "timeout" }, 5_000)).toEqual([SEND]);
    expect(membership.nextDeadlineMs()).toBe(5_080);
    membership.handle({ type: "configured", peerNames: ["node-a"] }, 5_020);
    expect(membership.nextDeadlineMs()).toBeUndefined();
  });

  it("may own nothing until it heard every peer, and says so at once when it did", () => {
    const membership = started(["node-b"]);
    expect(membership.isEligible("node-a")).toBe(false);
    expect(membership.handle(heartbeat({ from: "node-b" }), 30)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a")).toBe(true);
    expect(membership.heartbeatBody(30)).toMatchObject({ isEligible: true, silentPeers: [] });
  });

  it("waits twice the detection time for peers that never speak", () => {
    const membership = started();
    runUntil(membership, 959);
    expect(membership.isEligible("node-a")).toBe(false);
    runUntil(membership, 960);
    expect(membership.isEligible("node-a")).toBe(true);
  });
});

describe("a peer", () => {
  it("is suspect after three intervals and dead after six, when another one is heard", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-c", body: silent("node-b") }), 200);
    runUntil(membership, 239);
    expect(membership.suspects()).toEqual([]);
    runUntil(membership, 240);
    expect(membership.suspects()).toEqual(["node-b"]);
    expect(runUntil(membership, 600)).toBe(480);
    expect(membership.suspects()).not.toContain("node-b");
  });

  it("is dead only after twice that when nobody else is heard: the fault may be here", () => {
    const membership = started(["node-b"]);
    membership.handle(heartbeat({ from: "node-b" }), 0);
    expect(runUntil(membership, 2000)).toBe(960);
  });

  it("lives on while another one hears it, and a list that was cut says nothing", () => {
    for (const [body, deadMs] of [
      // Not listed: heard within the last 120 ms.
      [{}, 400 - 120 + 480],
      [silent("node-b", 50), 400 - 50 + 480],
      [silent("node-b"), 480],
      [{ isSilentListCut: true }, 480],
    ] as const) {
      const membership = active();
      membership.handle(heartbeat({ from: "node-c", body }), 400);
      expect(runUntil(membership, 2000)).toBe(deadMs);
    }
  });

  it("lives on while its frames are seen, and may own whatever its old heartbeats said", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-b", body: { isEligible: false } }), 10);
    membership.handle({ type: "sign", peerName: "node-b" }, 400);
    expect(membership.isEligible("node-b")).toBe(false);
    membership.handle({ type: "sign", peerName: "node-b" }, 600);
    expect(membership.isEligible("node-b")).toBe(true);
  });

  it("that refuses heartbeats is asked twice more and dead after 120 ms", () => {
    const membership = active();
    runUntil(membership, 80);
    membership.handle({ type: "refused", peerName: "node-b" }, 81);
    expect(membership.suspects()).toEqual(["node-b"]);
    expect(membership.handle({ type: "timeout" }, 101)).toContainEqual({
      ...SEND,
      to: "node-b",
    });
    membership.handle({ type: "refused", peerName: "node-b" }, 102);
    expect(runUntil(membership, 1000)).toBe(201);
  });

  it("that refuses once, or was silent before, is only silent", () => {
    const once = active();
    once.handle({ type: "refused", peerName: "node-b" }, 81);
    expect(runUntil(once, 2000)).toBeGreaterThanOrEqual(480);
    const closed = active();
    closed.handle({ type: "refused", peerName: "node-b" }, 300);
    closed.handle({ type: "refused", peerName: "node-b" }, 320);
    expect(runUntil(closed, 479)).toBeUndefined();
  });

  it("has left when it says so, until a new start", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-b", body: { isLeaving: true } }), 10);
    expect(membership.standing("node-b")).toBe("left");
    membership.handle(heartbeat({ from: "node-b", isNewest: false }), 11);
    expect(membership.standing("node-b")).toBe("left");
    membership.handle(heartbeat({ from: "node-b", bootId: 2n }), 12);
    expect(membership.standing("node-b")).toBe("alive");
  });

  it("that restarts is waited for ten seconds", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-b", body: { isRestartHold: true } }), 10);
    expect(membership.standing("node-b")).toBe("held");
    expect(runUntil(membership, 20_000)).toBe(10_010);
  });

  it("that restarts is alive again when it may own addresses, not when it merely started", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-b", body: { isRestartHold: true } }), 10);
    membership.handle(heartbeat({ from: "node-b", bootId: 2n, body: { isEligible: false } }), 900);
    expect(membership.standing("node-b")).toBe("held");
    membership.handle(heartbeat({ from: "node-b", bootId: 2n }), 1_000);
    expect(membership.isEligible("node-b")).toBe(true);
  });

  it("that restarts is dead when its host, which answered since, is silent", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-b", body: { isRestartHold: true } }), 10);
    membership.handle({ type: "hostSign", peerName: "node-b" }, 2_000);
    expect(runUntil(membership, 20_000)).toBe(2_480);
  });

  it("is known by the MAC addresses of its heartbeats, else by that of its node address", () => {
    const membership = active();
    const record = { nameHash: 1, isUp: true, hasCarrier: true, isProven: true };
    membership.handle(
      heartbeat({ from: "node-b", body: { interfaces: [{ ...record, mac: MAC }] } }),
      1,
    );
    expect(membership.peerByMac("02:00:00:00:00:07")).toBe("node-b");
    membership.learnMac("node-b", "02:00:00:00:00:08");
    expect(membership.peerByMac("02:00:00:00:00:08")).toBeUndefined();
    const deaf = started();
    deaf.learnMac("node-c", "02:00:00:00:00:08");
    expect(deaf.peerByMac("02:00:00:00:00:08")).toBe("node-c");
    expect(deaf.peersWithoutMac()).toEqual(["node-b"]);
  });

  it("that was lost and is heard again gets announcements again", () => {
    const membership = active();
    membership.handle(heartbeat({ from: "node-c", body: silent("node-b") }), 300);
    expect(membership.handle(heartbeat({ from: "node-b" }), 700)).toContainEqual({
      type: "announceAgain",
      peerName: "node-b",
    });
    membership.handle(heartbeat({ from: "node-b", body: silent("node-a", 480) }), 710);
    expect(membership.handle(heartbeat({ from: "node-b" }), 720)).toContainEqual({
      type: "announceAgain",
      peerName: "node-b",
    });
  });
});

describe("a speaker", () => {
  it("that cannot hear the segment may own nothing, and says so at once", () => {
    const membership = active();
    expect(membership.handle({ type: "link", isReady: false }, 10)).toEqual([CHANGED, SEND]);
    expect(membership.heartbeatBody(10).isEligible).toBe(false);
    expect(membership.handle({ type: "link", isReady: true }, 20)).toEqual([CHANGED, SEND]);
  });

  it("gives up when its gateway is silent, but only if it answers another one", () => {
    const membership = active();
    const lost = { isUplinkLost: true };
    for (const from of ["node-b", "node-c"]) membership.handle(heartbeat({ from, body: lost }), 10);
    membership.handle({ type: "uplink", isReachable: false }, 20);
    expect(membership.heartbeatBody(20).isUplinkLost).toBe(true);
    membership.handle(heartbeat({ from: "node-b", body: lost }), 2_020);
    expect(membership.isEligible("node-a")).toBe(true);
    expect(membership.handle(heartbeat({ from: "node-b" }), 2_100)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a")).toBe(false);
    membership.handle({ type: "uplink", isReachable: true }, 2_200);
    expect(membership.isEligible("node-a")).toBe(true);
  });

  it("leaves for good when nobody is to wait for it", () => {
    const membership = active();
    membership.setTimers({ intervalMs: 80, multiplier: 6 }, 0);
    membership.handle({ type: "leave", isRestart: true }, 10);
    expect(membership.heartbeatBody(10)).toMatchObject({ isLeaving: true, isRestartHold: false });
  });

  it("knows peers on its segment by the MAC address of the interface of the same name", () => {
    const membership = active();
    const record = { isUp: true, hasCarrier: true, isProven: true };
    const other = Uint8Array.of(2, 0, 0, 0, 0, 8);
    const interfaces = [
      { ...record, nameHash: 1, mac: MAC },
      { ...record, nameHash: 2, mac: other },
    ];
    membership.handle(heartbeat({ from: "node-b", body: { interfaces } }), 1);
    expect(membership.macBeside("node-b", 2)).toBe("02:00:00:00:00:08");
    expect(membership.macBeside("node-b", 3)).toBeUndefined();
  });

  it("says three times that it leaves, or that it comes back", () => {
    for (const isRestart of [false, true]) {
      const membership = active();
      const sent = [membership.handle({ type: "leave", isRestart }, 10)];
      expect(membership.heartbeatBody(10)).toMatchObject({
        isLeaving: !isRestart,
        isRestartHold: isRestart,
        isEligible: false,
      });
      for (const atMs of [20, 30]) sent.push(membership.handle({ type: "timeout" }, atMs));
      expect(sent.flat().filter(({ type }) => type === "sendHeartbeat")).toHaveLength(3);
      expect(membership.nextDeadlineMs()).toBeUndefined();
      expect(membership.hasLeft).toBe(true);
    }
  });

  const event: fc.Arbitrary<MembershipEvent> = fc.oneof(
    fc
      .record({
        from: fc.constantFrom("node-b", "node-c", "stranger"),
        bootId: fc.bigInt(1n, 3n),
        isNewest: fc.boolean(),
        body: fc.record({
          isEligible: fc.boolean(),
          isLeaving: fc.boolean(),
          isRestartHold: fc.boolean(),
          intervalMs: fc.nat(65_535),
          multiplier: fc.nat(255),
        }),
      })
      .map(heartbeat),
    fc.constantFrom<MembershipEvent>(
      { type: "timeout" },
      { type: "synced" },
      { type: "configured", peerNames: ["node-b"] },
      { type: "configured", peerNames: ["node-b", "node-c"] },
      { type: "sign", peerName: "node-b" },
      { type: "refused", peerName: "node-c" },
      { type: "link", isReady: false },
      { type: "link", isReady: true },
      { type: "uplink", isReachable: false },
      { type: "uplink", isReachable: true },
      { type: "hostSign", peerName: "node-c" },
      { type: "leave" },
      { type: "leave", isRestart: true },
    ),
  );

  test.prop([fc.array(fc.tuple(event, fc.nat(700)), { maxLength: 60 })])(
    "never throws, and a timeout that ran leaves no deadline behind it",
    steps => {
      const membership = new Membership("node-a", 0);
      let nowMs = 0;
      for (const [each, waitMs] of steps) {
        nowMs += waitMs;
        membership.handle(each, nowMs);
        membership.handle({ type: "timeout" }, nowMs);
        expect(membership.nextDeadlineMs() ?? Infinity).toBeGreaterThan(nowMs);
      }
    },
  );
});

describe("interfaces", () => {
  const wanted = new Set([7, 8]);
  const usable = { mac: MAC, isUp: true, hasCarrier: true, isProven: true };

  it("of a peer decide what it may own, as soon as its heartbeat says so", () => {
    const membership = active();
    const say = (records: readonly (typeof usable & { nameHash: number })[]) =>
      membership.handle(heartbeat({ from: "node-b", body: { interfaces: [...records] } }), 10);
    expect(say([{ ...usable, nameHash: 8 }])).toContainEqual(CHANGED);
    expect(membership.isEligible("node-b", wanted)).toBe(true);
    expect(say([{ ...usable, nameHash: 8, isProven: false }])).toContainEqual(CHANGED);
    expect(membership.isEligible("node-b", wanted)).toBe(false);
    expect(membership.isEligible("node-b")).toBe(true);
  });

  it("of a peer that is known by its frames alone are believed to be there", () => {
    const membership = started();
    membership.handle({ type: "sign", peerName: "node-b" }, 10);
    expect(membership.isEligible("node-b", wanted)).toBe(true);
  });

  it("of this node are told to the others at once when they change, and only then", () => {
    const membership = active();
    membership.handle({ type: "synced" }, 10);
    const interfaces = [{ ...usable, nameHash: 7 }];
    expect(membership.handle({ type: "interfaces", interfaces }, 20)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a", wanted)).toBe(true);
    expect(membership.handle({ type: "interfaces", interfaces }, 30)).toEqual([]);
    expect(membership.handle({ type: "interfaces", interfaces: [] }, 40)).toEqual([CHANGED, SEND]);
    expect(membership.isEligible("node-a", wanted)).toBe(false);
    expect(membership.isEligible("node-a")).toBe(true);
  });
});
