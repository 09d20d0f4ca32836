/** What goes into a session and what comes out of it. Numbers are those of RFC 4271 §8.1. */
import type { AddressFamily } from "./codec/address-family";
import type { BgpDecodeError } from "./codec/decode-error";
import type { NotificationMessage } from "./codec/notification";
import type { OpenMessage } from "./codec/open";
import type { RouteRefreshMessage } from "./codec/route-refresh";
import type { UpdateSurvey } from "./codec/update";
import type { LeaveReason } from "./leave";
import type { NegotiatedSession } from "./negotiation";

/** As RFC 4271 writes them. */
export type SessionState =
  | "Idle"
  | "Connect"
  | "Active"
  | "OpenSent"
  | "OpenConfirm"
  | "Established";

/** Names one TCP connection; never used again within a session. */
export type ConnectionId = number;

/**
 * What the driver tells. It reports nothing more of a connection once it was told to close it. Not spoken: the variants with
 * damping (6, 7: damping is always on), TCP that is not accepted yet (14, 15) and delayed OPEN (12, 20).
 */
export type SessionEvent =
  /** 1. */
  | { readonly type: "manualStart" }
  /** 2. Withdrawals come first, through `sendUpdates`. */
  | { readonly type: "manualStop"; readonly reason: LeaveReason; readonly text?: string }
  /** 3. */
  | { readonly type: "automaticStart" }
  /** 4: waits for the peer to connect before connecting. */
  | { readonly type: "manualStartPassive" }
  /** 5. */
  | { readonly type: "automaticStartPassive" }
  /** 8: ends the session, which comes back after its back-off. */
  | { readonly type: "automaticStop"; readonly reason: LeaveReason; readonly text?: string }
  /** 9, 10, 11, 13, 29: `nextDeadlineMs` has come. */
  | { readonly type: "timeout" }
  /** 16: the connection asked for is up. */
  | { readonly type: "connected"; readonly connection: ConnectionId }
  /** 17: the peer has connected; the id comes from `allocateConnectionId`. */
  | { readonly type: "accepted"; readonly connection: ConnectionId }
  /** 18: refused, timed out, reset or closed by the peer. */
  | { readonly type: "connectionFailed"; readonly connection: ConnectionId; readonly words: string }
  /** 19, 21, 22, 24 … 28: octets of the stream, which must not change during the call. */
  | { readonly type: "octets"; readonly connection: ConnectionId; readonly octets: Uint8Array }
  /** 23. */
  | { readonly type: "openCollisionDump" }
  /** Whole messages of the Adj-RIB-Out; ignored unless Established. */
  | { readonly type: "sendUpdates"; readonly messages: readonly Uint8Array[] }
  /** The kernel took octets, `unsentOctets` are left. Feeds the send hold timer (RFC 9687). */
  | {
      readonly type: "sendProgress";
      readonly connection: ConnectionId;
      readonly unsentOctets: number;
    }
  /** BFD says the path is gone (RFC 5882 §4.1, RFC 9384): ends a session that is Established, shortens nothing else. */
  | { readonly type: "bfdDown" }
  /** BFD says the path is back: a session that waits because of BFD starts at once. */
  | { readonly type: "bfdUp" };

export type SentMessageType = "open" | "update" | "notification" | "keepalive" | "routeRefresh";

/** What the driver does, in this order. */
export type SessionAction =
  | { readonly type: "connect"; readonly connection: ConnectionId }
  | {
      readonly type: "send";
      readonly connection: ConnectionId;
      readonly message: SentMessageType;
      readonly octets: Uint8Array;
    }
  /** Closes after what was sent is written; with `isAbort` at once, by RST, whatever is unsent. */
  | { readonly type: "close"; readonly connection: ConnectionId; readonly isAbort: boolean }
  | {
      readonly type: "stateChanged";
      readonly from: SessionState;
      readonly to: SessionState;
      readonly words: string;
    }
  /** Time to send the whole table and End-of-RIB. */
  | {
      readonly type: "established";
      readonly connection: ConnectionId;
      readonly session: NegotiatedSession;
    }
  /** The session is no longer Established; nothing that was sent is known to be held by the peer. */
  | { readonly type: "down"; readonly words: string }
  | {
      readonly type: "notification";
      readonly direction: "sent" | "received";
      readonly code: number;
      readonly subcode: number;
      /** One line, peer's text sanitised and cut. */
      readonly words: string;
    }
  /** The peer asks for the family's whole table (RFC 2918). */
  | { readonly type: "refreshRequested"; readonly family: AddressFamily }
  /** Something was left out of a message without harm to the session (RFC 7606); for logs and counters by reason. */
  | {
      readonly type: "malformed";
      readonly message: "open" | "update";
      readonly problems: readonly BgpDecodeError[];
      readonly problemCount: number;
    };

/** One event of RFC 4271 §8.1 at the connection that counts. */
export type FsmEvent =
  | { readonly type: "manualStart" | "automaticStart" }
  | { readonly type: "manualStartPassive" | "automaticStartPassive" }
  | {
      readonly type: "manualStop" | "automaticStop";
      readonly reason: LeaveReason;
      readonly text?: string;
    }
  | { readonly type: "connectRetryTimerExpires" | "holdTimerExpires" | "keepaliveTimerExpires" }
  | { readonly type: "idleHoldTimerExpires" | "sendHoldTimerExpires" }
  | { readonly type: "tcpConnectionRequestAcked"; readonly connection: ConnectionId }
  | { readonly type: "tcpConnectionConfirmed"; readonly connection: ConnectionId }
  | { readonly type: "tcpConnectionFails"; readonly words: string }
  | { readonly type: "bgpOpen"; readonly open: OpenMessage }
  | { readonly type: "bgpHeaderErr" | "bgpOpenMsgErr"; readonly error: BgpDecodeError }
  | { readonly type: "openCollisionDump" | "bfdDown" }
  | {
      readonly type: "notifMsgVerErr" | "notifMsg";
      readonly notification: NotificationMessage;
    }
  | { readonly type: "keepAliveMsg" }
  | { readonly type: "updateMsg"; readonly survey: UpdateSurvey | undefined }
  | { readonly type: "updateMsgErr"; readonly error: BgpDecodeError }
  | { readonly type: "routeRefreshMsg"; readonly refresh: RouteRefreshMessage };

export type FsmEventType = FsmEvent["type"];

/** Messages and routes since the session was made; for metrics. */
export interface SessionCounters {
  readonly received: Readonly<Record<SentMessageType, number>>;
  readonly sent: Readonly<Record<SentMessageType, number>>;
  readonly announcedPrefixes: number;
  readonly withdrawnPrefixes: number;
  readonly malformedMessages: number;
  /** Times the session left Established. */
  readonly flaps: number;
}
