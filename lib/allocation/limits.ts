/** Bounds of allocation: whatever users do, memory and objects stay small. */

/** Reservations kept at a time; of more, the oldest go. */
export const RESERVATIONS_MAX = 10_000;

/** Reservations of one pool that its status shows, and so those that outlive the controller. */
export const RESERVATIONS_SHOWN_MAX = 256;

/** Addresses of one pool whose holders its status shows; those of a full /16 would not fit an object. */
export const HOLDERS_SHOWN_MAX = 256;

/** Services shown for one shared address. */
export const SHARERS_SHOWN_MAX = 8;
