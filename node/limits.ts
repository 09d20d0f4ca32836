/** Bounds of the packet thread. */

/** Frames taken from one socket before the others get their turn. */
export const FRAMES_PER_TURN = 64;
/** Datagrams taken from one heartbeat socket before the others get their turn. */
export const DATAGRAMS_PER_TURN = 256;
/** Announcements sent on one interface before sockets are looked at again. */
export const ANNOUNCEMENTS_PER_TURN = 64;
/** Multicast groups joined on one interface before sockets are looked at again: a join is a slow system call. */
export const JOINS_PER_TURN = 16;
/** Groups of one socket: the kernel's memory for options allows 365 at its smallest default. */
export const GROUPS_PER_SOCKET = 300;
/** Reports of one message to main. */
export const REPORTS_PER_MESSAGE = 500;
/** Addresses of one report of counters: cloning ten thousand at once would hold up answers. */
export const COUNTERS_PER_REPORT = 250;
/** Entries of one message from main. */
export const ENTRIES_PER_MESSAGE = 250;
/** The longest sleep: a lost wake-up costs no more than this. */
export const MAX_SLEEP_MS = 250;
/** Counters are reported, and what failed for now is tried again, this often. */
export const HOUSEKEEPING_MS = 1000;
/** Longest ARP or NDP frame that is looked at in full; what is longer is padding. */
export const FRAME_OCTETS = 2048;
/** Receive buffer of each packet socket, in octets. */
export const PACKET_RECEIVE_OCTETS = 256 * 1024;
/** The same complaint is logged this often at most. */
export const REPEATED_LOG_MS = 60_000;
/** Datagrams taken from one BFD listener before the others get their turn: more than its buffer holds. */
export const BFD_DATAGRAMS_PER_TURN = 1024;
/** Receive buffer of each BFD listener, in octets; the kernel may grant less. */
export const BFD_RECEIVE_OCTETS = 1024 * 1024;
/** Receive buffer of a socket that only sends. */
export const BFD_SENDER_OCTETS = 4096;
/** Source ports tried for a session before the next packet tries again. */
export const BFD_SOURCE_PORT_ATTEMPTS = 64;
/** How often the packet thread looks for what the BGP thread wants, while nothing else wakes it. */
export const BFD_PORT_POLL_MS = 20;
/** Sessions of one report of counters. */
export const BFD_SESSIONS_PER_REPORT = 100;
/** A neighbor's MAC address is looked up anew after this. */
export const NEIGHBOR_MAC_MS = 1000;
/** Neighbors remembered for one address that they asked for, and in all. */
export const ASKERS_PER_ADDRESS = 32;
export const MAX_ASKERS = 16_384;
/** Who has not asked for this long is not told when the address moves. */
export const ASKER_AGE_MS = 300_000;
