/**
 * What the best of those who live does about an address that it does not own. A decision from what is known of the one that was
 * seen to own it; `ownership.ts` carries it out.
 *
 * ```
 *  who was seen to own it          what we do
 *  nobody ........................ ask (three probes), take when nobody answers
 *  one that died ................. take at once if it was probed in vain, else ask for as long as detection takes
 *  one that left, or cannot ...... take at once
 *  one that restarts ............. answer in its place, with its MAC address, until it is back
 *  one that lives ................ leave it to it for the failback delay (asking once a second), then announce: it yields
 * ```
 */
import type { WantedInterfaces } from "./interfaces";
import type { Entry } from "./ownership-entry";
import type { Standing } from "./peer";
import type { StandIns } from "./stand-ins";
import { PROBE_INTERVAL_MS, PROBE_ROUNDS } from "./suspect-probes";
import type { SuspectWatch } from "./suspect-watch";

/**
 * `take`: own it from now on. `ask`: the segment; take it when nobody has answered for `forMs`. `leaveToOwner`: for the failback
 * delay. `standIn`: answer in the place of the peer. `awaitProbes`: what was asked of the dead owner is decided at that time.
 */
export type Succession =
  | { readonly type: "take" }
  | { readonly type: "ask"; readonly forMs: number }
  | { readonly type: "leaveToOwner" }
  | { readonly type: "standIn"; readonly peerName: string }
  | { readonly type: "awaitProbes"; readonly untilMs: number };

/** What `Membership` knows of other speakers. */
export interface SuccessionView {
  /** A dead owner that was not probed is asked for this long. */
  readonly detectionMs: number;
  standing(nodeName: string): Standing | undefined;
  isEligible(nodeName: string, wanted?: WantedInterfaces): boolean;
}

export interface SuccessionKnowledge {
  readonly view: SuccessionView;
  readonly suspects: Pick<SuspectWatch, "decidedAtMs">;
  readonly standIns: Pick<StandIns, "peerOf">;
}

/** Three probes, and for the answer to the last as long as between two. */
export const ASK_MS = PROBE_ROUNDS * PROBE_INTERVAL_MS;

const TAKE: Succession = { type: "take" };
const LEAVE_TO_OWNER: Succession = { type: "leaveToOwner" };

/** The decision for an address that is not ours, while this node is the best of those who live. */
export function planSuccession(
  entry: Readonly<Entry>,
  knowledge: SuccessionKnowledge,
  nowMs: number,
): Succession {
  const { ownerSeen } = entry;
  const { view } = knowledge;
  if (ownerSeen === undefined) return { type: "ask", forMs: ASK_MS };
  if (isDismissed(entry, ownerSeen, view, nowMs)) return TAKE;
  switch (view.standing(ownerSeen)) {
    case "alive":
      return mayServeOn(entry, ownerSeen, knowledge) ? LEAVE_TO_OWNER : TAKE;
    case "held":
      return { type: "standIn", peerName: ownerSeen };
    case "dead":
      return planInheritance(entry, ownerSeen, knowledge, nowMs);
    case "left":
    case "unknown":
    case undefined:
      return TAKE;
  }
}

/**
 * The one to which an address that nobody answers for most likely belongs: the first that ranks before `nodeName` and restarts.
 * Undefined when there is none.
 */
export function restartingBefore(
  candidates: readonly string[],
  nodeName: string,
  view: SuccessionView,
): string | undefined {
  const before = candidates.slice(0, candidates.indexOf(nodeName));
  return before.find(name => view.standing(name) === "held");
}

/** It is no candidate any more; one that insisted on the address a moment ago has yet to hear of that. */
function isDismissed(
  entry: Readonly<Entry>,
  ownerSeen: string,
  view: SuccessionView,
  nowMs: number,
): boolean {
  if (entry.candidates.includes(ownerSeen)) return false;
  return nowMs >= entry.noFailbackBeforeMs || !view.isEligible(ownerSeen, entry.wanted);
}

/** The owner lives, and may own it until the failback delay is over. */
function mayServeOn(
  entry: Readonly<Entry>,
  ownerSeen: string,
  { view, standIns }: SuccessionKnowledge,
): boolean {
  // One that restarted and ranks after us would have to be asked back: the move that was due comes at once.
  if (standIns.peerOf(entry.address) === ownerSeen) return false;
  return view.isEligible(ownerSeen, entry.wanted);
}

/** The owner died: what we asked while it was silent decides; who did not ask has to ask for longer. */
function planInheritance(
  entry: Readonly<Entry>,
  ownerSeen: string,
  { view, suspects, standIns }: SuccessionKnowledge,
  nowMs: number,
): Succession {
  if (standIns.peerOf(entry.address) === ownerSeen) return TAKE;
  const decidedAtMs = suspects.decidedAtMs(ownerSeen);
  if (decidedAtMs === undefined || entry.asking !== undefined) {
    return { type: "ask", forMs: view.detectionMs };
  }
  return nowMs >= decidedAtMs ? TAKE : { type: "awaitProbes", untilMs: decidedAtMs };
}
