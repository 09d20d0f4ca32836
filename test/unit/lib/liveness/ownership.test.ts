import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { OwnershipTable, type MembershipView } from "../../../../lib/liveness/ownership";
import type { Standing } from "../../../../lib/liveness/peer";

const VIP = "192.0.2.10";

class View implements MembershipView {
  readonly nodeName = "node-a";
  readonly intervalMs = 80;
  readonly detectionMs = 480;
  standings: Record<string, Standing> = { "node-b": "alive", "node-c": "alive" };
  suspectNames: readonly string[] = [];
  ineligible: readonly string[] = [];
  signs: Record<string, number> = {};

  isEligible(name: string): boolean {
    const isAlive = name === this.nodeName || this.standings[name] === "alive";
    return isAlive && !this.ineligible.includes(name);
  }

  standing(name: string): Standing | undefined {
    return this.standings[name];
  }

  suspects(): readonly string[] {
    return this.suspectNames;
  }

  lastSignMs(name: string): number | undefined {
    return this.signs[name];
  }
}

function table(candidates: readonly string[] = ["node-a", "node-b", "node-c"]): {
  view: View;
  table: OwnershipTable;
} {
  const view = new View();
  const made = new OwnershipTable(view);
  made.change([{ address: VIP, candidates }], [], 0);
  return { view, table: made };
}

const take = { type: "take", address: VIP };
const release = { type: "release", address: VIP };
const probe = { type: "probe", address: VIP };
const announce = { type: "announce", address: VIP };
const standIn = { type: "standIn", address: VIP, peerName: "node-b" };
const endStandIn = { type: "endStandIn", address: VIP };

/** Runs the timers until `untilMs`; when the address was taken. */
function untilTaken(made: OwnershipTable, untilMs: number): number | undefined {
  for (;;) {
    const nextMs = made.nextDeadlineMs() ?? Infinity;
    if (nextMs > untilMs) return undefined;
    if (made.timeout(nextMs).some(({ type }) => type === "take")) return nextMs;
  }
}

/** Owned by this node since time 0. */
function owned(candidates?: readonly string[]): ReturnType<typeof table> {
  const made = table(candidates);
  made.view.standings = {};
  made.table.evaluate(-120);
  untilTaken(made.table, 0);
  made.view.standings = { "node-b": "alive", "node-c": "alive" };
  return made;
}

