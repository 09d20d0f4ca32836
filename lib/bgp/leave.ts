/** How to leave a peer so that it does with our routes what is wanted (RFC 4486, RFC 4724, RFC 8538, RFC 9003). */
import { makeCease, wrapInHardReset, type NotificationMessage } from "./codec/notification";
import { CeaseSubcode } from "./constants";
import type { NegotiatedSession } from "./negotiation";

/**
 * - `restart`: this process comes back at once; routes stay where the peer helps.
 * - `drain`: the node stops carrying traffic.
 * - `removed`: the peer is no longer configured, or not for this node.
 * - `changed`: parameters changed, a new session follows.
 */
export type LeaveReason = "restart" | "drain" | "removed" | "changed";

export interface LeavePlan {
  /** Every route is withdrawn, and the withdrawal written, before the NOTIFICATION. */
  readonly withdrawsFirst: boolean;
  /** The last message; undefined closes in silence, which a graceful restart peer takes for a crash and keeps the routes. */
  readonly notification?: NotificationMessage;
}

/**
 * The plan for a session that has reached what `session` says; undefined before its OPENs. A peer that keeps routes over a
 * NOTIFICATION (RFC 8538) is told with a hard reset where they must go.
 */
export function planLeave(
  reason: LeaveReason,
  session: NegotiatedSession | undefined,
  text = "",
): LeavePlan {
  const keepsOverNotification = session?.gracefulRestart?.supportsNotification === true;
  const forGood = (notification: NotificationMessage): NotificationMessage =>
    keepsOverNotification ? wrapInHardReset(notification) : notification;
  switch (reason) {
    case "restart":
      return { withdrawsFirst: false, ...planRestart(session, text) };
    case "drain":
      return {
        withdrawsFirst: true,
        notification: forGood(makeCease(CeaseSubcode.administrativeShutdown, text)),
      };
    case "removed":
      return {
        withdrawsFirst: true,
        notification: forGood(makeCease(CeaseSubcode.peerDeconfigured)),
      };
    case "changed":
      return {
        withdrawsFirst: false,
        notification: makeCease(CeaseSubcode.otherConfigurationChange),
      };
  }
}

/** A peer that keeps routes only over a lost connection must not see a NOTIFICATION. */
function planRestart(
  session: NegotiatedSession | undefined,
  text: string,
): { readonly notification?: NotificationMessage } {
  const gracefulRestart = session?.gracefulRestart;
  if (gracefulRestart?.supportsNotification === false) return {};
  return { notification: makeCease(CeaseSubcode.administrativeReset, text) };
}
