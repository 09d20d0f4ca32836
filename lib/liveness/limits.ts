/** Bounds of heartbeats and of what is kept about peers. */

/** A heartbeat fits into one unfragmented datagram on every link; longer datagrams are dropped unread. */
export const MAX_HEARTBEAT_OCTETS = 1200;

/** How many counters back a late datagram may be and still be told from a repeated one. */
export const REPLAY_WINDOW_COUNTERS = 64n;

/** Peers beyond this are ignored: a full mesh of more costs more than it is worth. */
export const MAX_PEERS = 1024;

/** Bounds of the detection time that a peer may ask for by its interval and multiplier. */
export const MIN_DETECTION_MS = 100;
export const MAX_DETECTION_MS = 30_000;

/** Earlier starts of one peer that are remembered, so that their recorded heartbeats stay dead. */
export const MAX_REMEMBERED_BOOTS = 64;
