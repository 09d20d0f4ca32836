import { describe, expect, it } from "vitest";
import { newEntry, type Entry } from "../../../../lib/liveness/ownership-entry";
import type { Standing } from "../../../../lib/liveness/peer";
import {
  planSuccession,
  restartingBefore,
  type Succession,
  type SuccessionView,
} from "../../../../lib/liveness/succession";

const VIP = "192.0.2.10";
const NOW_MS = 1_000;

interface Case {
  readonly standing?: Standing;
  readonly isEligible?: boolean;
  readonly standsInFor?: string;
  readonly probesDecidedAtMs?: number;
  readonly entry?: Partial<Entry>;
}

function view(standing: Standing | undefined, isEligible = true): SuccessionView {
  return { detectionMs: 480, standing: () => standing, isEligible: () => isEligible };
}

/** The decision of node-a, for an address that node-b was seen to own unless the case says otherwise. */
function plan(given: Case): Succession {
  const made = newEntry({ address: VIP, candidates: ["node-a", "node-b", "node-c"] });
  const knowledge = {
    view: view(given.standing, given.isEligible),
    suspects: { decidedAtMs: () => given.probesDecidedAtMs },
    standIns: { peerOf: () => given.standsInFor },
  };
  return planSuccession({ ...made, ownerSeen: "node-b", ...given.entry }, knowledge, NOW_MS);
}

const take: Succession = { type: "take" };
const ask = (forMs: number): Succession => ({ type: "ask", forMs });
const leaveToOwner: Succession = { type: "leaveToOwner" };
const asking = { rounds: 1, nextMs: 1_040, takeAtMs: 1_480 };
const noCandidate = { candidates: ["node-a"] };

describe("an address last seen with", () => {
  it.each<[string, Case, Succession]>([
    ["nobody is asked for", { entry: { ownerSeen: undefined } }, ask(120)],
    ["one that left is taken", { standing: "left" }, take],
    ["one that nobody knows is taken", { standing: "unknown" }, take],
    ["one that never was a peer is taken", {}, take],
    ["one that lives is left to it", { standing: "alive" }, leaveToOwner],
    ["one that lives and cannot is taken", { standing: "alive", isEligible: false }, take],
    ["one that has restarted is taken", { standing: "alive", standsInFor: "node-b" }, take],
    [
      "one that restarts is answered for",
      { standing: "held" },
      { type: "standIn", peerName: "node-b" },
    ],
    ["a dead one that was not probed is asked for", { standing: "dead" }, ask(480)],
    ["a dead one, probed in vain, is taken", { standing: "dead", probesDecidedAtMs: 1_000 }, take],
    [
      "a dead one that is being probed waits for that",
      { standing: "dead", probesDecidedAtMs: 1_001 },
      { type: "awaitProbes", untilMs: 1_001 },
    ],
    [
      "a dead one goes on being asked for",
      { standing: "dead", probesDecidedAtMs: 1_000, entry: { asking } },
      ask(480),
    ],
    ["a dead one that we answer for is taken", { standing: "dead", standsInFor: "node-b" }, take],
    ["one that is no candidate is taken", { standing: "alive", entry: noCandidate }, take],
    [
      "one that insisted a moment ago, no candidate, is left to it",
      { standing: "alive", entry: { ...noCandidate, noFailbackBeforeMs: 1_001 } },
      leaveToOwner,
    ],
  ])("%s", (_, given, decision) => {
    expect(plan(given)).toEqual(decision);
  });
});

describe("an address that nobody answers for", () => {
  const candidates = ["node-c", "node-b", "node-a", "node-d"];

  it("belongs to the first that ranks before this node and restarts", () => {
    expect(restartingBefore(candidates, "node-a", view("held"))).toBe("node-c");
    expect(restartingBefore(candidates, "node-c", view("held"))).toBeUndefined();
    expect(restartingBefore(candidates, "node-a", view("dead"))).toBeUndefined();
  });
});
