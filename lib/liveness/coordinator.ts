/**
 * Membership and ownership of one speaker put together, for whoever drives them: the packet thread, or a simulation. Each event
 * goes to both in the right order, and out come all actions in the order in which they are to be carried out.
 */
import {
  DEFAULT_MEMBERSHIP_TIMERS,
  Membership,
  type MembershipAction,
  type MembershipEvent,
  type MembershipTimers,
} from "./membership";
import {
  DEFAULT_OWNERSHIP_TIMERS,
  OwnershipTable,
  PARTING_MS,
  type OwnershipAction,
  type OwnershipEntry,
  type OwnershipTimers,
} from "./ownership";

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
 * its frames are not taken for a stranger's; `ended`: this node has left, everything is released.
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
        return [...this.ownership.suspend(), ...this.ownership.evaluate(nowMs)];
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
    const suspended = event.isReady ? [] : this.ownership.suspend();
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
    if (this.#endMs !== Infinity || nowMs < this.#resolveMs) return actions;
    this.#resolveMs = nowMs + RESOLVE_EVERY_MS;
    const unknown = this.membership.peersWithoutMac();
    return [...actions, ...unknown.map(peerName => ({ type: "resolve", peerName }) as const)];
  }

  #end(nowMs: number): readonly CoordinatorAction[] {
    if (this.#hasEnded || this.#endMs === Infinity) return [];
    const isDone = this.membership.hasLeft && !this.ownership.hasMine;
    if (!isDone && nowMs < this.#endMs) return [];
    this.#hasEnded = true;
    return [...this.ownership.suspend(), { type: "ended" }];
  }
}