describe("an address that is not ours, for which we are best", () => {
  it("is asked for three times and taken after 120 ms when nobody was seen to own it", () => {
    const made = table().table;
    expect(made.evaluate(0)).toEqual([probe]);
    expect(made.timeout(39)).toEqual([]);
    expect(made.timeout(40)).toEqual([probe]);
    expect(made.timeout(80)).toEqual([probe]);
    expect(made.timeout(120)).toEqual([take]);
    expect(made.isMine(VIP)).toBe(true);
  });

  it("is left to one that answers, for ten seconds", () => {
    const made = table().table;
    made.evaluate(0);
    made.claim(VIP, "node-b", 41);
    expect(made.owner(VIP)).toBe("node-b");
    for (let second = 1; second <= 10; second += 1) {
      expect(untilTaken(made, second * 1000 - 1)).toBeUndefined();
      made.claim(VIP, "node-b", second * 1000 - 1);
    }
    expect(untilTaken(made, 11_000)).toBe(10_000);
  });

  it("is taken from one that does not answer any more, though it lives", () => {
    const made = table().table;
    made.claim(VIP, "node-b", 0);
    made.evaluate(0);
    expect(untilTaken(made, 5_000)).toBe(1_120);
  });

  it.each(["left", "unknown"] as const)("is taken at once when its owner is %s", standing => {
    const { view, table: made } = table();
    made.claim(VIP, "node-b", 0);
    view.standings["node-b"] = standing;
    expect(made.evaluate(1)).toEqual([take]);
  });

  it("is taken at once when its owner may not own it, or is no candidate", () => {
    const first = table();
    first.table.claim(VIP, "node-b", 0);
    first.view.ineligible = ["node-b"];
    expect(first.table.evaluate(1)).toEqual([take]);
    const second = table(["node-a", "node-c"]);
    expect(second.table.claim(VIP, "node-b", 0)).toContainEqual(take);
  });

  it("is left for ten seconds to one that may not have it and insists: its view lags", () => {
    // By hash, which decides when the two views differ, node-b comes first for this address.
    const made = owned(["node-a", "node-c"]).table;
    for (let count = 0; count < 3; count += 1) made.claim(VIP, "node-b", 1_000 + count * 25);
    expect(made.claim(VIP, "node-b", 1_100)).toEqual([release]);
    for (let second = 2; second <= 11; second += 1) {
      expect(untilTaken(made, second * 1000)).toBeUndefined();
      made.claim(VIP, "node-b", second * 1000);
    }
    expect(untilTaken(made, 12_000)).toBeLessThanOrEqual(11_120);
  });

  it("is answered for in the place of an owner that restarts, and not taken", () => {
    const { view, table: made } = table(["node-b", "node-a"]);
    made.claim(VIP, "node-b", 0);
    view.standings["node-b"] = "held";
    expect(made.evaluate(1)).toEqual([standIn]);
    expect(made.evaluate(2)).toEqual([]);
    expect([...made.stoodInFor()]).toEqual(["node-b"]);
    expect(made.owner(VIP)).toBe("node-b");
    expect(made.nextDeadlineMs()).toBeUndefined();
  });

  it("is answered for 300 ms after the owner is back, or until it announces it", () => {
    for (const isAnnounced of [false, true]) {
      const { view, table: made } = table(["node-b", "node-a"]);
      made.claim(VIP, "node-b", 0);
      view.standings["node-b"] = "held";
      made.evaluate(1);
      view.standings["node-b"] = "alive";
      expect(made.evaluate(1_000)).toEqual([]);
      if (isAnnounced) expect(made.claim(VIP, "node-b", 1_120)).toEqual([endStandIn]);
      else expect(made.timeout(made.nextDeadlineMs() ?? 0)).toEqual([endStandIn]);
      expect([...made.stoodInFor()]).toEqual([]);
      expect(made.nextDeadlineMs()).toBeUndefined();
    }
  });

  it("is taken when the one that restarts does not come back, or ranks after us", () => {
    for (const standing of ["dead", "left", "alive"] as const) {
      const { view, table: made } = table();
      made.claim(VIP, "node-b", 0);
      view.standings["node-b"] = "held";
      made.evaluate(1);
      view.standings["node-b"] = standing;
      expect(made.evaluate(2)).toEqual([endStandIn, take]);
    }
  });

  it("is left to one that ranks before us and restarts, though nobody was seen to own it", () => {
    const { view, table: made } = table(["node-b", "node-a"]);
    view.standings["node-b"] = "held";
    made.evaluate(0);
    expect(untilTaken(made, 120)).toBeUndefined();
    expect([...made.stoodInFor()]).toEqual(["node-b"]);
  });

  it("is not answered for in another's place where that is forbidden", () => {
    const { view, table: made } = table(["node-b", "node-a"]);
    made.setTimers({ failbackMs: 10_000, isStandInAllowed: false });
    made.claim(VIP, "node-b", 0);
    view.standings["node-b"] = "held";
    expect(made.evaluate(1)).toEqual([]);
  });

  it("is taken back at once or never, as asked", () => {
    for (const [failbackMs, takenMs] of [
      [0, 0],
      [Infinity, undefined],
    ] as const) {
      const made = table().table;
      made.setTimers({ failbackMs });
      const first = made.claim(VIP, "node-b", 0).some(({ type }) => type === "take");
      let atMs = first ? 0 : undefined;
      for (let nowMs = 100; nowMs < 30_000 && atMs === undefined; nowMs += 100) {
        atMs = untilTaken(made, nowMs);
        made.claim(VIP, "node-b", nowMs);
      }
      expect(atMs).toBe(takenMs);
    }
  });

  it("is probed while its owner is suspect, and taken in the moment it is dead", () => {
    const { view, table: made } = table(["node-b", "node-a"]);
    made.claim(VIP, "node-b", 0);
    view.suspectNames = ["node-b"];
    view.signs["node-b"] = 0;
    expect(made.evaluate(240)).toEqual([probe]);
    expect([280, 320].flatMap(atMs => made.timeout(atMs))).toEqual([probe, probe]);
    expect(made.timeout(400)).toEqual([{ ...probe, to: "node-b" }]);
    view.suspectNames = [];
    view.standings["node-b"] = "dead";
    expect(made.evaluate(480)).toEqual([take]);
  });

  it("is asked for as long as detection takes when its owner died unprobed", () => {
    const { view, table: made } = table();
    made.claim(VIP, "node-b", 0);
    view.standings["node-b"] = "dead";
    expect(made.evaluate(1_000)).toEqual([probe]);
    expect(untilTaken(made, 5_000)).toBe(1_480);
  });
});

