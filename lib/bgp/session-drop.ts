/** Why and how a session goes to Idle: pure descriptions that `session.ts` carries out. */
import { causeOfNotification, type FailureCause } from "./backoff";
import type { BgpDecodeError } from "./codec/decode-error";
import { makeNotification, unwrapHardReset, type NotificationMessage } from "./codec/notification";
import { CeaseSubcode, ErrorCode, FsmErrorSubcode } from "./constants";
import { planLeave, type LeaveReason } from "./leave";
import type { NegotiatedSession } from "./negotiation";
import type { SessionState } from "./session-events";
import { describeErrorCode, describeNotification } from "./notification-text";

const { cease } = ErrorCode;

export const COLLISION = makeNotification(cease, CeaseSubcode.connectionCollisionResolution);
export const BFD_DOWN = makeNotification(cease, CeaseSubcode.bfdDown);
export const HOLD_TIMER_EXPIRED = makeNotification(ErrorCode.holdTimerExpired, 0);
export const UNEXPECTED_IN_OPEN_SENT = makeNotification(
  ErrorCode.finiteStateMachineError,
  FsmErrorSubcode.receiveUnexpectedMessageInOpenSent,
);

export interface Drop {
  readonly words: string;
  /** What the back-off goes by; without one the session stays Idle until it is started. */
  readonly cause?: FailureCause;
  /** Sent on every connection before it is closed. */
  readonly notification?: NotificationMessage;
  /** Close by RST whatever is unsent. */
  readonly isAbort?: boolean;
}

/** The peer sent what a NOTIFICATION answers. */
export function dropForError(error: BgpDecodeError): Drop {
  const { code, subcode } = error;
  return {
    words: `${error.reason}, ${describeErrorCode(code, subcode)}`,
    cause: causeOfNotification(code, subcode),
    notification: toNotification(error),
  };
}

/** We end the session with a NOTIFICATION of our own. */
export function dropFor(notification: NotificationMessage): Drop {
  return {
    words: describeNotification(notification),
    cause: causeOfNotification(notification.code, notification.subcode),
    notification,
  };
}

/** The peer does not read: the NOTIFICATION is tried, the connection cut (RFC 9687 §4.4). */
export function dropForSendHold(): Drop {
  return { ...dropFor(makeNotification(ErrorCode.sendHoldTimerExpired, 0)), isAbort: true };
}

/** The peer sent a message that the state does not know (RFC 6608). */
export function dropForUnexpected(state: SessionState): Drop {
  const { finiteStateMachineError } = ErrorCode;
  if (state === "OpenSent") return dropFor(UNEXPECTED_IN_OPEN_SENT);
  const subcode =
    state === "OpenConfirm"
      ? FsmErrorSubcode.receiveUnexpectedMessageInOpenConfirm
      : FsmErrorSubcode.receiveUnexpectedMessageInEstablished;
  return dropFor(makeNotification(finiteStateMachineError, subcode));
}

/** The peer ended the session; a NOTIFICATION is never answered (RFC 4271 §6.4). */
export function dropForNotification(message: NotificationMessage, wasEstablished: boolean): Drop {
  const { code, subcode } = unwrapHardReset(message);
  const cause = causeOfNotification(code, subcode);
  // A peer that answers our OPEN with anything but OPEN refuses us, whatever reason it gives.
  const isRefusal = !wasEstablished && (cause === "protocol" || cause === "transport");
  return {
    words: `peer sent ${describeNotification(message)}`,
    cause: isRefusal ? "refused" : cause,
  };
}

/** We leave for a reason; with a cause the session comes back after its back-off. */
export function dropToLeave(
  { reason, text }: { readonly reason: LeaveReason; readonly text?: string },
  session: NegotiatedSession | undefined,
  cause?: FailureCause,
): Drop {
  const { notification } = planLeave(reason, session, text);
  return {
    words: `stopped: ${reason}`,
    ...(cause === undefined ? {} : { cause }),
    ...(notification === undefined ? {} : { notification }),
  };
}

/** The NOTIFICATION that tells a defect. */
export function toNotification({ code, subcode, data }: BgpDecodeError): NotificationMessage {
  return makeNotification(code, subcode, data);
}
