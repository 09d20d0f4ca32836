/**
 * One BGP peer: its session and its Adj-RIB-Out together, as the driver sees it. Adds what concerns both: the table when a session
 * comes up, sending no faster than the peer reads, answers to ROUTE-REFRESH, and the order of leaving (withdraw, wait until it is
 * written, say why, close).
 */
import { AdjRibOut, type NextHops } from "./adj-rib-out";
import { planLeave, type LeaveReason } from "./leave";
import { MAX_WITHDRAWAL_WAIT_MS, SEND_BUDGET_OCTETS } from "./limits";
import type { NegotiatedSession, SessionConfiguration } from "./negotiation";
import { toGracefulShutdown } from "./route-attributes";
import { BgpSession } from "./session";
import { earliest } from "./session-connection";
import type { ConnectionId, SessionAction, SessionEvent } from "./session-events";

export interface PeerOptions {
  /** The process has just begun: sets the R bit of graceful restart until the session was Established once. */
  readonly isRestarting: boolean;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Asked when a session is Established; see `chooseNextHops`. */
  readonly nextHopsOf: (connection: ConnectionId, session: NegotiatedSession) => NextHops;
}

interface Leaving {
  readonly reason: LeaveReason;
  readonly text: string;
  /** Routes are announced with the graceful shutdown community; then withdrawn; then the session ends. */
  phase: "shuttingDown" | "withdrawing";
  deadlineMs: number;
}

/** Feed it events and carry out its actions, as with `BgpSession`; change `rib` and then call `flush`. */
export class BgpPeer {
  readonly rib = new AdjRibOut();
  readonly session: BgpSession;
  readonly #nextHopsOf: PeerOptions["nextHopsOf"];
  /** Octets given to the driver and not reported as taken by the kernel. */
  #unsentOctets = 0;
  /** The one the session was last Established on. */
  #connection: ConnectionId | undefined;
  #leaving: Leaving | undefined;

  constructor(configuration: SessionConfiguration, options: PeerOptions) {
    this.session = new BgpSession(configuration, options);
    this.#nextHopsOf = options.nextHopsOf;
  }

  /** As `BgpSession.handle`, with the UPDATEs that became possible. */
  handle(event: SessionEvent, nowMs: number): readonly SessionAction[] {
    const actions = [...this.session.handle(event, nowMs)];
    if (event.type === "sendProgress" && event.connection === this.#connection) {
      this.#unsentOctets = event.unsentOctets;
    }
    for (const action of actions) this.#follow(action, nowMs);
    return [...actions, ...this.flush(nowMs)];
  }

  /** Sends what the peer does not know yet, as far as it reads. */
  flush(nowMs: number): readonly SessionAction[] {
    const actions: SessionAction[] = [];
    if (this.session.state === "Established") {
      this.#advanceLeaving(nowMs);
      while (this.#unsentOctets < SEND_BUDGET_OCTETS) {
        const messages = this.rib.takeMessages(SEND_BUDGET_OCTETS - this.#unsentOctets, nowMs);
        if (messages.length === 0) break;
        for (const { length } of messages) this.#unsentOctets += length;
        actions.push(...this.session.handle({ type: "sendUpdates", messages }, nowMs));
      }
    }
    if (this.#isReadyToStop(nowMs)) actions.push(...this.#stop(nowMs));
    return actions;
  }

  /**
   * Leaves the peer for good, in the order of `planLeave`. With `drainMs` above 0 a drain first asks the peer to prefer other
   * paths (RFC 8326) and gives it that long. The session is Idle at the latest 2 s after that.
   */
  leave(
    reason: LeaveReason,
    options: { readonly text?: string; readonly drainMs?: number },
    nowMs: number,
  ): readonly SessionAction[] {
    const { text = "", drainMs = 0 } = options;
    const isDraining = reason === "drain" && drainMs > 0 && this.session.state === "Established";
    if (isDraining) this.rib.rewriteAll(toGracefulShutdown);
    this.#leaving = {
      reason,
      text,
      phase: "shuttingDown",
      deadlineMs: nowMs + (isDraining ? drainMs : 0),
    };
    return this.flush(nowMs);
  }

  /** When `{ type: "timeout" }` is due next; undefined if nothing is armed. */
  nextDeadlineMs(): number | undefined {
    const isEstablished = this.session.state === "Established";
    // A peer that does not read gets nothing at any time: its progress is what is waited for.
    const canSend = isEstablished && this.#unsentOctets < SEND_BUDGET_OCTETS;
    return earliest([
      this.session.nextDeadlineMs(),
      canSend ? this.rib.nextDeadlineMs() : undefined,
      this.#leaving?.deadlineMs,
    ]);
  }

  #follow(action: SessionAction, nowMs: number): void {
    if (action.type === "established") {
      this.#connection = action.connection;
      this.#unsentOctets = 0;
      const nextHops = this.#nextHopsOf(action.connection, action.session);
      this.rib.start(action.session, nextHops, nowMs);
    } else if (action.type === "down") {
      this.rib.stop();
    } else if (action.type === "refreshRequested") {
      this.rib.requestRefresh(action.family);
    }
  }

  #advanceLeaving(nowMs: number): void {
    const leaving = this.#leaving;
    if (leaving?.phase !== "shuttingDown" || nowMs < leaving.deadlineMs) return;
    const { withdrawsFirst } = planLeave(leaving.reason, this.session.negotiated);
    leaving.phase = "withdrawing";
    leaving.deadlineMs = nowMs + (withdrawsFirst ? MAX_WITHDRAWAL_WAIT_MS : 0);
    if (withdrawsFirst) this.rib.replaceAll([]);
  }

  #isReadyToStop(nowMs: number): boolean {
    const leaving = this.#leaving;
    if (leaving === undefined) return false;
    if (this.session.state !== "Established") return true;
    if (leaving.phase !== "withdrawing") return false;
    const isWritten = this.rib.pendingPrefixes === 0 && this.#unsentOctets === 0;
    return isWritten || nowMs >= leaving.deadlineMs;
  }

  #stop(nowMs: number): readonly SessionAction[] {
    const leaving = this.#leaving;
    this.#leaving = undefined;
    if (leaving === undefined) return [];
    const { reason, text } = leaving;
    const actions = this.session.handle({ type: "manualStop", reason, text }, nowMs);
    for (const action of actions) this.#follow(action, nowMs);
    return actions;
  }
}
