/** Bounds of the BGP thread. */

/** Prefixes of one portion of a routes command: about a millisecond of work. */
export const PREFIXES_PER_PORTION = 500;