describe("an address for which another one is best", () => {
  it("is left alone", () => {
    const made = table(["node-b", "node-a"]).table;
    expect(made.evaluate(0)).toEqual([]);
    expect(made.nextDeadlineMs()).toBeUndefined();
  });

  it("stays ours until the better one announces it", () => {
    const made = owned(["node-b", "node-a"]).table;
    expect(made.evaluate(10)).toEqual([]);
    expect(made.claim(VIP, "node-b", 20)).toEqual([release]);
    expect(made.isMine(VIP)).toBe(false);
  });
});

describe("an address that is ours", () => {
  it("is announced against a worse one, every 20 ms at most", () => {
    const made = owned().table;
    expect(made.claim(VIP, "node-b", 100)).toEqual([announce]);
    expect(made.claim(VIP, "node-b", 110)).toEqual([]);
    expect(made.claim(VIP, "node-b", 120)).toEqual([announce]);
  });

  it("goes to the same node on both sides when their rankings differ", () => {
    const { table: here } = owned(["node-a", "node-b"]);
    const outcomes = Array.from({ length: 6 }, (_, index) =>
      here.claim(VIP, "node-b", 100 + index * 30).map(({ type }) => type),
    ).flat();
    // SHA-256 of "node-a#192.0.2.10" is above that of node-b.
    expect(outcomes).toEqual(["announce", "announce", "announce", "release"]);
  });

  it("is given up by a node that may be blind, and asked for afterwards", () => {
    const made = owned().table;
    expect(made.suspend(0)).toEqual([release]);
    expect(made.evaluate(10)).toEqual([probe]);
  });

  it("is answered for until somebody takes it, when this node may not have it any more", () => {
    const taken = owned().table;
    expect(taken.change([], [VIP], 100)).toEqual([]);
    expect(taken.isMine(VIP)).toBe(true);
    expect(taken.claim(VIP, "node-c", 150)).toEqual([release]);
    const untaken = owned().table;
    untaken.change([], [VIP], 100);
    expect(untaken.nextDeadlineMs()).toBe(400);
    expect(untaken.timeout(400)).toEqual([release]);
    expect(untaken.nextDeadlineMs()).toBeUndefined();
  });

  it("and was to be given up, stays ours without a deadline when it is wanted again", () => {
    const made = owned().table;
    made.change([], [VIP], 100);
    made.change([{ address: VIP, candidates: ["node-a", "node-b"] }], [], 500);
    expect(made.evaluate(500)).toEqual([]);
    expect(made.nextDeadlineMs()).toBeUndefined();
  });

  it("and was to be given up, is released once when the claim comes late", () => {
    const made = owned().table;
    made.change([], [VIP], 100);
    expect(made.claim(VIP, "node-b", 900)).toEqual([release]);
    expect(made.timeout(900)).toEqual([]);
  });

  it("goes to whoever announces it while this node may own nothing", () => {
    const { view, table: made } = owned();
    view.ineligible = ["node-a"];
    expect(made.evaluate(5)).toEqual([]);
    expect(made.claim(VIP, "node-b", 10)).toEqual([release]);
  });

  it("goes to whoever announces it once this node leaves", () => {
    const made = owned().table;
    made.leave();
    expect(made.claim(VIP, "node-c", 10)).toEqual([release]);
    expect(made.hasMine).toBe(false);
  });
});

type Step = (made: OwnershipTable, view: View, nowMs: number) => readonly { type: string }[];

