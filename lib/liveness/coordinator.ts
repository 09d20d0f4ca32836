/**
 * Membership and ownership of one speaker put together, for whoever drives them: the packet thread, or a simulation. Each event
 * goes to both in the right order, and out come all actions in the order in which they are to be carried out.
 */
import { Membership, type MembershipAction, type MembershipEvent } from "./membership";
import { OwnershipTable, PARTING_MS, type OwnershipAction } from "./ownership";
import type { OwnershipEntry } from "./ownership-entry";
import {
  DEFAULT_MEMBERSHIP_TIMERS,
  DEFAULT_OWNERSHIP_TIMERS,
  type MembershipTimers,
  type OwnershipTimers,
} from "./timers";

export type CoordinatorEvent =
  | MembershipEvent
  /** The desired set of addresses changed. */
  | {
      readonly type: "entries";
      readonly changed: readonly OwnershipEntry[];
      readonly removed: readonly string[];
    }
  /** A frame of the peer claims the address: an answer, an announcement, anything with it as sender. */
  | { readonly type: "claim"; readonly address: string; readonly peerName: string }
  /** The loop woke so late that others may have judged this node dead. */
  | { readonly type: "stalled" };

/**
 * Those of membership and ownership, and `resolve`: ask for the node address of a peer whose MAC address is not known, so that
 * its frames are not taken for a stranger's, or whose host may go down while its speaker restarts; `ended`: this node has left,
 * everything is released.
 */
export type CoordinatorAction =
  | MembershipAction
  | OwnershipAction
  | { readonly type: "resolve"; readonly peerName: string }
  | { readonly type: "ended" };

const RESOLVE_EVERY_MS = 1_000;

export class Coordinator {
  readonly membership: Membership;
  readonly ownership: OwnershipTable;
  #resolveMs = 0;
  #watchHostsMs = 0;
  #endMs = Infinity;
  #hasEnded = false;

  constructor(
    nodeName: string,
    startTimeMs: number,
    timers: MembershipTimers = DEFAULT_MEMBERSHIP_TIMERS,
    ownershipTimers: OwnershipTimers = DEFAULT_OWNERSHIP_TIMERS,
  ) {
    this.membership = new Membership(nodeName, startTimeMs, timers);
    this.ownership = new OwnershipTable(this.membership, ownershipTimers);
  }

  handle(event: CoordinatorEvent, nowMs: number): readonly CoordinatorAction[] {
    switch (event.type) {
      case "entries": {
        const parted = this.ownership.change(event.changed, event.removed, nowMs);
        return [...parted, ...this.ownership.evaluate(nowMs)];
      }
      case "claim": {
        const { address, peerName } = event;
        const signs = this.#tell({ type: "sign", peerName }, nowMs);
        const settled = this.ownership.claim(address, peerName, nowMs);
        return [...signs, ...settled, ...this.#end(nowMs)];
      }
      case "stalled":
        return [...this.ownership.suspend(nowMs), ...this.ownership.evaluate(nowMs)];
      case "link":
        return this.#setLink(event, nowMs);
      case "leave":
        return this.#leave(event, nowMs);
      case "timeout":
        return this.#timeout(nowMs);
      default:
        return this.#tell(event, nowMs);
    }
  }

  /** When `timeout` is due next; undefined when nothing is armed. Early calls are harmless. */
  nextDeadlineMs(): number | undefined {
    if (this.#hasEnded) return undefined;
    let deadlineMs = Math.min(this.membership.nextDeadlineMs() ?? Infinity, this.#endMs);
    deadlineMs = Math.min(deadlineMs, this.ownership.nextDeadlineMs() ?? Infinity);
    if (this.membership.peersWithoutMac().length > 0) {
      deadlineMs = Math.min(deadlineMs, this.#resolveMs);
    }
    if (this.#isStandingIn()) deadlineMs = Math.min(deadlineMs, this.#watchHostsMs);
    return deadlineMs === Infinity ? undefined : deadlineMs;
  }

  #tell(event: MembershipEvent, nowMs: number): readonly CoordinatorAction[] {
    const actions: readonly CoordinatorAction[] = this.membership.handle(event, nowMs);
    if (!actions.some(({ type }) => type === "changed")) return actions;
    return [...this.ownership.evaluate(nowMs), ...actions];
  }

  /** Blindness gives up everything before anybody is told. */
  #setLink(
    event: MembershipEvent & { readonly type: "link" },
    nowMs: number,
  ): readonly CoordinatorAction[] {
    const suspended = event.isReady ? [] : this.ownership.suspend(nowMs);
    return [...suspended, ...this.#tell(event, nowMs)];
  }

  /** Answers go on until others have taken over, or for a moment. */
  #leave(
    event: MembershipEvent & { readonly type: "leave" },
    nowMs: number,
  ): readonly CoordinatorAction[] {
    if (this.#endMs !== Infinity) return [];
    this.#endMs = nowMs + PARTING_MS;
    this.ownership.leave();
    return [...this.#tell(event, nowMs), ...this.#end(nowMs)];
  }

  #timeout(nowMs: number): readonly CoordinatorAction[] {
    const actions = [
      ...this.#tell({ type: "timeout" }, nowMs),
      ...this.ownership.timeout(nowMs),
      ...this.#end(nowMs),
    ];
    if (this.#endMs !== Infinity) return actions;
    const asked = [...this.#unknownHosts(nowMs), ...this.#heldHosts(nowMs)];
    return [...actions, ...asked.map(peerName => ({ type: "resolve", peerName }) as const)];
  }

  #unknownHosts(nowMs: number): readonly string[] {
    if (nowMs < this.#resolveMs) return [];
    this.#resolveMs = nowMs + RESOLVE_EVERY_MS;
    return this.membership.peersWithoutMac();
  }

  /** A speaker that restarts says nothing about its machine: whoever answers in its place asks the machine itself. */
  #heldHosts(nowMs: number): readonly string[] {
    if (nowMs < this.#watchHostsMs || !this.#isStandingIn()) return [];
    this.#watchHostsMs = nowMs + this.membership.intervalMs;
    return [...this.ownership.stoodInFor()];
  }

  #isStandingIn(): boolean {
    for (const _ of this.ownership.stoodInFor()) return true;
    return false;
  }

  #end(nowMs: number): readonly CoordinatorAction[] {
    if (this.#hasEnded || this.#endMs === Infinity) return [];
    // What is kept for us nobody takes: then the moment is for the stand-in to begin.
    const isDone = this.membership.hasLeft && !this.ownership.hasMine;
    if (!isDone && nowMs < this.#endMs) return [];
    this.#hasEnded = true;
    return [...this.ownership.suspend(nowMs), { type: "ended" }];
  }
}
