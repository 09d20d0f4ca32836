/** Every bound of this room in one place. Times are milliseconds unless the name says otherwise. */

/** Octets of a peer's text (shutdown communication, capability strings) that may reach logs and status; longer text is cut. */
export const MAX_PEER_TEXT_CHARACTERS = 128;
/** Problems kept of one message: what one UPDATE can be told to have wrong; further ones are only counted. */
export const MAX_PROBLEMS_PER_MESSAGE = 16;
/** Autonomous systems in one AS_PATH segment (its count is one octet). */
export const MAX_SEGMENT_LENGTH = 255;

/** "Large value" of RFC 4271 §8.2.2: how long OpenSent waits for the peer's OPEN. */
export const OPEN_HOLD_TIME_MS = 240_000;
/** The least send hold time; RFC 9687 proposes eight minutes, which leaves a dead reader with stale routes for too long. */
export const MIN_SEND_HOLD_TIME_MS = 20_000;
/** How long a session must have been Established before its back-off starts from the beginning. */
export const STABLE_AFTER_MS = 60_000;
/** At most one full answer to ROUTE-REFRESH in this time; further requests wait and become one. */
export const ROUTE_REFRESH_INTERVAL_MS = 1_000;
/** The first table and End-of-RIB are never held longer than this for the cluster to be read, nor than half the restart time. */
export const MAX_INITIAL_HOLD_MS = 30_000;
/** Largest restart time that fits the capability (12 bits, RFC 4724 §3). */
export const MAX_RESTART_TIME_SECONDS = 4_095;
/** Octets the Adj-RIB-Out hands out at once: what the driver keeps unsent per peer. */
export const SEND_BUDGET_OCTETS = 65_536;
/** How long leaving waits for the withdrawals to be written before it says goodbye anyway. */
export const MAX_WITHDRAWAL_WAIT_MS = 2_000;