const PEER = fc.constantFrom("node-b", "node-c");
const STANDING = fc.constantFrom<Standing>("alive", "dead", "left", "held", "unknown");
const step: fc.Arbitrary<Step> = fc.oneof(
  PEER.map(
    (peer): Step =>
      (made, _view, nowMs) =>
        made.claim(VIP, peer, nowMs),
  ),
  fc.tuple(PEER, STANDING).map(
    ([peer, standing]): Step =>
      (_made, view) => {
        view.standings[peer] = standing;
        return [];
      },
  ),
  PEER.map(
    (peer): Step =>
      (_made, view) => {
        view.suspectNames = view.standings[peer] === "alive" ? [peer] : [];
        return [];
      },
  ),
  fc.constant<Step>(made => made.suspend(0)),
  fc.constant<Step>((made, _view, nowMs) => made.change([], [VIP], nowMs)),
  fc.constant<Step>((made, _view, nowMs) =>
    made.change([{ address: VIP, candidates: ["node-a", "node-b", "node-c"] }], [], nowMs),
  ),
);

test.prop([fc.array(fc.tuple(step, fc.nat(600)), { maxLength: 60 })], { numRuns: 500 })(
  "takes and releases in turn, and a timeout that ran leaves no deadline behind it",
  steps => {
    const { view, table: made } = table();
    let nowMs = 0;
    let isOwner = false;
    for (const [apply, waitMs] of steps) {
      nowMs += waitMs;
      const actions = [
        ...apply(made, view, nowMs),
        ...made.evaluate(nowMs),
        ...made.timeout(nowMs),
      ].filter(({ type }) => type === "take" || type === "release");
      for (const { type } of actions) {
        expect(isOwner).toBe(type === "release");
        isOwner = type === "take";
      }
      expect(made.nextDeadlineMs() ?? Infinity).toBeGreaterThan(nowMs);
    }
  },
);

describe("an address that wants certain interfaces", () => {
  /** Node-a owns it on `eth1` or `eth2`; who has one of them is said by `with_`. */
  function onInterfaces(with_: readonly string[]) {
    const made = table();
    made.table.change(
      [{ address: VIP, candidates: ["node-a", "node-b", "node-c"], interfaces: ["eth1", "eth2"] }],
      [],
      0,
    );
    let able = with_;
    const isAlive = made.view.isEligible.bind(made.view);
    made.view.isEligible = (name: string, wanted?: ReadonlySet<number>) =>
      isAlive(name) && (wanted === undefined || able.includes(name));
    return {
      ...made,
      setAble: (names: readonly string[]) => {
        able = names;
      },
    };
  }

  it("passes over a better node that has none of them", () => {
    const made = onInterfaces(["node-b"]);
    expect(made.table.evaluate(0)).toEqual([]);
    expect(made.table.owner(VIP)).toBe("node-b");
  });

  it("is given up at once when the last of them goes and another node has one", () => {
    const made = onInterfaces(["node-a", "node-b"]);
    made.table.evaluate(0);
    expect(untilTaken(made.table, 1_000)).toBe(120);
    made.setAble(["node-b"]);
    expect(made.table.evaluate(2_000)).toEqual([release]);
    expect(made.table.owner(VIP)).toBe("node-b");
  });

  it("is taken at once from an owner that lost the last of them", () => {
    const made = onInterfaces(["node-b", "node-a"]);
    made.table.evaluate(0);
    made.table.claim(VIP, "node-b", 10);
    made.setAble(["node-a"]);
    expect(made.table.evaluate(20)).toEqual([take]);
  });

  it("belongs to the best of all when nobody has one: that node says so", () => {
    const made = onInterfaces([]);
    made.table.evaluate(0);
    expect(untilTaken(made.table, 1_000)).toBe(120);
    expect(made.table.evaluate(2_000)).toEqual([]);
    expect(made.table.isMine(VIP)).toBe(true);
  });

  it("is yielded to whoever announces it, by a node that has none of them", () => {
    const made = onInterfaces([]);
    made.table.evaluate(0);
    untilTaken(made.table, 1_000);
    made.setAble(["node-c"]);
    expect(made.table.claim(VIP, "node-c", 2_000)).toContainEqual(release);
  });
});
