/**
 * The transitions of RFC 4271 §8.2.2 as a table: what a session does on an event in a state. `session.ts` holds the operations.
 * Where the practice of routers differs from the text, the table has the practice: a TCP failure in Connect waits in Active.
 */
import type { FsmEventType, SessionState } from "./session-events";

export type Operation =
  | "ignore"
  /** Closes a connection nobody wants. */
  | "refuse"
  /** Connects; counter to zero. */
  | "startManually"
  | "start"
  /** Waits for the peer to connect. */
  | "listen"
  /** Leaves with the Cease of the reason; counter to zero; stays Idle. */
  | "stop"
  /** Leaves with the Cease of the reason; comes back after the back-off. */
  | "stopAutomatically"
  | "reconnect"
  | "sendOpen"
  | "waitInActive"
  | "track"
  | "negotiate"
  | "sendError"
  | "sendHoldExpired"
  | "sendUnexpected"
  | "sendCollision"
  | "sendBfdDown"
  | "abort"
  | "drop"
  | "sendKeepalive"
  | "establish"
  | "acceptUpdate"
  | "acceptRefresh";

type Row = Readonly<Record<FsmEventType, Operation>>;

const START_IGNORED = {
  manualStart: "ignore",
  automaticStart: "ignore",
  manualStartPassive: "ignore",
  automaticStartPassive: "ignore",
} as const;

/** Messages cannot come without a connection; if one does, the session begins again. */
const NO_MESSAGES = {
  bgpOpen: "drop",
  bgpHeaderErr: "sendError",
  bgpOpenMsgErr: "sendError",
  openCollisionDump: "drop",
  notifMsgVerErr: "drop",
  notifMsg: "drop",
  keepAliveMsg: "drop",
  updateMsg: "drop",
  updateMsgErr: "drop",
  routeRefreshMsg: "drop",
  bfdDown: "ignore",
} as const;

const IDLE: Row = {
  manualStart: "startManually",
  automaticStart: "start",
  manualStartPassive: "listen",
  automaticStartPassive: "listen",
  manualStop: "stop", // Ends the back-off too.
  automaticStop: "ignore",
  connectRetryTimerExpires: "ignore",
  holdTimerExpires: "ignore",
  keepaliveTimerExpires: "ignore",
  idleHoldTimerExpires: "start",
  sendHoldTimerExpires: "ignore",
  tcpConnectionRequestAcked: "refuse",
  tcpConnectionConfirmed: "refuse",
  tcpConnectionFails: "ignore",
  bgpOpen: "ignore",
  bgpHeaderErr: "ignore",
  bgpOpenMsgErr: "ignore",
  openCollisionDump: "ignore",
  notifMsgVerErr: "ignore",
  notifMsg: "ignore",
  keepAliveMsg: "ignore",
  updateMsg: "ignore",
  updateMsgErr: "ignore",
  routeRefreshMsg: "ignore",
  bfdDown: "ignore",
};

const CONNECT: Row = {
  ...START_IGNORED,
  manualStop: "stop",
  automaticStop: "drop",
  connectRetryTimerExpires: "reconnect",
  holdTimerExpires: "drop",
  keepaliveTimerExpires: "drop",
  idleHoldTimerExpires: "drop",
  sendHoldTimerExpires: "drop",
  tcpConnectionRequestAcked: "sendOpen",
  tcpConnectionConfirmed: "sendOpen",
  tcpConnectionFails: "waitInActive",
  ...NO_MESSAGES,
};

const ACTIVE: Row = { ...CONNECT };

const OPEN_SENT: Row = {
  ...START_IGNORED,
  manualStop: "stop",
  automaticStop: "stopAutomatically",
  connectRetryTimerExpires: "sendUnexpected",
  holdTimerExpires: "sendHoldExpired",
  keepaliveTimerExpires: "sendUnexpected",
  idleHoldTimerExpires: "sendUnexpected",
  sendHoldTimerExpires: "abort",
  tcpConnectionRequestAcked: "track",
  tcpConnectionConfirmed: "track",
  tcpConnectionFails: "waitInActive",
  bgpOpen: "negotiate",
  bgpHeaderErr: "sendError",
  bgpOpenMsgErr: "sendError",
  openCollisionDump: "sendCollision",
  notifMsgVerErr: "drop",
  notifMsg: "drop",
  keepAliveMsg: "sendUnexpected",
  updateMsg: "sendUnexpected",
  updateMsgErr: "sendUnexpected",
  routeRefreshMsg: "sendUnexpected",
  bfdDown: "ignore",
};

const OPEN_CONFIRM: Row = {
  ...OPEN_SENT,
  keepaliveTimerExpires: "sendKeepalive",
  tcpConnectionFails: "drop",
  bgpOpen: "sendUnexpected",
  keepAliveMsg: "establish",
};

const ESTABLISHED: Row = {
  ...OPEN_SENT,
  keepaliveTimerExpires: "sendKeepalive",
  tcpConnectionFails: "drop",
  bgpOpen: "sendUnexpected",
  bgpOpenMsgErr: "sendUnexpected",
  keepAliveMsg: "ignore",
  updateMsg: "acceptUpdate",
  updateMsgErr: "sendError",
  routeRefreshMsg: "acceptRefresh",
  bfdDown: "sendBfdDown",
};

const TABLE: Readonly<Record<SessionState, Row>> = {
  Idle: IDLE,
  Connect: CONNECT,
  Active: ACTIVE,
  OpenSent: OPEN_SENT,
  OpenConfirm: OPEN_CONFIRM,
  Established: ESTABLISHED,
};

/** What is done on the event in the state. */
export function operationOf(state: SessionState, event: FsmEventType): Operation {
  return TABLE[state][event];
}
