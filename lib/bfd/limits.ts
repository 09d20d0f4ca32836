/** Bounds of BFD. */

/** Until a session is Up it sends no faster than this (RFC 5880 §6.8.3). */
export const SLOW_INTERVAL_US = 1_000_000;
/** Sessions of one table; what is configured beyond them is refused. */
export const MAX_SESSIONS = 1_024;
/** How often, and how far apart, a session that is taken away says so. */
export const ADMIN_DOWN_PACKETS = 3;
export const ADMIN_DOWN_GAP_MS = 50;
/**
 * Waking this late hides nothing: sockets are read before timers are judged. Beyond it a whole machine may have stood still, and
 * what was on its way to it comes a little later.
 */
export const STALL_TOLERANCE_MS = 20;
/** After such a stall peers get this many of their intervals to be heard. */
export const STALL_GRACE_INTERVALS = 1.5;
/** Upper ends of the classes of `detectionMargins`, in ms; what is above the last has a class of its own. */
export const MARGIN_CLASSES_MS = [0, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500] as const;
